"""Results are remembered for short texts only."""

from __future__ import annotations

from gatepost.memo import memo


def test_only_short_texts_are_remembered() -> None:
    asked: list[str] = []

    @memo(entries=8, longest=3)
    def ask(text: str) -> int:
        asked.append(text)
        return len(text)

    assert [ask("abc"), ask("abc"), ask("abcd"), ask("abcd")] == [3, 3, 4, 4]
    assert asked == ["abc", "abcd", "abcd"]
