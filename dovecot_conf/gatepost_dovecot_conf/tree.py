"""A Dovecot configuration as a tree, and its text. Pure.

Entry point: `text`. Source: doc.dovecot.org, "Config File Syntax".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gatepost.errors import DataError

_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Setting:
    """`name = value`, with the reason for it; the reason may be empty where the block has one."""

    name: str
    value: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """`name { … }`, with the reason for it."""

    name: str
    children: tuple[Node, ...]
    reason: str = ""


Node = Setting | Block


def text(nodes: Iterable[Node], depth: int = 0) -> str:
    """Write the nodes one below the other; DataError on a value of two lines."""
    return "".join(_node(node, depth) for node in nodes)


def _node(node: Node, depth: int) -> str:
    indent = _INDENT * depth
    reason = f"{indent}# {node.reason}\n" if node.reason else ""
    gap = "\n" if depth == 0 else ""
    if isinstance(node, Block):
        body = text(node.children, depth + 1)
        return f"{reason}{indent}{_one_line(node.name)} {{\n{body}{indent}}}\n{gap}"
    line = _one_line(f"{node.name} = {node.value}".rstrip())
    return f"{reason}{indent}{line}\n{gap}"


def _one_line(line: str) -> str:
    if not line.isprintable():
        message = f"a line of dovecot.conf cannot hold the control character in {line!r}"
        raise DataError(message)
    return line
