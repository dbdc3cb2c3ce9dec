"""Who takes part in the story, and the host that it is told on."""

from __future__ import annotations

from gatepost_cli.demo.host import HostPlan

ANN = "ann@example.com"
BOB = "bob@example.com"
SALES = "sales@example.com"
PLAN = HostPlan(("example.com",), (ANN, BOB), {SALES: (ANN, BOB)})
