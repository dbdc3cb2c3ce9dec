"""Nothing proven, everything proven."""

from __future__ import annotations

from gatepost.probe import Identity
from gatepost.proofs import EverythingProven, NothingProven
from gatepost.rule import Demand
from gatepost.verdict import Proof


def test_the_two() -> None:
    asked = Identity.ENVELOPE_SENDER, "x.org", Demand.REQUIRED
    assert NothingProven().prove(*asked) is None
    assert EverythingProven().prove(*asked) is Proof.ASSUMED
