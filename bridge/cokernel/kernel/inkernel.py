"""The host's side of the helper in the kernel: looks while it is busy, guarded interrupts, what each run changed.

The helper itself is the package `injected`, sent as source once per kernel. It answers our own message type on the
control channel, which ipykernel serves in a thread of its own: it answers while a cell runs, and touches neither
history nor stdin nor half-drawn figures, as an `execute_request` there would. `docs/protocol.md` has the messages.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import logging
import os
import uuid
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any, TypeVar

from cokernel.errors import BadRequest, CannotLook, LinkDown, NoAnswer, Unsupported
from cokernel.kernel.expressions import NotAPathError, parse_path
from cokernel.kernel.injected import PARTS
from cokernel.kernel.injected.owners import here
from cokernel.kernel.link import Channel, KernelLink, LinkState, Message
from cokernel.kernel.namespace import (
    Change,
    Description,
    Frame,
    Running,
    VariableEntry,
    VariableListing,
)

__all__ = [
    "Change",
    "Description",
    "Frame",
    "Helper",
    "Running",
    "VariableEntry",
    "VariableListing",
]

log = logging.getLogger(__name__)

T = TypeVar("T")

LOOK_TIMEOUT_S = 2.0
OVERTAKEN_S = 1.0
"""How long a reply may come after the reply to a request that was sent later."""
MAX_LIMIT = 1_000
MAX_OFFSET = 1_000_000
_MIME = "application/vnd.cokernel+json"
_EXPRESSION = "cokernel"
_BUILTINS = "(_ for _ in ()).gi_frame.f_builtins"
"""The builtins, by an expression that no name of the user can shadow."""


@functools.cache
def _sources() -> tuple[str, dict[str, str]]:
    """The bootstrap and the other parts, as text."""
    folder = resources.files("cokernel.kernel.injected")
    text = {name: (folder / f"{name}.py").read_text("utf-8") for name in ("bootstrap", *PARTS)}
    return text.pop("bootstrap"), text


@functools.cache
def package_name() -> str:
    """What the helper of this version is called in a kernel: another version has another name and its own messages."""
    bootstrap, sources = _sources()
    digest = hashlib.sha256("\0".join([bootstrap, *sources.values()]).encode()).hexdigest()
    return f"_cokernel_{digest[:8]}"


def install_expression(owner: Mapping[str, object]) -> str:
    """An expression that puts the helper in (unless it is there) and registers `owner` with it."""
    bootstrap, sources = _sources()
    return (
        f"(lambda b, d: (b['exec'](b['compile']({bootstrap!r}, '<cokernel>', 'exec'), d),"
        f" d['enter']({package_name()!r}, {sources!r}, {dict(owner)!r}))[1])"
        f"({_BUILTINS}, {{'__name__': '_cokernel_bootstrap'}})"
    )


def changes_expression() -> str:
    """An expression for what the cell that has just ended changed."""
    return (
        f"{_BUILTINS}['__import__']('sys').modules['IPython.core.getipython'].get_ipython()"
        f".kernel.control_handlers['{package_name()}_request'].__self__.latest_changes()"
    )


class Helper:
    """The helper in one kernel, as one bridge uses it."""

    def __init__(self, link: KernelLink) -> None:
        self._link = link
        self._owner_id = uuid.uuid4().hex
        self._ready = False

    @property
    def ready(self) -> bool:
        """Whether it is in the kernel, as far as we know."""
        return self._ready

    async def install(self) -> None:
        """Put it in at the first idle moment; waits behind the user's cells as long as that takes.

        Raises
        ------
        LinkDown
            the kernel went away first.
        Unsupported
            not IPython, or the kernel would not have it.
        """
        if not self._link.info.is_ipython:
            raise Unsupported(
                f"The kernel runs {self._link.info.language}; looks work in IPython kernels only.",
                "Use execute_code.",
            )
        request = _silent_request(install_expression(self._owner()))
        reply: Mapping[str, Any] | None = None
        while reply is None or _must_ask_again(reply):
            reply = await self._first_answer(request)
        if _bundle(reply) is None:
            raise Unsupported(
                f"The kernel did not take the helper ({_failure(reply)}).", "Use execute_code."
            )
        self._ready = True

    async def _first_answer(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The answer to a silent request; None if the kernel has lost it.

        A Stop of the user that comes at that moment can hit the kernel's own code, and no reply is ever sent. A second
        request, behind the first in the same queue, tells: once it is answered, the first one was, or never will be.
        """
        asked = self._ask_shell("execute_request", request)
        behind = self._ask_shell("kernel_info_request", {})
        try:
            await asyncio.wait({asked, behind}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                await asyncio.wait({asked}, timeout=OVERTAKEN_S)
            return asked.result().content if asked.done() else None
        finally:
            asked.cancel()
            behind.cancel()
            await asyncio.gather(asked, behind, return_exceptions=True)

    def _ask_shell(self, msg_type: str, content: Mapping[str, Any]) -> asyncio.Task[Message]:
        return asyncio.create_task(
            self._link.request(Channel.SHELL, msg_type, dict(content), timeout_s=None)
        )

    def forget(self) -> None:
        """The kernel was restarted or died: the helper is gone with it."""
        self._ready = False

    async def remove(self) -> None:
        """Leave the kernel. The last bridge to leave takes the helper out; works while a cell runs.

        Raises
        ------
        CannotLook, LinkDown
            the kernel did not answer; it prunes bridges whose process has ended by itself.
        """
        if not self._ready:
            return
        self._ready = False
        await self._ask("leave", {"owner": self._owner_id})

    def user_expressions(self) -> dict[str, str]:
        """To be sent with an own `execute_request`, so that its reply tells what it changed."""
        return {_EXPRESSION: changes_expression()} if self._ready else {}

    def changes_in(self, reply_content: Mapping[str, Any]) -> tuple[Change, ...]:
        """What the reply to an own `execute_request` says that it changed; empty if it says nothing."""
        content = _bundle(reply_content)
        try:
            return () if content is None else _read(_changes, content)
        except CannotLook as error:
            log.warning("%s", error)
            return ()

    async def changes(self, msg_id: str = "") -> tuple[Change, ...]:
        """What an own cell changed, if it raised: IPython evaluates no `user_expressions` then.

        Without `msg_id`: the last own cell. Raises like `variables`.
        """
        return _read(_changes, await self._look("changes", {"msg_id": msg_id}))

    async def changes_since_mark(self) -> tuple[Change, ...]:
        """What changed since this was asked last, by whoever; empty the first time. Raises like `variables`."""
        return _read(_changes, await self._look("changes_since_mark", {"owner": self._owner_id}))

    async def running(self) -> Running:
        """What the kernel is at. Raises like `variables`."""
        return _read(_running, await self._look("running", {}))

    async def interrupt_if(self, msg_id: str) -> bool:
        """Interrupt our own cell `msg_id` if it runs now, and nothing else ever; whether an interrupt was sent.

        Raises
        ------
        CannotLook
            the kernel has not answered yet. It will get to it, and the same holds then.
        LinkDown
            nothing was sent.
        """
        return (await self._look("interrupt", {"msg_id": msg_id})).get("sent") is True

    async def variables(
        self, *, pattern: str | None = None, limit: int = 200, offset: int = 0
    ) -> VariableListing:
        """The user's names. `pattern` is shell-style (`df*`), or else a part of the name, in any case of letters.

        Raises
        ------
        CannotLook
            the helper is not in the kernel, or did not answer within 2 s.
        LinkDown
            the kernel cannot be reached.
        """
        content = {
            "pattern": pattern or "",
            "limit": max(1, min(limit, MAX_LIMIT)),
            "offset": max(0, min(offset, MAX_OFFSET)),
        }
        return _read(_listing, await self._look("variables", content))

    async def describe(self, expression: str) -> Description:
        """A page about a name, an attribute or an item (`df["a"]`, `cfg["k"][0]`, `model.coef_`). Runs none of it.

        Raises
        ------
        BadRequest
            it would have to be run. Else like `variables`.
        """
        try:
            steps = parse_path(expression)
        except NotAPathError as error:
            raise _needs_code(str(error)) from None
        found = await self._look("describe", {"path": steps})
        return _read(functools.partial(_description, expression), found)

    def _owner(self) -> dict[str, object]:
        return {
            "id": self._owner_id,
            "session": self._link.session_id,
            "pid": os.getpid(),
            "place": here(),
        }

    async def _look(self, operation: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        if not self._ready:
            raise CannotLook(
                "The kernel cannot be looked into yet.",
                "The user's cell has been running since before sharing began: try again when it ends.",
            )
        return await self._ask(operation, arguments)

    async def _ask(self, operation: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        request = f"{package_name()}_request"
        content = {"op": operation, **arguments}
        try:
            reply = await self._link.request(
                Channel.CONTROL, request, content, timeout_s=LOOK_TIMEOUT_S
            )
        except NoAnswer:
            raise self._silence() from None
        return _result(reply.content)

    def _silence(self) -> CannotLook | LinkDown:
        if self._link.state is not LinkState.UP:
            return LinkDown("The kernel does not answer.", "Its process may be stopped or gone.")
        return CannotLook(
            f"The kernel did not answer within {LOOK_TIMEOUT_S:g} s: C code holds the Python interpreter.",
            "Wait or try again; the code goes on.",
        )


def _read(parse: Callable[[Mapping[str, Any]], T], content: Mapping[str, Any]) -> T:
    """What the helper says, if it says it as it should: other code in the kernel could have taken its place."""
    try:
        return parse(content)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CannotLook(
            f"The helper in the kernel gave an answer that makes no sense ({type(error).__name__}).",
            "Something in the kernel may have replaced it; restarting the kernel mends that.",
        ) from error


def _silent_request(expression: str) -> dict[str, Any]:
    """An `execute_request` that runs no code and leaves no trace in history or counters."""
    return {
        "code": "",
        "silent": True,
        "store_history": False,
        "user_expressions": {_EXPRESSION: expression},
        "allow_stdin": False,
        "stop_on_error": False,
    }


def _bundle(reply_content: Mapping[str, Any]) -> dict[str, Any] | None:
    """The helper's own JSON in the `user_expressions` of a reply."""
    return _object_in(_answer_in(reply_content).get("data"), _MIME)


def _answer_in(reply_content: Mapping[str, Any]) -> dict[str, Any]:
    return _object_in(reply_content.get("user_expressions"), _EXPRESSION) or {}


def _object_in(holder: object, key: str) -> dict[str, Any] | None:
    found = holder.get(key) if isinstance(holder, dict) else None
    return found if isinstance(found, dict) else None


def _must_ask_again(reply_content: Mapping[str, Any]) -> bool:
    """Whether a request never ran (a cell of the user failed before it), or a Stop that was meant for a cell hit it."""
    return reply_content.get("status") in ("aborted", "abort") or (
        _bundle(reply_content) is None and _failure(reply_content).startswith("KeyboardInterrupt")
    )


def _failure(reply_content: Mapping[str, Any]) -> str:
    answer = _answer_in(reply_content) or reply_content
    return f"{answer.get('ename', 'no answer')}: {answer.get('evalue', '')}"[:300]


def _result(content: Mapping[str, Any]) -> dict[str, Any]:
    if content.get("status") == "ok" and isinstance(content.get("result"), dict):
        return dict(content["result"])
    message = str(content.get("message", "The helper gave no reason."))[:600]
    if content.get("code") == "bad_request":
        raise _needs_code(message)
    raise CannotLook(f"The kernel could not be looked into. {message}", "Try again.")


def _needs_code(why: str) -> BadRequest:
    return BadRequest(
        f"That cannot be looked up without running code. {why}",
        "Name a variable, an attribute or an item (df, df['a'], model.coef_), or use execute_code.",
    )


def _description(expression: str, found: Mapping[str, Any]) -> Description:
    return Description(
        expression=expression,
        exists=bool(found["exists"]),
        type=str(found["type"]),
        text=str(found["text"]),
        truncated=str(found["truncated"]),
    )


def _changes(content: Mapping[str, Any]) -> tuple[Change, ...]:
    changes = [
        Change(str(change["name"]), str(change["how"]), str(change["detail"]))
        for change in content["changes"]
    ]
    more = int(content["more"])
    if more:
        changes.append(Change(f"and {more} more", "possibly"))
    return tuple(changes)


def _listing(content: Mapping[str, Any]) -> VariableListing:
    return VariableListing(
        variables=tuple(_variable(entry) for entry in content["variables"]),
        total=int(content["total"]),
        offset=int(content["offset"]),
        truncated=str(content["truncated"]),
        modules=tuple(str(module) for module in content["modules"]),
    )


def _variable(entry: Mapping[str, Any]) -> VariableEntry:
    size, changed = entry["size_bytes"], entry["changed_by_agent"]
    return VariableEntry(
        name=str(entry["name"]),
        type=str(entry["type"]),
        shape=str(entry["shape"]),
        size_bytes=None if size is None else int(size),
        preview=str(entry["preview"]),
        changed_by_agent=None if changed is None else float(changed),
    )


def _running(content: Mapping[str, Any]) -> Running:
    since, elapsed = content["since"], content["elapsed_s"]
    return Running(
        busy=bool(content["busy"]),
        msg_id=content["msg_id"] if isinstance(content["msg_id"], str) else None,
        is_ours=bool(content["is_ours"]),
        since=None if since is None else float(since),
        elapsed_s=None if elapsed is None else float(elapsed),
        waiting_for_input=bool(content["waiting_for_input"]),
        frames=tuple(
            Frame(str(f["file"]), int(f["line"]), str(f["function"]), str(f["source"]))
            for f in content["frames"]
        ),
    )
