"""What can go wrong, as one tree.

    GatepostError                    70  a bug of ours
    ├── UsageError                   64  the command line is wrong
    ├── DataError                    65  an input is wrong: a pattern, a scope, a file
    ├── UnavailableError             69  something that is needed is not there
    │   └── DatabaseError            69  the SQL database is down, locked or not ours
    ├── TemporaryError               75  try again later
    └── ConfigError                  78  gatepost.toml, or the host, is set up wrongly

The number is the exit status of the command line (sysexits.h). `hint` is the way out, in one
sentence; the cause goes to the log and never into an SMTP reply.
"""

from __future__ import annotations


class GatepostError(Exception):
    """Anything Gatepost reports to a person; carries the message and the way out."""

    exit_status = 70

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep the message and, where there is one, the way out."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(GatepostError):
    """The command line asks for something that makes no sense."""

    exit_status = 64


class DataError(GatepostError):
    """An input is not what it should be; nothing was changed."""

    exit_status = 65


class UnavailableError(GatepostError):
    """A service or file that is needed cannot be reached."""

    exit_status = 69


class DatabaseError(UnavailableError):
    """The SQL database is down, locked, or not the one that is expected."""


class TemporaryError(GatepostError):
    """It did not work now and may work later."""

    exit_status = 75


class ConfigError(GatepostError):
    """gatepost.toml, or the host, is set up wrongly."""

    exit_status = 78
