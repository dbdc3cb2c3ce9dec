"""From RCPT address to final mailboxes."""

from __future__ import annotations

import time

import pytest

from gatepost.judge import Target
from gatepost.lookup import Alias, MemoryLookup
from gatepost.recipient import MAX_DEPTH, targets

ANN = Target("ann@example.com", ("example.com",))
BOB = Target("bob@example.com", ("example.com",))
NOT_HERE = Target("", ("example.com",))


def found(recipient: str, **aliases: str) -> tuple[Target, ...]:
    """Resolve with aliases in example.com, their targets split at blanks; what is at outside.example is remote."""
    table = {
        f"{name}@example.com": Alias(
            tuple(text.split()), frozenset(t for t in text.split() if t.endswith("@outside.example"))
        )
        for name, text in aliases.items()
    }
    return targets(recipient, MemoryLookup([], table))


def test_a_mailbox_is_itself_without_detail() -> None:
    assert found("ANN+news@Example.com.") == (ANN,)


def test_an_alias_has_all_its_targets_once() -> None:
    assert found("all@example.com", all="ann@example.com bob@example.com ann+x@example.com") == (ANN, BOB)


def test_an_alias_in_another_domain_brings_its_domain() -> None:
    assert found("all@example.com", all="ann@example.net") == (
        Target("ann@example.net", ("example.com", "example.net")),
    )


def test_what_is_not_delivered_here_has_no_mailbox() -> None:
    assert found("away@example.com", away="joe@outside.example") == (NOT_HERE,)


def test_an_alias_that_names_itself_keeps_a_copy() -> None:
    assert found("ann@example.com", ann="ann@example.com bob@example.com") == (ANN, BOB)


def test_a_circle_ends() -> None:
    assert found("a@example.com", a="b@example.com", b="c@example.com", c="a@example.com") == (NOT_HERE,)


def test_a_chain_that_is_too_deep_ends() -> None:
    chain = {f"a{n}": f"a{n + 1}@example.com" for n in range(MAX_DEPTH + 5)}
    assert found("a0@example.com", **chain) == (NOT_HERE,)


def test_shared_targets_are_gone_through_once() -> None:
    start = time.process_time()
    ladder = {
        f"{side}{n}": f"l{n + 1}@example.com r{n + 1}@example.com"
        for n in range(MAX_DEPTH - 10)
        for side in "lr"
    }
    assert len(found("l0@example.com", **ladder)) == 2
    assert time.process_time() - start < 1


def test_the_alias_with_detail_goes_first() -> None:
    table = {"a+x@example.com": Alias(("ann@example.com",)), "a@example.com": Alias(("bob@example.com",))}
    assert targets("a+x@example.com", MemoryLookup([], table)) == (ANN,)
    assert targets("a+y@example.com", MemoryLookup([], table)) == (BOB,)


def test_an_alias_domain_keeps_the_local_part() -> None:
    table = {"@example.net": Alias(("@example.com",)), "sales@example.net": Alias(("bob@example.com",))}
    both = ("example.net", "example.com")
    assert targets("ann+x@example.net", MemoryLookup([], table)) == (Target("ann@example.com", both),)
    assert targets("sales@example.net", MemoryLookup([], table)) == (Target("bob@example.com", both),)


def test_a_catch_all_leaves_its_own_mailbox_alone() -> None:
    table = {"@example.com": Alias(("ann@example.com",)), "ann@example.com": Alias(("ann@example.com",))}
    assert targets("whoever@example.com", MemoryLookup([], table)) == (ANN,)


@pytest.mark.parametrize(
    ("recipient", "exempt"),
    [
        ("postmaster@example.com", True),
        ("Abuse+x@example.com", True),
        ("postmaster", True),
        ("postmaster2@example.com", False),
        ("ann@example.com", False),
    ],
)
def test_exemption_goes_by_the_address_at_rcpt(recipient: str, *, exempt: bool) -> None:
    assert [target.exempt for target in found(recipient, abuse="ann@example.com")] == [exempt]


def test_what_only_leads_to_postmaster_is_not_exempt() -> None:
    (target,) = found("help@example.com", help="postmaster@example.com")
    assert (target.mailbox, target.exempt) == ("postmaster@example.com", False)
