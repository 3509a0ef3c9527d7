"""The Tasks extension (SEP-2663, 2026-07-28): a call that takes long becomes a task, if its client knows tasks.

The call is answered with a task, the agent goes on with other things, and its client asks after the task until it has
the result of the call. Cancelling the task cancels the call, which interrupts its run.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timezone
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from pydantic import Field

EXTENSION = "io.modelcontextprotocol/tasks"
SINCE = "2026-07-28"
"""The first revision of the protocol with it; revisions are dates."""
GRACE_S = 10.0
"""How long a call may take before it becomes a task."""
POLL_MS = 1_000
KEEP_MS = 3_600_000
"""Told to clients; what bounds memory is `KEEP_TASKS`."""
KEEP_TASKS = 100
"""Ended ones, whose results can still be asked for."""

_MISSING_CAPABILITY = -32021
_HEADER_MISMATCH = -32020

Context = ServerRequestContext[Any, Any]
Work = Awaitable[types.CallToolResult]


class TaskParams(types.RequestParams):
    task_id: str = Field(alias="taskId", max_length=100)


class UpdateParams(TaskParams):
    input_responses: dict[str, Any] = Field(default_factory=dict, alias="inputResponses")


class Progress:
    """Where the progress of one call goes: to whoever waits for its answer, later into its task."""

    def __init__(self, report: Callable[[float, str], Awaitable[None]]) -> None:
        self.in_task = False
        """The call was answered with a task: nobody waits any more, so it may take its time."""
        self.message = ""
        self._report = report

    async def __call__(self, seconds: float, message: str) -> None:
        self.message = message
        if not self.in_task:
            await self._report(seconds, message)


class _Task:
    def __init__(self, running: asyncio.Future[types.CallToolResult], progress: Progress) -> None:
        self.task_id = secrets.token_urlsafe(16)
        self.running = running
        self._progress = progress
        self._created = _now()

    def view(self) -> dict[str, Any]:
        """As the protocol describes it, with the result if there is one."""
        return {
            "taskId": self.task_id,
            "createdAt": self._created,
            "lastUpdatedAt": _now(),
            "ttlMs": KEEP_MS,
            "pollIntervalMs": POLL_MS,
            "statusMessage": self._progress.message[:500] or "running",
            **self._outcome(),
        }

    def _outcome(self) -> dict[str, Any]:
        if not self.running.done():
            return {"status": "working"}
        if self.running.cancelled():
            return {"status": "cancelled"}
        if (error := self.running.exception()) is not None:
            return {"status": "failed", "error": _json_rpc_error(error)}
        result = self.running.result()
        shown = result.model_dump(by_alias=True, mode="json", exclude_none=True)
        return {"status": "completed", "result": shown}


class Tasks:
    """The tasks of one server. What runs when it closes is cancelled."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self._grace_s = grace_s
        self._tasks: dict[str, _Task] = {}

    def add_to(self, server: Server[Any]) -> None:
        """Answer the extension's methods, and say so."""
        server.extensions[EXTENSION] = {}
        server.add_request_handler("tasks/get", TaskParams, self._get)
        server.add_request_handler("tasks/update", UpdateParams, self._update)
        server.add_request_handler("tasks/cancel", TaskParams, self._cancel)

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Server[Any]) -> AsyncIterator[None]:
        try:
            yield
        finally:
            for task in self._tasks.values():
                task.running.cancel()

    async def answer(
        self, ctx: Context, work: Work, progress: Progress
    ) -> types.CallToolResult | dict[str, Any]:
        """The result of a call, or the task that it has become."""
        if not _knows_tasks(ctx):
            return await work
        running = asyncio.ensure_future(work)
        try:
            await asyncio.wait({running}, timeout=self._grace_s)
        except asyncio.CancelledError:
            running.cancel()
            raise
        if running.done():
            return running.result()
        return {"resultType": "task", **self._hand_out(running, progress).view()}

    def _hand_out(self, running: asyncio.Future[types.CallToolResult], progress: Progress) -> _Task:
        progress.in_task = True
        task = _Task(running, progress)
        self._tasks[task.task_id] = task
        ended = [t for t in self._tasks.values() if t.running.done()]
        for old in ended[:-KEEP_TASKS]:
            del self._tasks[old.task_id]
        return task

    async def _get(self, ctx: Context, params: TaskParams) -> dict[str, Any]:
        return {"resultType": "complete", **self._find(ctx, params).view()}

    async def _update(self, ctx: Context, params: UpdateParams) -> dict[str, Any]:
        # Nothing of ours asks the client for input; `input()` is answered with check_execution.
        self._find(ctx, params)
        return {"resultType": "complete"}

    async def _cancel(self, ctx: Context, params: TaskParams) -> dict[str, Any]:
        self._find(ctx, params).running.cancel()
        return {"resultType": "complete"}

    def _find(self, ctx: Context, params: TaskParams) -> _Task:
        if not _knows_tasks(ctx):
            needed: dict[str, Any] = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
            raise MCPError(_MISSING_CAPABILITY, "Missing required client capability", needed)
        headers = getattr(ctx.request, "headers", None)
        named = headers.get("mcp-name") if headers is not None else None
        if named is not None and named != params.task_id:
            raise MCPError(_HEADER_MISMATCH, "Mcp-Name does not match taskId")
        task = self._tasks.get(params.task_id)
        if task is None:
            raise MCPError(types.INVALID_PARAMS, "There is no such task (any more).")
        return task


def _knows_tasks(ctx: Context) -> bool:
    if ctx.protocol_version < SINCE:
        return False
    capabilities = ctx.session.client_capabilities
    return EXTENSION in ((capabilities.extensions if capabilities is not None else None) or {})


def _json_rpc_error(error: BaseException) -> dict[str, Any]:
    if isinstance(error, MCPError):
        return {"code": error.error.code, "message": error.error.message}
    return {"code": types.INTERNAL_ERROR, "message": "Internal error"}


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()
