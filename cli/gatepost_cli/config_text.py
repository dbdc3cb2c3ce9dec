"""Settings as the text of gatepost.toml: each with its meaning as a comment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import Field, fields
from typing import Any

from gatepost.config import Config

_PASSWORD = re.compile(r"(://[^:/@]*:).*(?=@)|([?&]password=)[^&]*")


def config_text(config: Config, *, secrets: bool) -> str:
    """Write all settings; a password in the database's URL is hidden unless `secrets`."""
    return "\n".join(_lines(config, secrets=secrets)) + "\n"


def _lines(config: Config, *, secrets: bool) -> Iterator[str]:
    yield "# Gatepost's settings. Every key has its default, so each may be left out."
    for section in fields(config):
        values = getattr(config, section.name)
        yield ""
        yield f"# {_summary(values)}"
        yield f"[{section.name}]"
        for setting in fields(values):
            yield f"# {_meaning(setting)}"
            yield f"{setting.name} = {_toml(_shown(getattr(values, setting.name), secrets=secrets))}"


def _summary(values: object) -> str:
    return (type(values).__doc__ or "").split("\n", 1)[0]


def _meaning(setting: Field[Any]) -> str:  # a field's type is that of its value
    return str(setting.metadata["help"])


def _shown(value: object, *, secrets: bool) -> object:
    return value if secrets or not isinstance(value, str) else without_password(value)


def without_password(text: str) -> str:
    """Hide the password of a URL."""
    return _PASSWORD.sub(r"\1\2…", text) if "://" in text else text


def _toml(value: object) -> str:
    """Write a text, a number or a list of texts; JSON's form of these is TOML's too."""
    return json.dumps(value, ensure_ascii=False)
