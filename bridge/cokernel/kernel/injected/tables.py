"""Cards of tables and arrays: schema, missing values, statistics, first rows.

Statistics come from a small copy that is taken at once: while we held a view of the user's data, an in-place change of
theirs would have to copy it all (pandas) or would fail (`ndarray.resize`). Values of object columns are shown only
where they are plain; nothing of theirs is called.
"""

from __future__ import annotations

import collections
from typing import Any

from . import libraries
from .briefs import brief
from .budgets import Deadline
from .objects import imported
from .texts import clip, label, preview

SAMPLE_ROWS = 20_000
MAX_COLUMNS = 60
HEAD_ROWS = 5
HEAD_COLUMNS = 12
_COUNTED = 2_000


def pandas_frame(frame: Any, deadline: Deadline) -> list[str]:
    """Lines about a pandas DataFrame."""
    labels, rows = frame._mgr.axes
    step = max(1, len(rows) // SAMPLE_ROWS)
    sample = frame.iloc[::step, :MAX_COLUMNS].copy()
    head = frame.iloc[:HEAD_ROWS, :HEAD_COLUMNS].copy()
    lines = [f"index: {brief(rows).type.rpartition('.')[2]}, {libraries.dtype_name(rows.dtype)}"]
    lines += _sampled(step, len(sample))
    lines.append("column | dtype | missing | values")
    for i in range(min(len(labels), MAX_COLUMNS)):
        if deadline.over:
            lines.append(f"… stopped after {i} columns: out of time")
            break
        values = sample.iloc[:, i]
        dtype = libraries.dtype_name(values.dtype)
        lines.append(
            f"{label(labels[i])} | {dtype} | {_missing(values)} | {_pandas_values(values)}"
        )
    if len(labels) > MAX_COLUMNS:
        lines.append(f"… {len(labels) - MAX_COLUMNS} more columns")
    return lines + _head(labels, rows, head)


def pandas_series(series: Any, _deadline: Deadline) -> list[str]:
    """Lines about a pandas Series."""
    step = max(1, len(series) // SAMPLE_ROWS)
    sample = series.iloc[::step].copy()
    first = [_cell(sample.iloc[i]) for i in range(min(len(sample), 8))]
    name = "" if series.name is None else f"name: {label(series.name)}"
    lines = [name] if name else []
    lines += _sampled(step, len(sample))
    lines += [f"missing: {_missing(sample)}", f"values: {_pandas_values(sample)}"]
    which = "first" if step == 1 else "some"
    return [*lines, f"{which}: {', '.join(first)}"]


def polars_frame(frame: Any, deadline: Deadline) -> list[str]:
    """Lines about a polars DataFrame."""
    height = len(frame)
    step = max(1, height // SAMPLE_ROWS)
    sample = frame[:, :MAX_COLUMNS].gather_every(step)
    lines = [*_sampled(step, len(sample)), "column | dtype | missing | values"]
    for column in sample.iter_columns():
        if deadline.over:
            lines.append("… stopped: out of time")
            break
        lines.append(
            f"{label(column.name)} | {libraries.dtype_name(column.dtype)} | {_polars(column)}"
        )
    if len(frame.columns) > MAX_COLUMNS:
        lines.append(f"… {len(frame.columns) - MAX_COLUMNS} more columns")
    head = frame[:HEAD_ROWS, :HEAD_COLUMNS]
    rows = [" | ".join(_cell(value) for value in row) for row in head.rows()]
    return [*lines, "first rows:", " | ".join(label(name, 24) for name in head.columns), *rows]


def polars_series(series: Any, _deadline: Deadline) -> list[str]:
    """Lines about a polars Series."""
    step = max(1, len(series) // SAMPLE_ROWS)
    sample = series.gather_every(step)
    first = ", ".join(_cell(value) for value in series.head(8).to_list())
    return [*_sampled(step, len(sample)), f"missing | values: {_polars(sample)}", f"first: {first}"]


def array(obj: Any, _deadline: Deadline) -> list[str]:
    """Lines about a numpy array."""
    lines = [f"dtype: {libraries.dtype_name(obj.dtype)}, strides {tuple(obj.strides)}"]
    if obj.dtype.kind not in "biufcmM" or not obj.size:
        cells = [_cell(value) for value in obj.flat[:8].tolist()] if obj.size else []
        return [*lines, f"first: {', '.join(cells)}"] if cells else lines
    step = max(1, obj.size // SAMPLE_ROWS)
    sample = obj.flat[::step]  # A flat iterator copies.
    first = ", ".join(_cell(value) for value in obj.flat[:8].tolist())
    lines += _sampled(step, sample.size)
    return [*lines, f"values: {_array_values(sample)}", f"first: {first}"]


def tensor(obj: Any, _deadline: Deadline) -> list[str]:
    """Lines about a torch tensor. Its data may be on another device and is not read."""
    grad = bool(obj.requires_grad)
    return [f"dtype: {obj.dtype}", f"device: {obj.device}", f"requires_grad: {grad}"]


def dataset(obj: Any, _deadline: Deadline) -> list[str]:
    """Lines about an xarray Dataset or DataArray. Lazy data is not loaded."""
    variables = obj.data_vars if libraries.library_kind(obj) == "xarray.Dataset" else {}
    lines = [
        f"variable {label(name)}: {clip(str(dict(var.sizes)), 80)} {libraries.dtype_name(var.dtype)}"
        for name, var in list(variables.items())[:MAX_COLUMNS]
    ]
    lines += [
        f"coordinate {label(name)}: {clip(str(dict(var.sizes)), 80)} {libraries.dtype_name(var.dtype)}"
        for name, var in list(obj.coords.items())[:MAX_COLUMNS]
    ]
    return lines + [f"attribute {label(k)}: {preview(v)}" for k, v in list(obj.attrs.items())[:20]]


CARDS = {
    "pandas.DataFrame": pandas_frame,
    "pandas.Series": pandas_series,
    "polars.DataFrame": polars_frame,
    "polars.Series": polars_series,
    "numpy.ndarray": array,
    "torch.Tensor": tensor,
    "torch.nn.Parameter": tensor,
    "xarray.Dataset": dataset,
    "xarray.DataArray": dataset,
}


def _sampled(step: int, count: int) -> list[str]:
    return [] if step == 1 else [f"statistics from every {step}th value ({count} of them)"]


def _missing(values: Any) -> str:
    return f"{100 * float(values.isna().mean()):.1f}%" if len(values) else "-"


def _pandas_values(values: Any) -> str:
    kind = getattr(values.dtype, "kind", "O")
    if not len(values) or values.isna().all():
        return "-"
    if kind in "iuf":
        return _range(values.min(), values.mean(), values.max())
    if kind == "b":
        return f"true {100 * float(values.mean()):.1f}%"
    if kind in "mM":
        return f"{values.min()} … {values.max()}"
    return _common(values.iloc[:_COUNTED].tolist())


def _polars(column: Any) -> str:
    missing = f"{100 * column.null_count() / len(column):.1f}%" if len(column) else "-"
    if column.dtype.is_numeric() and column.min() is not None:
        return f"{missing} | {_range(column.min(), column.mean(), column.max())}"
    if column.dtype.is_temporal() and len(column):
        return f"{missing} | {column.min()} … {column.max()}"
    return f"{missing} | {_common(column.head(_COUNTED).to_list())}"


def _array_values(sample: Any) -> str:
    kind = sample.dtype.kind
    if kind == "b":
        return f"true {100 * float(sample.mean()):.1f}%"
    if kind in "mM":
        return f"{sample.min()} … {sample.max()}"
    if kind == "c":
        return f"|min| {abs(sample).min():.6g} · |max| {abs(sample).max():.6g}"
    if kind != "f":
        return _range(sample.min(), sample.mean(), sample.max())
    finite = sample[imported("numpy", "isfinite")(sample)]
    other = sample.size - finite.size
    note = f", {other} of {sample.size} not finite" if other else ""
    if not finite.size:
        return "none is finite"
    return _range(finite.min(), finite.mean(dtype="f8"), finite.max()) + note


def _range(low: Any, mean: Any, high: Any) -> str:
    return f"min {_number(low)} · mean {_number(mean)} · max {_number(high)}"


def _number(value: Any) -> str:
    return clip(f"{float(value):.6g}" if type(value) is not int else str(value), 30)


def _common(values: list[Any]) -> str:
    """The most common of plain strings and numbers."""
    plain = [value for value in values if type(value) in (str, int, float, bool)]
    if not plain:
        return "objects: " + ", ".join(sorted({brief(v).type for v in values[:50]})[:5])
    counts = collections.Counter(plain)
    top = ", ".join(f"{preview(value, 24)}×{count}" for value, count in counts.most_common(3))
    return f"{len(counts)} different; most common {top}" if len(counts) < len(plain) else top[:80]


def _cell(value: Any) -> str:
    return label(value, 30)


def _head(labels: Any, rows: Any, head: Any) -> list[str]:
    if not len(head) or not len(head.columns):
        return []
    count = len(head.columns)
    lines = ["first rows:", " | ".join(["index", *(label(labels[i], 24) for i in range(count))])]
    for r in range(len(head)):
        cells = [_cell(head.iloc[:, c].array[r]) for c in range(count)]
        lines.append(" | ".join([_cell(rows[r]), *cells]))
    return lines
