"""From TOML values to a `Config`, and the list of everything that is wrong with them."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Literal, cast, get_args, get_origin

from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError

from gatepost.config import Config
from gatepost.network import parse_network

_OCTAL = re.compile(r"0?[0-7]{3}")
_SOCKET = re.compile(r"unix:/.+|inet:.+:(?P<port>\d{1,5})", re.ASCII)
_MAX_PORT = 65535


def structure(raw: Mapping[str, object]) -> Config:
    """Build the configuration from values that have no problems."""
    return _converter().structure(raw, Config)


def problems(raw: Mapping[str, object]) -> list[str]:
    """List what is wrong: unknown keys with what was meant, wrong types, values out of range."""
    unknown = list(_unknown(raw))
    try:
        config = structure(raw)
    except BaseValidationError as error:
        return unknown + [_tidy(line) for line in transform_error(error, path="", format_exception=_reason)]
    return unknown + list(_out_of_range(config))


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=False)
    for kind in (str, int, float, bool):
        converter.register_structure_hook(kind, _strict)
    converter.register_structure_hook_func(lambda kind: cast("Any", get_origin(kind)) is Literal, _one_of)
    items = converter.get_structure_hook(list[str])
    converter.register_structure_hook_func(
        lambda kind: kind == list[str], lambda value, kind: items(_a_list(value), kind)
    )
    return converter


def _one_of(value: object, kind: Any) -> Any:  # cattrs passes any type here
    if value not in get_args(kind):
        raise ValueError(f"must be {' or '.join(get_args(kind))}, not {value!r}")
    return value


def _a_list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"must be a list, not {value!r}")  # noqa: TRY004  the value is wrong, not the program
    return value


def _strict(value: object, kind: Any) -> Any:  # cattrs passes any type here
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        message = f"must be {_TYPE_NAMES[kind]}, not {value!r}"
        raise ValueError(message)
    return value


_TYPE_NAMES = {str: "a text in quotes", int: "a whole number", float: "a number", bool: "true or false"}


def _reason(error: BaseException, kind: Any) -> str:  # cattrs passes any type here
    del kind
    return str(error)


def _tidy(line: str) -> str:
    reason, _, path = line.rpartition(" @ ")
    return f"{path.lstrip('.')}: {reason}"


def _unknown(raw: Mapping[str, object]) -> Iterator[str]:
    sections = {f.name: f.default_factory for f in fields(Config)}
    for name, values in raw.items():
        if name not in sections:
            yield f"{_shown(name)}: unknown section{_meant(name, sections)}"
        elif not isinstance(values, dict):
            yield f"{name}: must be a section, [{name}]"
        else:
            known = [f.name for f in fields(cast("Any", sections[name]))]
            yield from (
                f"{name}.{_shown(key)}: unknown key{_meant(key, known)}" for key in values if key not in known
            )


def _shown(key: str) -> str:
    """Write a key so that it keeps to its line."""
    return key if key.isprintable() else repr(key)


def _meant(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean {close[0]}?" if close else ""


def _out_of_range(config: Config) -> Iterator[str]:
    for path, modes in (("policyd.socket_mode", config.policyd), ("milter.socket_mode", config.milter)):
        if not _OCTAL.fullmatch(modes.socket_mode):
            yield f"{path}: must be an octal mode like 0660, not {modes.socket_mode!r}"
    for path, value, least in _least(config):
        if not least <= value < math.inf:
            yield f"{path}: must be at least {least}, not {value}"
    for path, sockets in _sockets(config):
        yield from (
            f"{path}: {s!r} is neither unix:/PATH nor inet:HOST:PORT" for s in sockets if not _is_socket(s)
        )
    yield from _networks(config.site.mynetworks)
    if ":" not in config.database.url:
        yield f"database.url: {config.database.url!r} is no URL like sqlite:////PATH or postgresql+psycopg://…"


def _least(config: Config) -> Iterator[tuple[str, float, float]]:
    yield "policyd.workers", config.policyd.workers, 1
    yield "policyd.max_request_bytes", config.policyd.max_request_bytes, 4096
    yield "policyd.idle_timeout_seconds", config.policyd.idle_timeout_seconds, 1
    yield "agent.poll_seconds", config.agent.poll_seconds, 0.01
    yield "agent.drain_seconds", config.agent.drain_seconds, 0.01
    yield "agent.events_days", config.agent.events_days, 1
    yield "agent.snapshot_gib", config.agent.snapshot_gib, 1
    yield "aliases.sync_seconds", config.aliases.sync_seconds, 0
    yield "database.busy_timeout_seconds", config.database.busy_timeout_seconds, 0.1


def _sockets(config: Config) -> Iterator[tuple[str, list[str]]]:
    yield "policyd.listen", config.policyd.listen
    yield "policyd.relay_listen", config.policyd.relay_listen
    yield "milter.listen", [config.milter.listen]


def _is_socket(text: str) -> bool:
    match = _SOCKET.fullmatch(text)
    return match is not None and int(match["port"] or 0) <= _MAX_PORT


def _networks(texts: list[str]) -> Iterator[str]:
    for text in texts:
        try:
            parse_network(text)
        except ValueError as error:
            yield f"site.mynetworks: {error}"
