"""The demonstration's story, as far as it can be checked without servers."""

from __future__ import annotations

import shlex
from string import Formatter

import pytest

from gatepost_cli.commands import COMMANDS, RULES
from gatepost_cli.demo.cast import PLAN
from gatepost_cli.demo.steps import Ask, Mail, Rule, Step
from gatepost_cli.demo.story import CHAPTERS

STEPS = [step for chapter in CHAPTERS for step in chapter.steps]
COMMANDS_TYPED = [step.line for step in STEPS if isinstance(step, Rule | Ask)]
MAILS = [step for step in STEPS if isinstance(step, Mail)]


def named_in(step: Step) -> set[str]:
    match step:
        case Rule() | Ask():
            texts = [step.line, *step.says]
        case Mail():
            texts = list(step.lies.values())
        case _:
            texts = []
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}


def test_a_name_is_given_before_it_is_used() -> None:
    known: set[str] = set()
    for step in STEPS:
        assert named_in(step) <= known, step
        if isinstance(step, Rule | Mail):
            known.add(step.name)


@pytest.mark.parametrize("line", COMMANDS_TYPED)
def test_every_command_exists(line: str) -> None:
    words = shlex.split(line)
    assert words[0] in COMMANDS
    assert words[0] != "rules" or words[1] in RULES


@pytest.mark.parametrize("step", MAILS)
def test_a_message_has_an_answer_for_each_recipient_and_a_mailbox_to_look_into(step: Mail) -> None:
    assert len(step.to) == len(step.answers)
    assert step.lies
    assert step.lies.keys() <= set(PLAN.mailboxes)


def test_titles_differ() -> None:
    assert len({chapter.title for chapter in CHAPTERS}) == len(CHAPTERS)
