"""What arrays, tables and tensors of known libraries say of themselves.

Known by the identity of their class, never by its name alone: a class of the user may call itself `numpy.ndarray`, but
it is not the object that the imported numpy holds under that name. Nothing is imported here: what is not imported has
no objects.
"""

from __future__ import annotations

import itertools
from typing import Any

from .objects import class_label, class_name, imported, module_of
from .scalars import is_numpy_scalar
from .texts import clip, label, preview

_SPARSE = tuple(
    form + kind
    for form in ("csr", "csc", "coo", "lil", "dok", "dia", "bsr")
    for kind in ("_matrix", "_array")
)
_INDEXES = (
    "Index",
    "RangeIndex",
    "DatetimeIndex",
    "TimedeltaIndex",
    "PeriodIndex",
    "CategoricalIndex",
    "IntervalIndex",
    "MultiIndex",
)
_HOMES: dict[str, tuple[str, ...]] = {
    "ndarray": ("numpy",),
    "DataFrame": ("pandas", "polars", "dask.dataframe"),
    "Series": ("pandas", "polars", "dask.dataframe"),
    "LazyFrame": ("polars",),
    "DataArray": ("xarray",),
    "Dataset": ("xarray",),
    "Tensor": ("torch",),
    "Parameter": ("torch.nn",),
    "Array": ("dask.array",),
    "Table": ("pyarrow",),
    **dict.fromkeys(_INDEXES, ("pandas",)),
    **dict.fromkeys(_SPARSE, ("scipy.sparse",)),
}


def library_kind(obj: object) -> str:
    """`numpy.ndarray`, `pandas.DataFrame`, `numpy scalar`, …; empty for what is not a known library's own."""
    cls = type(obj)
    name = class_name(cls)
    for home in _HOMES.get(name, ()):
        if imported(home, name) is cls:
            if name in _INDEXES:
                return "pandas.Index"
            return "scipy.sparse" if name in _SPARSE else home + "." + name
    return "numpy scalar" if is_numpy_scalar(obj) else ""


def times(shape: Any) -> str:
    """`1000×4` for a shape; `scalar` for none."""
    return "×".join(str(int(n)) for n in shape) or "scalar"


def shape_of(kind: str, obj: Any) -> str:
    """`1000×4`, `len 12`; empty if it has none or does not know without computing."""
    if kind == "pandas.DataFrame":
        columns, rows = obj._mgr.axes
        return times((len(rows), len(columns)))
    if kind in ("pandas.Series", "pandas.Index", "polars.Series"):
        return f"len {len(obj)}"
    if kind in ("xarray.DataArray", "xarray.Dataset"):
        sizes = itertools.islice(obj.sizes.items(), 6)
        return ", ".join(f"{label(name, 20)}: {int(size)}" for name, size in sizes)
    if kind == "dask.array.Array":
        return clip("×".join(str(n) for n in obj.shape), 60)
    if kind in _SHAPED:
        return times(obj.shape)
    return ""


_SHAPED = frozenset(
    (
        "numpy.ndarray",
        "polars.DataFrame",
        "torch.Tensor",
        "torch.nn.Parameter",
        "pyarrow.Table",
        "scipy.sparse",
    )
)


def size_of(kind: str, obj: Any) -> int | None:
    """Bytes of its data, where that is known without looking at the data."""
    if kind in ("numpy.ndarray", "numpy scalar", "xarray.DataArray", "xarray.Dataset"):
        return int(obj.nbytes)
    if kind == "pandas.DataFrame":
        return sum(int(block.values.nbytes) for block in obj._mgr.blocks)
    if kind == "pandas.Series":
        return int(obj._values.nbytes)
    if kind in ("polars.DataFrame", "polars.Series"):
        return int(obj.estimated_size())
    if kind.startswith("torch."):
        return int(obj.element_size()) * int(obj.nelement())
    if kind == "scipy.sparse" and "data" in vars(obj):
        return int(obj.data.nbytes)
    return None


def preview_of(kind: str, obj: Any, limit: int) -> str:
    """Element type and first values, or the columns."""
    writer = _PREVIEWS.get(kind)
    return "" if writer is None else clip(str(writer(obj, limit)), limit)


def dtype_name(dtype: Any) -> str:
    """A dtype as text; of an extension type that is not pandas' own, its class."""
    root = module_of(type(dtype)).partition(".")[0]
    if root in ("numpy", "pandas", "polars", "torch", "pyarrow"):
        return clip(str(dtype), 40)
    return class_label(type(dtype))


def pandas_columns(frame: Any, count: int) -> list[tuple[Any, str]]:
    """Label and dtype of the first `count` columns, without making a Series of each."""
    manager = frame._mgr
    labels = manager.axes[0]
    return [
        (labels[i], dtype_name(manager.blocks[manager.blknos[i]].dtype))
        for i in range(min(count, len(labels)))
    ]


def _columns(pairs: Any, limit: int) -> str:
    shown = [
        f"{label(name, 24)}: {dtype_name(d) if type(d) is not str else d}" for name, d in pairs
    ]
    return clip(", ".join(shown), limit)


def _array(obj: Any, _limit: int) -> str:
    dtype = dtype_name(obj.dtype)
    if obj.dtype.kind not in "biufcSUmM" or not obj.size:
        return dtype
    values = ", ".join(clip(str(v), 20) for v in obj.flat[:6].tolist())
    return f"{dtype} [{values}{', …' if obj.size > 6 else ''}]"


def _sparse(obj: Any, _limit: int) -> str:
    return f"{dtype_name(obj.dtype)}, {int(obj.nnz)} stored"


def _tensor(obj: Any, _limit: int) -> str:
    grad = ", requires_grad" if obj.requires_grad else ""
    return f"{obj.dtype}, {obj.device}{grad}"


def _frame(obj: Any, limit: int) -> str:
    return _columns(pandas_columns(obj, 8), limit)


def _polars_frame(obj: Any, limit: int) -> str:
    return _columns(itertools.islice(obj.schema.items(), 8), limit)


def _dataset(obj: Any, limit: int) -> str:
    names = ", ".join(label(name, 24) for name in itertools.islice(obj.data_vars, 8))
    return clip("variables: " + names, limit)


def _dtype(obj: Any, _limit: int) -> str:
    return dtype_name(obj.dtype)


def _scalar(obj: Any, limit: int) -> str:
    return preview(obj, limit)


_PREVIEWS = {
    "numpy.ndarray": _array,
    "numpy scalar": _scalar,
    "pandas.DataFrame": _frame,
    "pandas.Series": _dtype,
    "pandas.Index": _dtype,
    "polars.DataFrame": _polars_frame,
    "polars.Series": _dtype,
    "xarray.Dataset": _dataset,
    "xarray.DataArray": _dtype,
    "torch.Tensor": _tensor,
    "torch.nn.Parameter": _tensor,
    "dask.array.Array": _dtype,
    "scipy.sparse": _sparse,
}
