"""postfwd2 of Debian's package postfwd with the same rules as Gatepost; entry point: `postfwd`.

It makes itself a daemon and answers one connection per process, hence a process for each
connection of the largest load. Its cache of requests is switched off: requests do not repeat while
it is measured, and with the cache it is slower.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from . import processes, rule_list
from .policy import CONNECTIONS, Server
from .processes import SERVER_CPU, BenchError


@contextlib.contextmanager
def postfwd(folder: Path, requests: Path, rules: int) -> Iterator[Server]:
    """Run postfwd2 with the first `rules` rules of the list."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)  # it writes its pid file after it became nobody
    config, port, log = folder / "postfwd.cf", processes.free_port(), folder / "postfwd.log"
    config.write_text("".join(map(rule_line, range(rules))))
    with log.open("wb") as output:
        command = processes.on_cpu(SERVER_CPU, _command(folder, config, port))
        subprocess.run(command, check=True, stdout=output, stderr=output)
    pid_file, address = folder / "postfwd.pid", f"inet:127.0.0.1:{port}"
    processes.wait_until(lambda: _pid(pid_file) > 0, f"{pid_file}; see {log}", 60)
    try:
        processes.wait_until(lambda: processes.answers(address), f"{address}; the log is {log}", 60)
        yield Server(f"postfwd2, {rules:,} rules", address, _pid(pid_file), requests)
    finally:
        processes.terminate(_pid(pid_file))


def rule_line(index: int) -> str:
    """Rule number `index` of the list as a line of postfwd's configuration."""
    rule, kind = rule_list.rule(index), rule_list.KINDS[index % rule_list.GROUP]
    action = "550 5.7.1 refused" if rule.action == "block" else "permit_auth_destination"
    items = [f"id=R{index}", *_scope(rule.scope), _pattern(kind, rule.pattern), f"action={action}"]
    return "; ".join(items) + "\n"


def _scope(scope: str) -> list[str]:
    if scope == "site":
        return []
    return [f"recipient=={scope}" if "@" in scope else f"recipient_domain=={scope}"]


def _pattern(kind: str, pattern: str) -> str:
    match kind:
        case "address":
            return f"sender=={pattern}"
        case "domain":
            return f"sender_domain=={pattern}"
        case "parent":
            below = pattern.replace(".", r"\.")
            return rf"sender_domain=~(.+{below}|{below.removeprefix(chr(92) + '.')})"
        case "local":
            return f"sender_localpart=={pattern.removesuffix('@')}"
        case "network6":  # its own networks are IPv4 only
            return f"client_address=~{pattern.removesuffix(':/48')}.*"
        case _:
            return f"client_address={pattern}"


def _command(folder: Path, config: Path, port: int) -> list[str]:
    program = processes.installed("postfwd2")
    if program is None:
        raise BenchError("postfwd2 is not installed (Debian package postfwd)")
    most = str(max(CONNECTIONS) + 5)
    cache = f"tcp:127.0.0.1:{processes.free_port()}"
    sockets = ("--server_socket", f"tcp:127.0.0.1:{port}", "--cache_socket", cache)
    quiet = ("--nodns", "--perfmon", "--cache", "0", "--no_parent_cache")
    children = ("--min_servers", most, "--min_spare_servers", "1", "--max_servers", most)
    owner = ("-u", "nobody", "-g", "nogroup", "--pidfile", str(folder / "postfwd.pid"))
    return [program, "-f", str(config), *sockets, *quiet, *children, *owner]


def _pid(file: Path) -> int:
    """The pid in a pid file, 0 while there is none."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0
