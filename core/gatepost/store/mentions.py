"""Finding an address in what a person typed: a command of the audit, as shlex.join wrote it. Pure.

An address counts as a whole, in any spelling and with any +detail: joann@x.org is not ann@x.org.
"""

from __future__ import annotations

import re
import shlex

from gatepost.address import parse_address

_QUOTED = r'"(?:[^"\\]|\\.)+"'
_LOCAL = r'[^\s"(),:;<>@\[\\\]]+'
_DOMAIN = r"\[[^\s\]]+\]|[^\s\"'`(),:;<>@\[\\\]=!?/|{}*]+"
_ADDRESS = re.compile(rf"(?:{_QUOTED}|{_LOCAL})@(?:{_DOMAIN})")
_BEFORE = re.compile(r"--[a-z-]+=|['`{|/*]+")
"""what may stand before an address without a blank, though a local part may begin so too"""


def is_of(text: str, mailbox: str) -> bool:
    """Whether an address is a mailbox's, with any +detail."""
    return str(parse_address(text).base) == mailbox


def mentions(command: str, mailbox: str) -> bool:
    """Whether a command names a mailbox."""
    return without(command, mailbox, "") != command


def without(command: str, mailbox: str, instead: str) -> str:
    """Write something else into a command wherever it names a mailbox."""
    try:
        words = shlex.split(command)
    except ValueError:  # not from the command line
        return _replaced(command, mailbox, instead)
    replaced = [_replaced(word, mailbox, instead) for word in words]
    return command if replaced == words else shlex.join(replaced)


def _replaced(text: str, mailbox: str, instead: str) -> str:
    def other(found: re.Match[str]) -> str:
        before = _BEFORE.match(found[0])
        for start in (0, before.end() if before else 0):
            if is_of(found[0][start:], mailbox):
                return found[0][:start] + instead
        return found[0]

    return _ADDRESS.sub(other, text)
