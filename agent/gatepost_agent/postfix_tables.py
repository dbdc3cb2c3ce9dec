"""Asking Postfix itself: its parameters by postconf(1), its tables by postmap(1). No running Postfix is needed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Collection, Iterable
from pathlib import Path

from gatepost.errors import UnavailableError
from gatepost_agent.postfix_values import PARAMETERS, Name, Settings, make_settings, parse_parameters

_SECONDS = 120
_FAILED = re.compile(r"^post(?:map|conf): (?:fatal|error|panic): (.*)", re.MULTILINE)
_ONLY_ASKED = (
    "sqlite:",
    "mysql:",
    "pgsql:",
    "ldap:",
    "mongodb:",
    "memcache:",
    "pcre:",
    "regexp:",
    "static:",
    "tcp:",
    "socketmap:",
)
"""not tried, as postmap takes a second to say that it cannot list them"""
_CANNOT_LIST = "sequence operation is not supported"
_FOUND_SOME, _FOUND_NONE = 0, 1


class PostfixError(UnavailableError):
    """Postfix's configuration or one of its tables cannot be read; nothing is known about aliases now."""


class PostfixTables:
    """The tables of one Postfix configuration."""

    def __init__(self, folder: str) -> None:
        """Read the configuration in this folder."""
        self._folder = folder

    def settings(self) -> Settings:
        """Read the parameters that aliases depend on."""
        return make_settings(self.parameters(*PARAMETERS), _read_file)

    def parameters(self, *names: str) -> dict[str, str]:
        """Read parameters, as they are in force and with all names in them expanded."""
        status, output, complaint = self._run(["postconf", "-c", self._folder, "-x", *names])
        values = parse_parameters(output)
        if status or not values.keys() >= set(names):
            raise PostfixError(f"postconf: {complaint or output.strip()}", "see: aliases.postfix_config")
        return values

    def of_services(self) -> dict[str, str]:
        """Read the parameters that master.cf sets for single services, as SERVICE/TYPE/PARAMETER."""
        return self._of_master("-x", "-P")

    def columns(self, *names: str) -> dict[str, str]:
        """Read columns of master.cf, asked for as in `*/inet/chroot`, as SERVICE/TYPE/COLUMN."""
        return self._of_master("-F", *names)

    def _of_master(self, *options: str) -> dict[str, str]:
        _, output, complaint = self._run(["postconf", "-c", self._folder, *options])
        if complaint:
            raise PostfixError(f"postconf {' '.join(options)}: {complaint}", "see: aliases.postfix_config")
        return parse_parameters(output)

    def listed(self, table: str) -> dict[str, str] | None:
        """List a table; None when it is of a type that can only be asked."""
        if table.startswith(_ONLY_ASKED):
            return None
        status, output, complaint = self._run(["postmap", "-c", self._folder, "-s", table])
        if _CANNOT_LIST in complaint:
            return None
        if status or complaint:
            raise _broken(table, complaint)
        return _pairs(output)

    def ask(self, table: str, keys: Iterable[str]) -> dict[str, str]:
        """Ask a table about keys, in one process; those it has are in the answer."""
        asked = "".join(f"{key}\n" for key in keys if key)
        if not asked:
            return {}
        status, output, complaint = self._run(["postmap", "-c", self._folder, "-q", "-", table], asked)
        if complaint or status not in {_FOUND_SOME, _FOUND_NONE}:
            raise _broken(table, complaint)
        return _pairs(output)

    def among(self, listed: tuple[Name, ...], domains: Collection[str]) -> set[str]:
        """Tell which domains are in a list such as mydestination; the first word that matches decides."""
        found: set[str] = set()
        left = set(domains)
        for name in listed:
            hits = set(self.ask(name.text, sorted(left))) if name.is_table else left & {name.text}
            left -= hits
            if not name.negated:
                found |= hits
        return found

    def names_in(self, listed: tuple[Name, ...]) -> tuple[set[str], bool]:
        """Spell out a list; the second value is False when some of it is in a table that cannot be listed."""
        found: set[str] = set()
        complete = True
        for name in reversed(listed):
            of_table = self.listed(name.text) if name.is_table else {name.text: ""}
            complete = complete and of_table is not None
            found = found - set(of_table or ()) if name.negated else found | set(of_table or ())
        return found, complete

    def _run(self, command: list[str], asked: str = "") -> tuple[int, str, str]:
        """Run a program; gives its status, its output and what it says went wrong."""
        try:
            done = subprocess.run(
                command,
                input=asked.encode("utf-8", "surrogateescape"),
                capture_output=True,
                check=False,
                timeout=_SECONDS,
            )
        except FileNotFoundError:
            hint = "install Postfix, or set aliases.sync_seconds = 0"
            raise PostfixError(f"{command[0]} is not installed", hint) from None
        except subprocess.TimeoutExpired:
            raise PostfixError(f"{' '.join(command[:1] + command[3:])}: no answer in {_SECONDS} s") from None
        complaint = _FAILED.search(done.stderr.decode("utf-8", "replace"))
        return (
            done.returncode,
            done.stdout.decode("utf-8", "surrogateescape"),
            complaint[1] if complaint else "",
        )


def _broken(table: str, complaint: str) -> PostfixError:
    hint = "known aliases stay as they are; may the gatepost user read the table?"
    return PostfixError(f"alias table {table}: {complaint or 'postmap failed'}", hint)


def _pairs(output: str) -> dict[str, str]:
    lines = (line.partition("\t") for line in output.split("\n") if line)
    return {key: value for key, _, value in lines}


def _read_file(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise PostfixError(f"a list of domains: {error}", "may the gatepost user read the file?") from None
