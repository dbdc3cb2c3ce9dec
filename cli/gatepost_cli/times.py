"""Times and spans as the command line reads and writes them. Times are UTC; a file holds Unix seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from gatepost.errors import UsageError

_SPAN = re.compile(r"(\d{1,6})\s*([hdw])")
_SECONDS = {"h": 3600, "d": 86_400, "w": 604_800}
_LATEST = 253_402_300_799  # the last second of 9999, the last year that datetime can show
_HINT = "write a span like 12h, 30d or 2w, or a time (UTC) like 2026-12-31 or 2026-12-31T18:00"


def parse_span(text: str) -> int:
    """Read 12h, 30d or 2w as seconds."""
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(f"not a span of time: {text!r}", "write it like 12h, 30d or 2w")
    return int(match[1]) * _SECONDS[match[2]]


def parse_time(text: str, now: float) -> int:
    """Read a span from now, or a time: a date is its first second, and a time without a zone is UTC."""
    stripped = text.strip()
    is_span = _SPAN.fullmatch(stripped.lower())
    seconds = int(now) + parse_span(stripped) if is_span else _parse_date(stripped)
    if not 0 <= seconds <= _LATEST:
        raise UsageError(
            f"not a time: {text!r}", "a time lies in the years 1970 to 9999; for no end say never"
        )
    return seconds


def _parse_date(text: str) -> int:
    try:
        time = datetime.fromisoformat(text)
        return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise UsageError(f"not a time: {text!r}", _HINT) from None


def parse_expiry(text: str, now: float) -> int | None:
    """Read when a rule ends; `never` and nothing are None."""
    if text.strip().lower() in {"", "never"}:
        return None
    seconds = parse_time(text, now)
    if seconds == 0:  # stands for no end where rules are stored in the snapshot
        raise UsageError("a rule cannot end with the first second of 1970", _HINT)
    return seconds


def iso(time: float | None) -> str | None:
    """Write a time as ISO 8601 in UTC, to the second."""
    if time is None:
        return None
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def short(time: float | None, absent: str = "never") -> str:
    """Write a time for a table, to the minute."""
    return absent if time is None else datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")
