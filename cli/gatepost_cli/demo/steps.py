"""What a story is made of: chapters of steps, as plain values.

`{name}` in a line or an expectation stands for what an earlier step has named: the number of a rule,
or the reference that a refused sender was told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gatepost_cli.demo.mail import STRANGER

REFUSED = "550 5.7.1"
TAKEN = "250"
NOTHING = "nothing arrived"
INBOX = "INBOX"
JUNK = "Junk"


@dataclass(frozen=True, slots=True)
class Rule:
    """A `gatepost` command that changes rules, and the time until the change is in force."""

    line: str
    """without the word gatepost"""
    text: str = ""
    """one sentence for the reader, shown before"""
    name: str = ""
    """what later steps call the number of the rule"""
    says: tuple[str, ...] = ()
    """texts that its output must hold"""
    waits: bool = True
    """False where the next step measures the time by itself"""


@dataclass(frozen=True, slots=True)
class Ask:
    """A `gatepost` command that only tells something, or fails as it must."""

    line: str
    text: str = ""
    says: tuple[str, ...] = ()
    status: int = 0
    """the exit status that it must have"""
    patience_seconds: float = 0.0
    """how long to ask again while the answer is not there yet"""


@dataclass(frozen=True, slots=True)
class Shell:
    """A command of the shell, in the folder of the demonstration."""

    line: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """A message of a stranger, what he must be told, and where it must lie."""

    sender: str
    to: tuple[str, ...]
    answers: tuple[str, ...]
    """how the reply to each RCPT TO must begin"""
    lies: Mapping[str, str]
    """by mailbox: NOTHING, or the folder and, after `, marked `, its verdict header"""
    text: str = ""
    end: str = TAKEN
    """how the reply to the final dot must begin; empty: it is never sent"""
    header_from: str = ""
    """empty: the sender"""
    extra: str = ""
    """one more header line"""
    client: str = STRANGER
    name: str = ""
    """what later steps call the reference in the refusal"""


@dataclass(frozen=True, slots=True)
class Until:
    """Ask Postfix again and again for a recipient until it answers so, and measure the time."""

    sender: str
    to: str
    answer: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Kill:
    """A daemon of Gatepost is killed and started again."""

    daemon: str
    text: str = ""


Step: TypeAlias = Rule | Ask | Shell | Kill | Mail | Until


@dataclass(frozen=True, slots=True)
class Chapter:
    """Some steps that show one thing."""

    title: str
    text: str
    steps: tuple[Step, ...]


def marked(folder: str, verdict: str) -> str:
    """Say where a message lies and what its verdict header says."""
    return f"{folder}, marked {verdict}"
