"""Texts of the single values that numpy, pandas and the standard library make: numbers, moments, dtypes."""

from __future__ import annotations

import datetime
from typing import Any

from .objects import class_label, class_name, imported, module_of, mro

_TIME_ZONES = frozenset(("datetime", "zoneinfo", "pytz", "dateutil"))
_PRINTABLE = "biufcSUmM"
"""Kinds of numpy values whose text needs no code of a user."""
MAX_BYTES = 1_000


def is_numpy_scalar(obj: object) -> bool:
    cls = type(obj)
    return (
        module_of(cls) == "numpy"
        and imported("numpy", class_name(cls)) is cls
        and imported("numpy", "generic") in mro(cls)
    )


def scalar_text(obj: Any) -> str:
    """The text of such a value; empty for everything else."""
    cls = type(obj)
    root = module_of(cls).partition(".")[0]
    if cls in (datetime.datetime, datetime.time):
        return _moment(obj)
    if root == "numpy":
        return _numpy(obj)
    if root == "pandas":
        return _pandas(obj)
    return ""


def _moment(obj: Any) -> str:
    """In ISO format. A time zone may be an object of the user, and is then only named."""
    if obj.tzinfo is None or module_of(type(obj.tzinfo)).partition(".")[0] in _TIME_ZONES:
        return str(obj.isoformat())
    return str(obj.replace(tzinfo=None).isoformat()) + " " + class_label(type(obj.tzinfo))


def _numpy(obj: Any) -> str:
    if is_numpy_scalar(obj):
        printable = obj.dtype.kind in _PRINTABLE and obj.nbytes <= MAX_BYTES
        return str(obj.item()) if printable else str(obj.dtype)[:MAX_BYTES]
    if imported("numpy", "dtype") in mro(type(obj)):
        return str(obj)[:MAX_BYTES]
    return ""


def _pandas(obj: Any) -> str:
    if obj is imported("pandas", "NaT") or obj is imported("pandas", "NA"):
        return "NaT" if obj is imported("pandas", "NaT") else "<NA>"
    if type(obj) is imported("pandas", "Timestamp"):
        return _moment(obj)
    if type(obj) in (imported("pandas", "Timedelta"), imported("pandas", "Period")):
        return str(obj)
    return ""
