"""gatepost.toml: every setting with its default, its unit and its meaning. The classes are the manual.

A file is read whole: unknown keys and all errors are reported together, each with its key path.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gatepost.errors import ConfigError

DEFAULT_FILE = Path("/etc/gatepost/gatepost.toml")
ENVIRONMENT_VARIABLE = "GATEPOST_CONFIG"


def _setting(default: Any, text: str) -> Any:  # dataclasses.field is typed as Any too
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata={"help": text})
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, slots=True)
class Database:
    """Where the truth is kept: rules, audit, events."""

    url: str = _setting(
        "sqlite:////var/lib/gatepost/gatepost.db",
        "sqlite:////path, or postgresql+psycopg://user@host/name for several mail hosts",
    )
    password_file: str = _setting("", "file whose first line is the database password; empty: none")
    busy_timeout_seconds: float = _setting(5.0, "how long to wait for a lock or a connection")


@dataclass(frozen=True, slots=True)
class Paths:
    """Where files go."""

    state: str = _setting("/var/lib/gatepost", "snapshot/ and journal/ lie here")
    run: str = _setting("/run/gatepost", "sockets that are not Postfix's; none yet")


@dataclass(frozen=True, slots=True)
class Site:
    """What Gatepost must know of the mail host."""

    mynetworks: list[str] = _setting(["127.0.0.0/8", "::1/128"], "clients that are not judged, as in Postfix")
    domains: list[str] = _setting(
        [], "own domains, to warn when a rule names one; mail flow does not need it"
    )
    user: str = _setting(
        "gatepost", "system user that owns state and runs the daemons; the CLI becomes it when run as root"
    )


@dataclass(frozen=True, slots=True)
class Policyd:
    """The policy daemon that Postfix asks at RCPT."""

    listen: list[str] = _setting(
        ["unix:/var/spool/postfix/gatepost/policyd.sock"],
        "inbound: any number of unix:PATH and inet:HOST:PORT",
    )
    relay_listen: list[str] = _setting(
        ["unix:/var/spool/postfix/gatepost/relay.sock"], "POP-before-SMTP grants, nothing else"
    )
    workers: int = _setting(2, "processes that answer")
    socket_mode: str = _setting(
        "0666", "octal mode of unix sockets; the folder above them is what protects them"
    )
    max_request_bytes: int = _setting(65536, "a longer request is answered DUNNO and the connection closed")
    idle_timeout_seconds: float = _setting(
        600.0,
        "a silent connection is closed after this time; at least 310, as Postfix keeps one for 300"
        " (smtpd_policy_service_max_idle), and one that we close first costs an answer",
    )
    on_missing_snapshot: Literal["open", "defer"] = _setting(
        "open", "open: let through unjudged; defer: 451 until there is one; holds for the milter too"
    )


@dataclass(frozen=True, slots=True)
class Milter:
    """The milter that judges again at the end of the message."""

    listen: str = _setting("unix:/var/spool/postfix/gatepost/milter.sock", "unix:PATH or inet:HOST:PORT")
    socket_mode: str = _setting("0666", "octal mode of a unix socket")
    timeout_seconds: int = _setting(600, "how long to wait for Postfix in the middle of a dialogue")


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent, one per mail host."""

    poll_seconds: float = _setting(0.2, "how often to look for changed rules in the database")
    drain_seconds: float = _setting(1.0, "how often the journal is moved into the database")
    events_days: int = _setting(30, "how long events are kept")
    snapshot_gib: int = _setting(16, "upper bound of the snapshot's address space, not of its size")


@dataclass(frozen=True, slots=True)
class Aliases:
    """Where Postfix's aliases are read from."""

    sync_seconds: float = _setting(60.0, "how often; 0: never")
    postfix_config: str = _setting("/etc/postfix", "folder of main.cf")


@dataclass(frozen=True, slots=True)
class Config:
    """All settings."""

    database: Database = field(default_factory=Database)
    paths: Paths = field(default_factory=Paths)
    site: Site = field(default_factory=Site)
    policyd: Policyd = field(default_factory=Policyd)
    milter: Milter = field(default_factory=Milter)
    agent: Agent = field(default_factory=Agent)
    aliases: Aliases = field(default_factory=Aliases)

    @property
    def snapshot_folder(self) -> Path:
        """Where the snapshot's generations lie."""
        return Path(self.paths.state) / "snapshot"

    @property
    def journal_folder(self) -> Path:
        """Where journal and recent lie."""
        return Path(self.paths.state) / "journal"


def config_file(named: str | None) -> Path:
    """Find the file: as named, else by the environment, else the default."""
    return Path(named or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT_FILE)


def load_config(file: Path) -> Config:
    """Read a file; ConfigError lists everything that is wrong with it."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"no configuration at {file}", "write one with: gatepost init") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {file}: {error}") from None
    return parse_config(text, str(file))


def parse_config(text: str, name: str = "gatepost.toml") -> Config:
    """Read the text of a file; `name` is for messages."""
    from gatepost.config_check import problems, structure  # noqa: PLC0415  cattrs takes 60 ms, --help has none to spare

    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not TOML: {error}") from None
    found = problems(raw)
    if found:
        lines = "\n".join(f"  {problem}" for problem in found)
        raise ConfigError(f"{name}:\n{lines}", "every key with its default: gatepost config show --defaults")
    return structure(raw)
