"""The table of refusals."""

from __future__ import annotations

import re

import pytest

from gatepost.replies import Refusal


@pytest.mark.parametrize("refusal", Refusal)
def test_code_and_enhanced_code_are_of_one_class(refusal: Refusal) -> None:
    line = str(refusal.reply("a1b2"))
    match = re.fullmatch(r"([45])\d\d \1\.\d\.\d [\x20-\x7e]+", line)
    assert match
    assert len(line) < 512  # RFC 5321 4.5.3.1.5


def test_a_block_names_the_event_and_nobody() -> None:
    assert (
        str(Refusal.BLOCKED.reply("a1b2"))
        == "550 5.7.1 Not accepted by the recipient's mail policy (ref a1b2)"
    )
