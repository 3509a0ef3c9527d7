"""Interactive figures in one line: what a plotly or Vega specification would draw."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_READ_CHARS = 5_000_000
_TRACES = 8
_ITEM_BYTES = {"8": 8, "4": 4, "2": 2, "1": 1}


def figure_summary(mime: str, specification: str) -> str | None:
    """Such as `[plotly figure "Loss": scatter "train" (1,000 points)]`; None if the mime type is no figure's."""
    if mime.startswith("application/vnd.plotly."):
        name, describe = "plotly", _plotly
    elif mime.startswith("application/vnd.vega"):
        name, describe = "Vega-Lite" if "vegalite" in mime else "Vega", _vega
    else:
        return None
    figure = _loaded(specification)
    if figure is None:
        return f"[{name} figure, {len(specification):,} bytes]"
    title = _title(figure)
    quoted = f' "{title}"' if title else ""
    return f"[{name} figure{quoted}: {describe(figure)}]"


def _loaded(specification: str) -> Mapping[str, Any] | None:
    if len(specification) > _READ_CHARS:
        return None
    try:
        figure = json.loads(specification)
    except (ValueError, RecursionError):
        return None
    return figure if isinstance(figure, dict) else None


def _title(figure: Mapping[str, Any]) -> str:
    layout = figure.get("layout")
    title = layout.get("title") if isinstance(layout, dict) else figure.get("title")
    if isinstance(title, dict):
        title = title.get("text")
    return _short(title)


def _plotly(figure: Mapping[str, Any]) -> str:
    traces = [trace for trace in _list(figure.get("data")) if isinstance(trace, dict)]
    words = [_trace(trace) for trace in traces[:_TRACES]]
    if len(traces) > _TRACES:
        words.append(f"{len(traces) - _TRACES} more traces")
    return ", ".join(words) or "no traces"


def _trace(trace: Mapping[str, Any]) -> str:
    name = f' "{_short(trace["name"])}"' if trace.get("name") else ""
    keys = ("x", "y", "z", "values", "r", "lat", "locations")
    points = max((_length(trace.get(key)) for key in keys), default=0)
    return f"{_short(trace.get('type')) or 'scatter'}{name} ({points:,} points)"


def _length(values: object) -> int:
    if isinstance(values, list):
        return len(values)
    if isinstance(values, dict):
        # plotly 6 sends arrays as base64 with a dtype such as `f8`.
        packed, dtype = values.get("bdata"), values.get("dtype")
        if isinstance(packed, str) and isinstance(dtype, str):
            return len(packed) * 3 // 4 // _ITEM_BYTES.get(dtype[-1:], 1)
    return 0


def _vega(figure: Mapping[str, Any]) -> str:
    mark = figure.get("mark")
    words = [_short(mark.get("type") if isinstance(mark, dict) else mark) or "composed chart"]
    encoding = figure.get("encoding")
    if isinstance(encoding, dict):
        fields = (
            (axis, each.get("field")) for axis, each in encoding.items() if isinstance(each, dict)
        )
        words.extend(f"{_short(axis)}={_short(field)}" for axis, field in fields if field)
    rows = _vega_rows(figure)
    return ", ".join(words[:_TRACES]) + (f" ({rows:,} rows)" if rows else "")


def _vega_rows(figure: Mapping[str, Any]) -> int:
    data = figure.get("data")
    if isinstance(data, dict) and isinstance(data.get("values"), list):
        return len(data["values"])
    datasets = figure.get("datasets")
    return sum(len(_list(each)) for each in datasets.values()) if isinstance(datasets, dict) else 0


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _short(value: object) -> str:
    return " ".join(value.split())[:80] if isinstance(value, str) else ""
