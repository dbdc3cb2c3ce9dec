"""The tree of errors and its exit codes (sysexits.h)."""

from __future__ import annotations

import os

import pytest

from gatepost import errors
from gatepost.pattern import PatternError
from gatepost.rule import RuleError
from gatepost.scope import ScopeError


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (errors.GatepostError, "EX_SOFTWARE"),
        (errors.UsageError, "EX_USAGE"),
        (errors.DataError, "EX_DATAERR"),
        (errors.UnavailableError, "EX_UNAVAILABLE"),
        (errors.DatabaseError, "EX_UNAVAILABLE"),
        (errors.TemporaryError, "EX_TEMPFAIL"),
        (errors.ConfigError, "EX_CONFIG"),
        (PatternError, "EX_DATAERR"),
        (ScopeError, "EX_DATAERR"),
        (RuleError, "EX_DATAERR"),
    ],
)
def test_exit_status(error: type[errors.GatepostError], name: str) -> None:
    assert error.exit_status == getattr(os, name)


def test_every_error_is_in_the_drawing() -> None:
    tree = [kind.__name__ for kind in vars(errors).values() if isinstance(kind, type)]
    assert [name for name in tree if f"{name} " not in (errors.__doc__ or "")] == []


def test_message_and_hint_are_kept() -> None:
    error = errors.DataError("wrong", "do it so")
    assert (str(error), error.message, error.hint) == ("wrong", "wrong", "do it so")
