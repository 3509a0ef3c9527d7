"""Which share a client that starts in some folder belongs to. Pure: no files, no clock."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cokernel.shares.record import ShareRecord


class Ambiguous(NamedTuple):
    """Several shares would do, and nothing says which: the agent has to choose."""

    candidates: tuple[ShareRecord, ...]


def choose(
    records: Sequence[ShareRecord], cwd: str, explicit: str | None = None
) -> ShareRecord | Ambiguous | None:
    """The share to work in: the one asked for, else the one of this folder, else the only one.

    Of several whose workspace contains `cwd`, the longest workspace wins, then the most recently
    used. `explicit` is anything `match` knows; if it names nothing there is no other choice: None.
    """
    if explicit:
        return _only(match(records, explicit))
    near = [(depth, record.used, record) for record in records if (depth := _depth(record, cwd))]
    if near:
        return max(near, key=lambda entry: entry[:2])[2]
    return _only(records)


def match(records: Iterable[ShareRecord], name: str) -> list[ShareRecord]:
    """The shares that a name can mean: a share id, else a connection file (path or name), else a title."""
    records = list(records)
    for fits in (_is_share, _is_connection_file, _is_title):
        if found := [record for record in records if fits(record, name)]:
            return found
    return []


def _only(records: Sequence[ShareRecord]) -> ShareRecord | Ambiguous | None:
    if len(records) > 1:
        return Ambiguous(tuple(records))
    return records[0] if records else None


def _is_share(record: ShareRecord, name: str) -> bool:
    return record.share == name


def _is_connection_file(record: ShareRecord, name: str) -> bool:
    if not record.connection_file:
        return False
    path = record.connection_file
    return name == os.path.basename(path) or _normal(name) == _normal(path)


def _is_title(record: ShareRecord, name: str) -> bool:
    return name.casefold() in (record.title.casefold(), record.name.casefold())


def _depth(record: ShareRecord, cwd: str) -> int:
    """The length of the longest workspace that contains `cwd`; 0 if none does."""
    here = _normal(cwd)
    return max(
        (len(_normal(w)) for w in record.workspaces if _contains(_normal(w), here)), default=0
    )


def _contains(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _normal(path: str) -> str:
    return os.path.normcase(os.path.normpath(path))
