"""The golden table through policyd's own socket, as Postfix would ask."""

from __future__ import annotations

import socket

from tests.golden.cases import Case
from tests.golden.in_force import InForce

from gatepost_cli.demo.host import PrivateHost


def test_rcpt(case: Case, in_force: InForce) -> None:
    assert tuple(_ask(in_force.host, case, to) for to in case.to) == case.rcpt


def _ask(host: PrivateHost, case: Case, recipient: str) -> str:
    lines = {
        "request": "smtpd_access_policy",
        "protocol_state": "RCPT",
        "sender": case.sender,
        "recipient": recipient,
        "client_address": case.client,
        "policy_context": "inbound",
    }
    request = "".join(f"{name}={value}\n" for name, value in lines.items()) + "\n"
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(host.postfix.gatepost_dir / "policyd.sock"))
        asking.sendall(request.encode())
        answer = asking.makefile("rb").readline().decode().strip().removeprefix("action=")
    return "reject" if answer.startswith("550 5.7.1 ") else answer
