"""The golden table through `gatepost explain --unproven --json`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.golden.cases import Case, load_cases
from tests.golden.in_force import InForce

from gatepost_cli.main import run


@pytest.fixture(scope="module", params=[case for case in load_cases() if any(case.explain)], ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    """Go through the rows that a command line can give."""
    found: Case = request.param
    return found


def test_explain(case: Case, in_force: InForce, capsys: pytest.CaptureFixture[str]) -> None:
    told = tuple(
        _words(in_force, _explain(in_force, case, to, capsys)) if wanted else ""
        for to, wanted in zip(case.to, case.explain, strict=True)
    )
    assert told == case.explain


def test_policy_action(case: Case, in_force: InForce, capsys: pytest.CaptureFixture[str]) -> None:
    told = [_explain(in_force, case, to, capsys)["policy_action"] for to in case.to]
    assert tuple("reject" if t.startswith("550 5.7.1 ") else t for t in told) == case.rcpt


def _explain(in_force: InForce, case: Case, to: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    header_from = [f"--header-from={body}" for body in case.header_from]
    command = [
        "explain",
        "--unproven",
        "--json",
        f"--from={case.sender}",
        f"--to={to}",
        f"--client={case.client}",
    ]
    capsys.readouterr()
    status = run(["--config", str(in_force.host.config_file), *command, *header_from])
    said = capsys.readouterr()
    assert status == 0, said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


def _words(in_force: InForce, told: dict[str, Any]) -> str:
    if told["verdict"] == "none":
        return "none"
    beaten = ",".join(str(in_force.table_number(rule["id"])) for rule in told["beats"])
    text = f"{told['verdict']} {in_force.table_number(told['rule']['id'])}"
    return f"{text} beats {beaten}" if beaten else text
