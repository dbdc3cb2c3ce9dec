"""The log of a daemon: standard error, one line a message, whatever is in the message."""

from __future__ import annotations

import logging
import os


class OneLine(logging.Formatter):
    """Folds a traceback, and what a mail client may have put into a text, into one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")


def log_to_stderr(*, debug: bool) -> None:
    """Set up logging; times are left to the systemd journal where there is one (systemd.exec(5))."""
    form = "%(levelname)s %(name)s: %(message)s"
    if "JOURNAL_STREAM" not in os.environ:
        form = "%(asctime)s " + form
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine(form))
    logging.basicConfig(level=logging.DEBUG if debug else logging.INFO, handlers=[handler], force=True)
