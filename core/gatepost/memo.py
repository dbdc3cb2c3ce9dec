"""Remembering the results of pure functions of a text, for short texts only.

What comes in is chosen by strangers: a cache of long texts would be theirs to fill memory with.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

T = TypeVar("T")


def memo(entries: int, longest: int) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """Decorate a function of one text: keep so many results, none of a text of more characters than `longest`."""

    def decorate(function: Callable[[str], T]) -> Callable[[str], T]:
        remembered = lru_cache(maxsize=entries)(function)

        @wraps(function)
        def call(text: str) -> T:
            return remembered(text) if len(text) <= longest else function(text)

        return call

    return decorate
