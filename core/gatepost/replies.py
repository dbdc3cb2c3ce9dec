"""What a mail client is told: one table from the decision to reply code, enhanced code and text.

The text is the same whoever's rule it was; the reference leads the administrator to the event.
"""

from __future__ import annotations

import enum
from typing import NamedTuple


class Reply(NamedTuple):
    """An SMTP reply (RFC 5321 4.2, RFC 3463)."""

    code: str
    enhanced: str
    text: str

    def __str__(self) -> str:
        """Write it as Postfix's access(5) takes it."""
        return f"{self.code} {self.enhanced} {self.text}"


class Refusal(enum.Enum):
    """Why a client is refused."""

    BLOCKED = Reply("550", "5.7.1", "Not accepted by the recipient's mail policy{ref}")
    UNREADABLE = Reply("550", "5.6.0", "The From: header is too long to be read{ref}")
    NOT_READY = Reply("451", "4.3.0", "Mail policy is not available now, please try again later")

    def reply(self, ref: str = "") -> Reply:
        """Fill in the reference of the event, where there is one."""
        code, enhanced, text = self.value
        return Reply(code, enhanced, text.format(ref=f" (ref {ref})" if ref else ""))
