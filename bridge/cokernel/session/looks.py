"""What can be seen in one kernel without running code there, also while a cell runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cokernel.errors import CannotLook, LinkDown, NoAnswer, Unsupported
from cokernel.kernel.inkernel import Helper
from cokernel.kernel.link import KernelLink
from cokernel.kernel.namespace import Change, Description, Running, VariableListing

SETTLE_GRACE_S = 2.0
"""How long a look waits for the helper to go in: no longer than a look into a busy kernel may take."""


class Looks:
    """Owned by one `Session`."""

    def __init__(
        self,
        link: KernelLink,
        helper: Helper,
        *,
        title: Callable[[], str],
        check: Callable[[], None],
        settled_within: Callable[[float], Awaitable[None]],
        refusal: Callable[[], str],
    ) -> None:
        """`check` raises if the kernel cannot be reached; `settled_within` waits until the helper is in, so long.

        `refusal` is why it never will be, if that is known.
        """
        self._link = link
        self._helper = helper
        self._title = title
        self._check = check
        self._settled_within = settled_within
        self._refusal = refusal

    async def variables(
        self, *, pattern: str | None = None, limit: int = 200, offset: int = 0
    ) -> VariableListing:
        """The user's namespace.

        Raises
        ------
        CannotLook
            the helper is not in the kernel yet, or C code holds the interpreter.
        LinkDown
            the kernel cannot be reached.
        Unsupported
            not a Python kernel.
        """
        await self._until_looks_work()
        return await self._helper.variables(pattern=pattern, limit=limit, offset=offset)

    async def describe(self, expression: str) -> Description:
        """One variable, attribute or item; raises like `variables`, and `BadRequest` for what would have to be run."""
        await self._until_looks_work()
        return await self._helper.describe(expression)

    async def running(self) -> Running | None:
        """What the kernel is at, and where; None if that cannot be known now."""
        if not self._helper.ready:
            return None
        try:
            return await self._helper.running()
        except (CannotLook, LinkDown, NoAnswer):
            return None

    async def changes_since_last(self) -> tuple[Change, ...]:
        """Names that changed since this was asked last, by whoever; empty if that cannot be known now."""
        if not self._helper.ready:
            return ()
        try:
            return await self._helper.changes_since_mark()
        except (CannotLook, LinkDown, NoAnswer):
            return ()

    async def _until_looks_work(self) -> None:
        self._check()
        if not self._link.info.is_ipython:
            raise Unsupported(
                f"{self._title()} runs {self._link.info.language}; looks work in Python kernels only.",
                "Use execute_code.",
            )
        if not self._helper.ready:
            await self._settled_within(SETTLE_GRACE_S)
        if refusal := self._refusal():
            raise Unsupported(refusal, "Use execute_code.")
        if not self._helper.ready:
            raise CannotLook(
                f"The user's cell in {self._title()} has been running since before sharing began.",
                "Looks work from its end on; wait, then try again.",
            )
