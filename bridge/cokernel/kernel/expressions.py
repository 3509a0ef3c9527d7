"""Expressions that can be looked up in a kernel without running code: `df`, `cfg["k"][0]`, `model.coef_`. Pure."""

from __future__ import annotations

import ast
import math

MAX_TEXT = 500
MAX_STEPS = 20

Key = str | int | float | bool | tuple["Key", ...]
Step = tuple[str, Key]
"""(`name`, `attribute` or `item`; the name or the key)."""


class NotAPathError(Exception):
    """The text is not something that can be looked up. The message is a sentence for people."""


def parse_path(text: str) -> list[Step]:
    """The steps of a path, the first one a name.

    Raises
    ------
    NotAPathError
        it is more than names, attributes and literal subscripts.
    """
    if len(text) > MAX_TEXT:
        raise NotAPathError(f"It has {len(text)} characters; at most {MAX_TEXT} are looked up.")
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotAPathError("It is not a Python expression.") from None
    steps: list[Step] = []
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute):
            steps.append(("attribute", node.attr))
        elif isinstance(node, ast.Subscript):
            steps.append(("item", _literal(node.slice)))
        else:
            raise NotAPathError("It is more than names, attributes and literal subscripts.")
        node = node.value
    if len(steps) >= MAX_STEPS:
        raise NotAPathError(f"It has more than {MAX_STEPS} steps.")
    return [("name", node.id), *reversed(steps)]


def _literal(node: ast.expr) -> Key:
    """A string, a number, or a tuple of them."""
    if isinstance(node, ast.Tuple):
        return tuple(_literal(item) for item in node.elts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _literal(node.operand)
        if isinstance(value, (int, float)):
            return -value
    elif isinstance(node, ast.Constant) and isinstance(node.value, (str, int)):
        return node.value
    elif isinstance(node, ast.Constant) and isinstance(node.value, float):
        return _finite(node.value)
    raise NotAPathError("A subscript is not a literal.")


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise NotAPathError("A subscript is not a finite number.")
    return value
