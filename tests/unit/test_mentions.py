"""Addresses in the commands of the audit."""

from __future__ import annotations

import shlex

import pytest

from gatepost.store.mentions import mentions, without

ANN = "ann@example.org"


@pytest.mark.parametrize(
    "word",
    [
        *(ANN, "Ann+News@EXAMPLE.org", "<ann@example.org>", '"ann"@example.org', "--for=ann@example.org"),
        *("ann@example.org.", "mail of 'ann@example.org', refused", "bob@x.org,ann@example.org"),
        '"ann+a b"@example.org',
    ],
)
def test_a_mailbox_is_found_in_any_spelling(word: str) -> None:
    command = shlex.join(["block", "x.org", "--note", word])
    assert mentions(command, ANN)
    left = without(command, ANN, "(erased)")
    assert not mentions(left, ANN)
    assert "ann" not in left.lower()


@pytest.mark.parametrize(
    "word",
    [
        *("joann@example.org", "jo.ann@example.org", "jo-ann@example.org", "ann@example.org.uk", "ann@"),
        *(
            "ann@sub.example.org",
            "ann@my-example.org",
            '"jo ann"@example.org',
            "ann-@example.org",
            "example.org",
        ),
    ],
)
def test_another_mailbox_is_left_alone(word: str) -> None:
    command = shlex.join(["block", "x.org", "--note", word])
    assert without(command, ANN, "(erased)") == command


@pytest.mark.parametrize(
    ("mailbox", "word"),
    [
        ('"a b"@example.org', '"a b+news"@example.org'),
        ("o'brien@example.org", "O'Brien+x@example.org"),
        ("a=b@example.org", "--for=a=b@example.org"),
        ("ann@xn--mnchen-3ya.example", "Ann@MÜNCHEN.example"),
    ],
)
def test_odd_names(mailbox: str, word: str) -> None:
    command = shlex.join(["allow", word, "--for", "bob@example.org"])
    assert "bob@example.org" in without(command, mailbox, "X")
    assert not mentions(without(command, mailbox, "X"), mailbox)
    assert mentions(command, mailbox)


def test_only_the_address_goes() -> None:
    assert (
        without("block x.org --for ann@example.org --note 'for bob'", ANN, "X")
        == "block x.org --for X --note 'for bob'"
    )


def test_what_is_no_command_line_is_searched_as_it_is() -> None:
    assert without("it's of ann@example.org", ANN, "X") == "it's of X"
