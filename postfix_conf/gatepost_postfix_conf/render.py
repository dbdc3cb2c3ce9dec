"""Turn a `PostfixModel` into the text of its files; nothing is read and nothing is touched.

Entry points: `main_cf`, `master_cf`. The same model always gives the same bytes.
Source: postconf(5), master(5).
"""

from __future__ import annotations

from collections.abc import Iterable

from gatepost.errors import DataError
from gatepost_postfix_conf.main_cf import main_settings
from gatepost_postfix_conf.master_cf import Service, services
from gatepost_postfix_conf.model import PostfixModel, Setting
from gatepost_postfix_conf.tables import banner

COMMAND = "gatepost postfix apply"


def main_cf(model: PostfixModel, extra: Iterable[Setting] = (), command: str = COMMAND) -> str:
    """Write main.cf; `extra` holds what the place needs and the model does not know."""
    settings = {setting.name: setting for setting in (*main_settings(model), *extra)}
    return "\n".join([banner(command), "", *map(_parameter, settings.values())])


def master_cf(model: PostfixModel, command: str = COMMAND) -> str:
    """Write master.cf."""
    return "\n".join([banner(command), "", *map(_service, services(model)), ""])


def _parameter(setting: Setting) -> str:
    return f"# {setting.reason}\n{setting.name} = {_value(setting)}\n".replace(" \n", "\n")


def _service(service: Service) -> str:
    chroot = "y" if service.chroot else "n"
    columns = (service.name, service.type, service.private, "-", chroot, service.wakeup)
    line = " ".join((*columns, service.maxproc, service.command))
    return "".join([line, *map(_option, service.options)])


def _option(setting: Setting) -> str:
    return f"\n    # {setting.reason}\n    -o {{ {setting.name} = {_value(setting)} }}"


def _value(setting: Setting) -> str:
    """Refuse a value that would begin a parameter of its own (postconf(5), "continued lines")."""
    for line in setting.value.split("\n")[1:]:
        if not line.startswith("    "):
            message = f"{setting.name} cannot hold a line of its own: {setting.value!r}"
            raise DataError(message)
    return setting.value
