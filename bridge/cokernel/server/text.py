"""What looks and control calls answer, as plain text. Pure."""

from __future__ import annotations

import time

from cokernel.kernel.namespace import Description, Running, VariableListing
from cokernel.session.activity import Activity, ActivityPage, Change, ErrorSummary, Kind, Origin
from cokernel.session.execution import Execution
from cokernel.session.session import Session
from cokernel.session.words import (
    changes_line,
    duration_words,
    for_agents,
    running_words,
    title_words,
)

MAX_ENTRIES = 40
MAX_CODE_CHARS = 400


def progress_line(execution: Execution) -> str:
    """What a client shows while it waits: the last line of output, or why there is none."""
    return (
        execution.outputs.last_line or for_agents(execution.entry.reason) or execution.state.value
    )


def variables(session: Session, listing: VariableListing) -> str:
    plural = "" if listing.total == 1 else "s"
    lines = [f"{session.label} · {listing.total} variable{plural}{_busy(session)}"]
    for variable in listing.variables:
        shape = f" {variable.shape}" if variable.shape else ""
        size = f" {_size(variable.size_bytes)}" if variable.size_bytes else ""
        preview = f"  {variable.preview}" if variable.preview else ""
        lines.append(f"{variable.name}: {variable.type}{shape}{size}{preview}")
    left = listing.total - len(listing.variables)
    if left > 0:
        lines.append(f"… {left} more; narrow it with pattern.")
    if listing.modules:
        lines.append(f"modules: {', '.join(listing.modules)}")
    return "\n".join(lines)


def description(session: Session, described: Description) -> str:
    return f"{session.label}{_busy(session)}\n{described.text}"


def activity(
    session: Session, page: ActivityPage, running: Running | None, changes: tuple[Change, ...]
) -> str:
    lines = [f"{session.label} · activity, cursor {page.cursor}"]
    if page.missed:
        lines.append(f"({page.missed} earlier changes are not kept any more)")
    runs = [entry for entry in page.entries if entry.kind is not Kind.LOOK]
    shown = runs[-MAX_ENTRIES:]
    if len(runs) > len(shown):
        lines.append(f"({len(runs) - len(shown)} more before these)")
    lines += [_entry(entry) for entry in shown] or ["Nothing since then."]
    if running is not None and running.busy:
        lines.append(_now(running))
    if changes:
        lines.append(f"Names that changed since the last look: {changes_line(changes)}")
    return "\n".join(lines)


def started(session: Session) -> str:
    info = session.link.info
    return (
        f"{session.label} started as {session.kernel_id}: {info.implementation} on {info.language} "
        f"{info.language_version}. Working in it from now on."
    )


def _entry(entry: Activity) -> str:
    who = "the user" if entry.origin is Origin.USER else entry.client
    when = time.strftime("%H:%M:%S", time.localtime(entry.created_at))
    duration = f" {duration_words(entry.duration_s)}" if entry.duration_s is not None else ""
    name = f"In[{entry.execution_count}]" if entry.execution_count else entry.tool
    code = entry.code[:MAX_CODE_CHARS] if entry.origin is Origin.USER else title_words(entry)
    error = f"\n    {_error(entry.error)}" if entry.error else ""
    body = code.replace("\n", "\n    ")
    return f"{when} {who} · {name} · {entry.state.value}{duration}\n    {body}{error}"


def _error(error: ErrorSummary) -> str:
    return f"{error.ename}: {error.evalue[:200]}" if error.evalue else error.ename


def _now(running: Running) -> str:
    whose = "an agent's run" if running.is_ours else "the user's cell"
    waiting = ", waiting for input" if running.waiting_for_input else ""
    since = f" for {running_words(running.elapsed_s)}" if running.elapsed_s is not None else ""
    lines = [f"Running now{since}: {whose}{waiting}"]
    lines += [f"    {f.file}:{f.line} {f.function}: {f.source}" for f in running.frames]
    return "\n".join(lines)


def _busy(session: Session) -> str:
    since = session.user_busy_since
    if since is None:
        return ""
    return f" · the user's cell has been running for {running_words(time.time() - since)}"


def _size(size_bytes: int) -> str:
    size = float(size_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"
