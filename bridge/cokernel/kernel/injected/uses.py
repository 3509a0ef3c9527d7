"""Which names a cell may have changed in place, judged by its text.

Needed for values too large to compare. It answers *may*: `x[0] = 1` and `x.sort()` may change `x`, `x.mean()` and
`print(x)` do not. Where the text does not tell, the answer is yes.
"""

from __future__ import annotations

import ast
from typing import Any

MAX_SOURCE = 200_000

_CALLS = """abs all any bool bytes callable complex dict dir display enumerate filter float format frozenset
getattr hasattr hash help hex id int isinstance issubclass iter len list map max min oct ord print range repr
reversed round set slice sorted str sum tuple type vars zip"""
_METHODS = """abs agg aggregate all any apply argmax argmin argsort assign astype conj copy corr count cumsum
decode describe diff dot drop dropna dtypes encode endswith fillna find flatten get group_by groupby head hist
idxmax idxmin index info isin isna isnull items iterrows itertuples join keys lower max mean median melt merge
min mode nlargest notna nunique pivot pivot_table plot prod quantile query ravel rename replace reset_index
reshape resample rolling round sample select select_dtypes set_index shift sort_index sort_values split
startswith std strip sum tail to_csv to_dict to_frame to_json to_list to_numpy to_pandas to_parquet tobytes
tolist transpose unique upper value_counts values var where with_columns"""
_FUNCTIONS = """copyto delattr delitem exec fill_diagonal heapify heappop heappush insort place put
put_along_axis putmask setattr setitem shuffle"""
_READING_CALLS = frozenset(_CALLS.split())
_READING_METHODS = frozenset(_METHODS.split())
_WRITING_FUNCTIONS = frozenset(_FUNCTIONS.split())


class Uses:
    """Names of one cell, by what it does with them."""

    def __init__(self) -> None:
        self.written: set[str] = set()
        """May be changed in place."""
        self.called: set[str] = set()
        """Called by their bare name: a function of the user may change what it refers to."""
        self.passed: set[tuple[str, str]] = set()
        """(argument, root name of the callee), where the callee is not known to read only."""


def uses_of(source: str) -> Uses | None:
    """None if the text is too long or is not plain Python (a magic): then nothing can be said."""
    if len(source) > MAX_SOURCE:
        return None
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    uses = Uses()
    for node in ast.walk(tree):
        _note(node, uses)
    return uses


def _note(node: ast.AST, uses: Uses) -> None:
    if isinstance(node, (ast.Subscript, ast.Attribute)) and not isinstance(node.ctx, ast.Load):
        uses.written.update(_root(node))
    elif isinstance(node, ast.AugAssign):
        uses.written.update(_root(node.target))
    elif isinstance(node, ast.Call):
        _note_call(node, uses)


def _root(node: Any) -> set[str]:
    """The name at the left end of `a.b[c].d()`."""
    while True:
        if isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node = node.func.value
        else:
            return {node.id} if isinstance(node, ast.Name) else set()


def _note_call(call: ast.Call, uses: Uses) -> None:
    out = [keyword.value for keyword in call.keywords if keyword.arg == "out"]
    for value in out:
        uses.written.update(_names(value))
    if isinstance(call.func, ast.Attribute):
        if call.func.attr not in _READING_METHODS or _in_place(call):
            uses.written.update(_root(call.func.value))
        if call.func.attr in _WRITING_FUNCTIONS:
            uses.written.update(_arguments(call))
        elif call.func.attr not in _READING_METHODS:
            uses.passed.update(
                (name, root) for name in _arguments(call) for root in _root(call.func)
            )
    elif isinstance(call.func, ast.Name) and call.func.id not in _READING_CALLS:
        uses.called.add(call.func.id)
        uses.passed.update((name, call.func.id) for name in _arguments(call))


def _in_place(call: ast.Call) -> bool:
    return any(
        keyword.arg in ("inplace", "copy")
        and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
        for keyword in call.keywords
    )


def _arguments(call: ast.Call) -> set[str]:
    names: set[str] = set()
    for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
        names |= _names(argument)
    return names


def _names(node: ast.AST) -> set[str]:
    """Names handed over as they are, alone or in a literal: not what a call or an operator makes of them."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return {name for item in node.elts for name in _names(item)}
    if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript, ast.Starred)):
        return _root(node)
    return set()
