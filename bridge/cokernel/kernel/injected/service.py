"""Answers the bridge's requests on the control channel, and watches the beginning and end of cells.

Everything that the kernel calls is here: one message handler and two IPython callbacks. Nothing they raise may reach
the user's console.
"""

from __future__ import annotations

import collections
import os
import platform
import threading
import time
from typing import Any

from . import cards, names, paths, snapshots, stacks
from .guard import Cell, Guard
from .owners import Owners
from .texts import clean, clip
from .uses import uses_of

MIME = "application/vnd.cokernel+json"
MAX_KEPT = 32
MAX_LOOKERS = 2


class RefusedError(Exception):
    """A request that gets an error for an answer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Bundle:
    """A value of `user_expressions` that is exactly one JSON mime, whatever formatters the user has set."""

    __slots__ = ("_content",)

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content

    def _repr_mimebundle_(self, **_kinds: Any) -> dict[str, Any]:
        return {MIME: self._content, "text/plain": ""}


class Service:
    """The helper. Its owner is the kernel: the handler in `control_handlers` is its only anchor."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._kernel = shell.kernel
        self._package = __name__.rpartition(".")[0]
        self._owners = Owners()
        self._guard = Guard(shell)
        self._before: tuple[str, dict[str, snapshots.Entry], str] | None = None
        """The own cell that runs: msg_id, names before it, source."""
        self._changes: collections.OrderedDict[str, dict[str, Any]] = collections.OrderedDict()
        """msg_id of an own cell → what it changed."""
        self._last_own = ""
        """msg_id of the last own cell that ended."""
        self._changed_at: dict[str, float] = {}
        """Name → when an own cell last changed it."""
        self._marks: collections.OrderedDict[str, dict[str, snapshots.Entry]] = (
            collections.OrderedDict()
        )
        self._lookers = threading.BoundedSemaphore(MAX_LOOKERS)
        self._installed = False

    def enter(self, owner: dict[str, Any]) -> Bundle:
        """Let a bridge in; the first one installs the handler and the callbacks."""
        self._owners.enter(owner)
        if not self._installed:
            self._install()
        return Bundle({"pid": os.getpid(), "python": platform.python_version()})

    def _install(self) -> None:
        self._installed = True
        self._kernel.control_handlers[self._package + "_request"] = self.handle
        callbacks = self._shell.events.callbacks
        # Last before the cell, first after it: between the two there is the cell and nothing else.
        callbacks["pre_run_cell"].append(self.before_cell)
        callbacks["post_run_cell"].insert(0, self.after_cell)

    def _uninstall(self) -> None:
        self._kernel.control_handlers.pop(self._package + "_request", None)
        callbacks = self._shell.events.callbacks
        for event, callback in (
            ("pre_run_cell", self.before_cell),
            ("post_run_cell", self.after_cell),
        ):
            if callback in callbacks[event]:
                callbacks[event].remove(callback)
        self._installed = False
        self._before = None
        self._changes.clear()
        self._changed_at.clear()
        self._marks.clear()

    # What IPython calls, in the main thread.

    def before_cell(self, info: Any = None) -> None:
        """`pre_run_cell`"""
        if threading.get_ident() != self._guard.thread:
            return  # A subshell: it runs beside the main thread's cell.
        try:
            cell = self._guard.begin()
            if cell is not None:
                self._remember(cell, info)
        except Exception as error:  # noqa: BLE001 - outermost: IPython would print it into the user's console
            self._kernel.log.debug("cokernel before a cell: %s", error)

    def _remember(self, cell: Cell, info: Any) -> None:
        """Note the names before an own cell. Cells of the user are none of our business."""
        self._before = None
        if self._owners.own(cell.session):
            source = getattr(info, "raw_cell", "")
            self._before = (cell.msg_id, snapshots.snapshot(self._shell), source)

    def after_cell(self, result: Any = None) -> None:
        """`post_run_cell`"""
        if threading.get_ident() != self._guard.thread:
            return
        raw = getattr(getattr(result, "info", None), "raw_cell", "x")
        if not raw or raw.isspace():
            return  # IPython announces the end of an empty cell, but not its beginning.
        try:
            cell = self._guard.end()
            if cell is not None:
                self._compare(cell)
                self._owners.prune_sometimes()
                if not self._owners:
                    self._uninstall()
        except Exception as error:  # noqa: BLE001 - outermost: IPython would print it into the user's console
            self._kernel.log.debug("cokernel after a cell: %s", error)

    def _compare(self, cell: Cell) -> None:
        if self._before is None or self._before[0] != cell.msg_id:
            return
        _, old, source = self._before
        self._before = None
        new = snapshots.snapshot(self._shell)
        suspects = snapshots.suspects(uses_of(source), self._shell, new)
        changes = snapshots.difference(old, new, suspects)
        self._last_own = cell.msg_id
        self._changes[cell.msg_id] = snapshots.bounded(changes)
        while len(self._changes) > MAX_KEPT:
            self._changes.popitem(last=False)
        now = time.time()
        self._changed_at.update((c["name"], now) for c in changes if c["how"] != "possibly")
        for name in [name for name in self._changed_at if name not in new]:
            del self._changed_at[name]

    def latest_changes(self) -> Bundle:
        """For `user_expressions`: what the cell that has just ended changed."""
        msg_id = self._kernel.get_parent("shell").get("header", {}).get("msg_id", "")
        return Bundle(clean(self._changes_of(msg_id)))

    def _changes_of(self, msg_id: str) -> dict[str, Any]:
        return self._changes.get(msg_id, {"changes": [], "more": 0})

    # What the bridge asks, in the control thread.

    def handle(self, stream: Any, ident: Any, message: dict[str, Any]) -> None:
        """Our message type on the control channel. Slow looks go to a thread, so that interrupts get through."""
        content = message["content"]
        if content.get("op") == "describe" and self._kernel.control_thread is not None:
            self._describe_aside(stream, ident, message)
        else:
            self._reply(stream, ident, message, self._outcome(content, message))

    def _reply(self, stream: Any, ident: Any, message: Any, content: dict[str, Any]) -> None:
        self._kernel.session.send(
            stream, self._package + "_reply", clean(content), message, ident=ident
        )

    def _outcome(self, content: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
        session = str(message["header"].get("session", ""))
        try:
            self._owners.seen(session)
            return {"status": "ok", "result": self._answer(content, session)}
        except RefusedError as error:
            return {"status": "error", "code": error.code, "message": str(error)}
        except Exception as error:  # noqa: BLE001 - outermost: the bridge gets it, the kernel's log does not
            text = clip(f"{type(error).__name__}: {error}", 300)
            return {"status": "error", "code": "failed", "message": text}

    def _answer(self, content: dict[str, Any], session: str) -> dict[str, Any]:
        operations = {
            "variables": self._variables,
            "describe": self._describe,
            "running": self._running,
            "interrupt": lambda c: self._guard.interrupt(str(c["msg_id"]), session),
            "changes": lambda c: self._changes_of(str(c["msg_id"]) or self._last_own),
            "changes_since_mark": self._changes_since_mark,
            "leave": self._leave,
        }
        operation = operations.get(str(content.get("op")))
        if operation is None:
            raise RefusedError("bad_request", "There is no such operation.")
        return operation(content)

    def _variables(self, content: dict[str, Any]) -> dict[str, Any]:
        offset, limit = int(content["offset"]), int(content["limit"])
        return names.listing(self._shell, str(content["pattern"]), offset, limit, self._changed_at)

    def _describe_aside(self, stream: Any, ident: Any, message: dict[str, Any]) -> None:
        if not self._lookers.acquire(blocking=False):
            refusal = {
                "status": "error",
                "code": "cannot_look",
                "message": "Two other looks are still going on in the kernel.",
            }
            self._reply(stream, ident, message, refusal)
            return
        loop = self._kernel.control_thread.io_loop

        def look() -> None:
            try:
                outcome = self._outcome(message["content"], message)
            finally:
                self._lookers.release()
            # Sockets belong to the control thread.
            loop.add_callback(self._reply, stream, ident, message, outcome)

        threading.Thread(target=look, name=self._package, daemon=True).start()

    def _describe(self, content: dict[str, Any]) -> dict[str, Any]:
        steps = paths.steps_of(content["path"])
        try:
            known = names.user_names(self._shell)
            found = paths.look_up(steps, self._shell.user_ns, known)
        except paths.NeedsCodeError as error:
            raise RefusedError("bad_request", str(error)) from None
        except paths.NotThereError as error:
            return {"exists": False, "type": "", "text": clip(str(error), 600), "truncated": ""}
        return cards.card(paths.written(steps), found)

    def _running(self, _content: dict[str, Any]) -> dict[str, Any]:
        cell = self._guard.cell
        frames = stacks.frames_of(self._guard.thread)
        entry = self._guard.entry
        return {
            "msg_id": None if cell is None else cell.msg_id,
            "is_ours": cell is not None and self._owners.own(cell.session),
            "since": None if cell is None else cell.since,
            "elapsed_s": None if cell is None else max(0.0, time.time() - cell.since),
            "busy": cell is not None or stacks.runs_code(frames, entry),
            "waiting_for_input": stacks.waits_for_input(frames),
            "frames": stacks.user_frames(frames, entry),
        }

    def _changes_since_mark(self, content: dict[str, Any]) -> dict[str, Any]:
        """What changed since this owner asked last, by whoever."""
        owner = str(content["owner"])
        new = snapshots.snapshot(self._shell)
        old = self._marks.pop(owner, new)
        self._marks[owner] = new
        while len(self._marks) > MAX_KEPT:
            self._marks.popitem(last=False)
        return snapshots.bounded(snapshots.difference(old, new, set()))

    def _leave(self, content: dict[str, Any]) -> dict[str, Any]:
        self._owners.leave(str(content["owner"]))
        self._marks.pop(str(content["owner"]), None)
        if not self._owners:
            self._uninstall()
        return {}
