"""Asking the daemons of this host whether they are there: over their own sockets, as Postfix does."""

from __future__ import annotations

import fcntl
import json
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from gatepost.errors import GatepostError
from gatepost.sockets import SocketAddress, parse_socket_address

_SECONDS = 2.0
_QUESTION = b"request=smtpd_access_policy\nprotocol_state=CONNECT\nclient_address=127.0.0.1\n\n"
_NEGOTIATION = struct.pack(">IcIII", 13, b"O", 6, 0x1FF, 0x1FFFFF)
"""SMFIC_OPTNEG of the milter protocol, version 6"""
_GOODBYE = struct.pack(">Ic", 1, b"Q")


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """What the agent wrote down last."""

    at: float
    waiting: int
    trouble: dict[str, str]


def ask_policyd(address: str) -> str:
    """Ask a policy socket for an answer; gives what is wrong, or nothing."""
    return _ask(address, _QUESTION, b"action=")


def ask_milter(address: str) -> str:
    """Negotiate with a milter; gives what is wrong, or nothing."""
    return _ask(address, _NEGOTIATION, b"", _GOODBYE)


def agent_runs(state: Path) -> bool:
    """Whether an agent holds the lock of a state folder."""
    from gatepost_agent.agent import LOCK_FILE

    try:
        with (state / LOCK_FILE).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def agent_status(state: Path) -> AgentStatus | None:
    """Read the agent's status file."""
    from gatepost_agent.agent import STATUS_FILE

    try:
        values = json.loads((state / STATUS_FILE).read_text(encoding="utf-8"))
        return AgentStatus(float(values["at"]), int(values["waiting"]), dict(values["trouble"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _ask(name: str, question: bytes, answer: bytes, goodbye: bytes = b"") -> str:
    try:
        with _connect(parse_socket_address(name)) as connection:
            connection.sendall(question)
            found = connection.recv(4096)
            connection.sendall(goodbye)
    except GatepostError as error:
        return error.message
    except OSError as error:
        return error.strerror or str(error)
    return "" if found and found.startswith(answer) else "no answer"


def _connect(address: SocketAddress) -> socket.socket:
    if not address.path:
        return socket.create_connection((address.host, address.port), timeout=_SECONDS)
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(_SECONDS)
    try:
        made.connect(address.path)
    except OSError:
        made.close()
        raise
    return made
