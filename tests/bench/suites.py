"""The measurements, one function a part; each gives its figures.

Targets: the speed and size promised in docs/, as ratios wherever there is something to compare with.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from . import policy, processes, references, rule_list, smtp
from .figures import Figure, Series, Target, paired
from .gatepost_host import BUILD_SECONDS, GatepostHost
from .policy import Load, Runs, Server
from .postfwd import postfwd

POSTFWD_RULES = (3, 1_000)
STRANGERS, HALF_HIT = "no rule hit", "half hit a rule"
MIB = 1 << 20
TARGET_RULES = 1_000_000  # the length of list that import and build have targets for
HELP_RUNS = 11


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; `sizes` are lengths of the list of rules, ascending."""

    parts: frozenset[str]
    sizes: tuple[int, ...]
    rounds: int
    seconds: float
    smtp_rounds: int
    messages: int


QUICK_SIZES = (1_000, 100_000)
FULL_SIZES = (1_000, 1_000_000, 10_000_000)


def lists(plan: Plan, folder: Path) -> Iterator[Figure]:
    """Import, snapshot build and policyd, for each length of the list."""
    speeds: dict[int, Runs] = {}
    for size in plan.sizes if plan.parts & {"import", "snapshot", "policy"} else ():
        host = GatepostHost(folder / f"rules-{size}")
        yield _import_figure(host, size)
        yield from _served(host, size, plan, speeds)
    yield from _growth(speeds)


def _import_figure(host: GatepostHost, size: int) -> Figure:
    seconds = host.import_rules(size)
    plain = references.plain_insert_seconds(host.folder, size)
    target = Target(at_most=60, of="value") if size == TARGET_RULES else None
    what = f"import, {size:,} rules"
    return Figure("import", what, seconds, "s", "SQLite alone", plain, seconds / plain, target)


def _served(host: GatepostHost, size: int, plan: Plan, speeds: dict[int, Runs]) -> Iterator[Figure]:
    requests = host.folder / "requests"
    rule_list.write_requests(requests, size)
    with host.policyd("policyd", requests) as server, host.daemon("agent"):
        yield _build_figure(host, size)
        yield _change_figure(host, size)
        if "policy" in plan.parts:
            speeds[size] = _loaded(server, host.folder, size, plan)
            yield from _policy_figures(size, speeds[size])
            yield _memory_figure(server, size)


def _build_figure(host: GatepostHost, size: int) -> Figure:
    last = rule_list.request_for(size - 1)
    seconds = host.wait_for_rule(last, BUILD_SECONDS)
    plain = references.plain_snapshot_seconds(host.folder, size)
    target = Target(at_most=20, of="value") if size == TARGET_RULES else None
    what = f"agent's start to snapshot in force, {size:,} rules"
    return Figure("snapshot", what, seconds, "s", "LMDB alone", plain, seconds / plain, target)


def _change_figure(host: GatepostHost, size: int) -> Figure:
    seconds = median(host.change_seconds() for _ in range(3))
    what = f"one rule more in force, {size:,} rules"
    return Figure("snapshot", what, seconds, "s", target=Target(at_most=1, of="value"))


def _loaded(server: Server, folder: Path, size: int, plan: Plan) -> Runs:
    """Load policyd with strangers that nobody has a rule for, and with some of whom half hit one."""
    strangers = folder / "strangers"
    rule_list.write_requests(strangers, size, hit_share=0)
    ways = replace(server, name=STRANGERS, requests=strangers), replace(server, name=HALF_HIT)
    with policy.noop(folder, server.requests) as limit:
        return policy.rounds((limit, *ways), plan.rounds, plan.seconds)


def _policy_figures(size: int, runs: Runs) -> Iterator[Figure]:
    for way, connections in ((way, n) for way in (STRANGERS, HALF_HIT) for n in policy.CONNECTIONS):
        place = f"{way}, {connections} conn., {size:,} rules"
        mine, limit = runs[way, connections], runs["C no-op", connections]
        yield _speed(f"policyd, {place}", mine, limit, Target(at_least=0.2))
        yield _per_core(f"policyd, {place}", mine, limit)
        target = Target(at_most=60, of="value") if connections == 1 else None
        p50 = _both(f"policyd p50, {place}", mine, limit, lambda run: run.p50_us)
        yield paired("policy", "µs", *p50, target)
        p99 = _both(f"policyd p99, {place}", mine, limit, lambda run: run.p99_us)
        yield paired("policy", "µs", *p99)


def _speed(what: str, mine: list[Load], limit: list[Load], target: Target | None = None) -> Figure:
    series = _both(what, mine, limit, lambda run: run.per_second)
    return paired("policy", "req/s", *series, target)


def _per_core(what: str, mine: list[Load], limit: list[Load]) -> Figure:
    series = _both(what, mine, limit, lambda run: run.per_cpu_second)
    return paired("policy", "req/CPU s", *series)


def _both(
    what: str, mine: list[Load], limit: list[Load], which: Callable[[Load], float]
) -> tuple[Series, Series]:
    return Series(what, [*map(which, mine)]), Series("C no-op", [*map(which, limit)])


def _memory_figure(server: Server, size: int) -> Figure:
    largest = max(map(processes.private_bytes, processes.family(server.pid)))
    target = Target(at_most=60, of="value")
    what = f"policyd's largest process, private, {size:,} rules"
    return Figure("policy", what, largest / MIB, "MiB", target=target)


def _growth(speeds: dict[int, Runs]) -> Iterator[Figure]:
    """The shortest list against each longer one; each through its own no-op, as they ran apart."""
    for size, connections in ((size, n) for size in [*speeds][1:] for n in policy.CONNECTIONS):
        short, long = (_share_of_limit(speeds[n], connections) for n in (min(speeds), size))
        what = f"policyd, {connections} conn., share of no-op: {min(speeds):,} to {size:,} rules"
        target = Target(at_most=1.3)
        yield Figure("policy", what, short, "", f"{size:,} rules", long, short / long, target)


def _share_of_limit(runs: Runs, connections: int) -> float:
    pairs = zip(runs[STRANGERS, connections], runs["C no-op", connections], strict=True)
    return median(mine.per_cpu_second / limit.per_cpu_second for mine, limit in pairs)


def peers(plan: Plan, folder: Path) -> Iterator[Figure]:
    """postfwd with a short list and a longer one, against the C no-op."""
    for rules in POSTFWD_RULES if "policy" in plan.parts else ():
        yield from _postfwd_figures(plan, folder, rules)


def _postfwd_figures(plan: Plan, folder: Path, rules: int) -> Iterator[Figure]:
    requests = folder / f"requests-postfwd-{rules}"
    rule_list.write_requests(requests, rules)
    with (
        postfwd(folder / f"postfwd-{rules}", requests, rules) as server,
        policy.noop(folder, requests) as limit,
    ):
        runs = policy.rounds((limit, server), plan.rounds, plan.seconds)
    for connections in policy.CONNECTIONS:
        mine, bound = runs[server.name, connections], runs["C no-op", connections]
        yield _speed(f"{server.name}, {connections} conn.", mine, bound)


def postfix(plan: Plan, folder: Path) -> Iterator[Figure]:
    """Postfix end to end, bare, with the no-op servers and with Gatepost's."""
    if "milter" not in plan.parts:
        return
    host = GatepostHost(folder / "smtp")
    host.import_rules(min(plan.sizes))
    host.run("allow", smtp.SENDER, "--for", smtp.ACQUAINTED, "--proof", "none")
    with contextlib.ExitStack() as running:
        _start_gatepost(host, running)
        modes = _modes(host, running, folder)
        speeds = smtp.rounds(modes, folder, plan.smtp_rounds, plan.messages)
    yield from _smtp_figures(speeds)


def _start_gatepost(host: GatepostHost, running: contextlib.ExitStack) -> None:
    running.enter_context(host.daemon("policyd", host.policy_address))
    running.enter_context(host.daemon("agent"))
    known = rule_list.Request("127.0.0.1", smtp.SENDER, smtp.ACQUAINTED, "permit_auth_destination")
    host.wait_for_rule(known, BUILD_SECONDS)
    running.enter_context(host.daemon("milter", host.milter_address))


def _modes(host: GatepostHost, running: contextlib.ExitStack, folder: Path) -> list[smtp.Mode]:
    limit = running.enter_context(policy.noop(folder, folder / "none"))
    quiet = running.enter_context(smtp.milter_noop(folder, header=False))
    header = running.enter_context(smtp.milter_noop(folder, header=True))
    return [
        smtp.Mode("bare"),
        smtp.Mode("bare again"),
        smtp.Mode("C no-op policy", policy=limit.address),
        smtp.Mode("policyd", policy=host.policy_address),
        smtp.Mode("C no-op milter", milter=quiet),
        smtp.Mode("milter, no verdict", milter=host.milter_address),
        smtp.Mode("C no-op milter, header", milter=header),
        smtp.Mode("milter, allow", milter=host.milter_address, recipient=smtp.ACQUAINTED),
        smtp.Mode("policyd and milter", host.policy_address, host.milter_address),
    ]


def _smtp_figures(speeds: dict[str, list[float]]) -> Iterator[Figure]:
    compared = (
        ("bare again", "bare", None),
        ("C no-op policy", "bare", None),
        ("policyd", "bare", Target(at_least=0.95)),
        ("C no-op milter", "bare", None),
        ("C no-op milter, header", "bare", None),
        ("milter, no verdict", "C no-op milter", Target(at_least=0.95)),
        ("milter, allow", "C no-op milter, header", Target(at_least=0.95)),
        ("policyd and milter", "bare", None),
    )
    for name, other, target in compared:
        mine, reference = Series(f"Postfix, {name}", speeds[name]), Series(other, speeds[other])
        yield paired("milter", "msg/s", mine, reference, target)


def cli(plan: Plan, folder: Path) -> Iterator[Figure]:
    """The start of the command line, against that of Python."""
    if "cli" not in plan.parts:
        return
    command = GatepostHost(folder / "cli").command("--help")
    pairs = [
        (references.command_seconds(command) * 1000, references.python_start_seconds() * 1000)
        for _ in range(HELP_RUNS)
    ]
    mine, python = zip(*pairs, strict=True)
    target = Target(at_most=150, of="value")
    series = Series("gatepost --help", mine), Series("python -c pass", python)
    yield paired("cli", "ms", *series, target)
