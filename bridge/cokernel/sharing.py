"""`Sharing`: the shares of one bridge, their records, and who may come in. Runs in the bridge's event loop.

The order matters for what people are promised: a record is published only once the kernel has proven itself, and when
sharing ends it goes first, so that nobody new comes in while clients, runs and our helper in the kernel go.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from cokernel import shares
from cokernel.errors import ShareLost, Unknown
from cokernel.events import (
    ActivityChanged,
    ClientsChanged,
    Event,
    OutputsChanged,
    ShareChanged,
    ShareInfo,
    ShareState,
    Variable,
    client_info,
    variable,
)
from cokernel.kernel.connection_files import read_connection_file
from cokernel.kernel.link import LinkState
from cokernel.kernel.outputtypes import Output
from cokernel.server.calls import OtherKernel
from cokernel.server.endpoint import LocalEndpoint
from cokernel.server.neighbours import other_kernels
from cokernel.session.activity import Activity
from cokernel.session.bridge import Bridge
from cokernel.session.policy import Answer, Mode
from cokernel.session.session import Session
from cokernel.shares.keeper import RecordKeeper, done_within

log = logging.getLogger(__name__)

TELL_EVERY_S = 0.1
"""What changes many times a second (outputs, counts of runs) is told at most so often."""
TOUCH_EVERY_S = 5.0
RECORD_DEADLINE_S = 2.0
"""How long whoever changes a share waits for the disk."""
WITHDRAW_DEADLINE_S = 0.3
CANNOT_FIND = "Agents cannot find this share"
MAX_VARIABLES = 5_000


@dataclass
class _Share:
    """One share. The record and `ShareInfo` are drawn from it."""

    share_id: str
    record: shares.ShareRecord
    mode: Mode
    session: Session
    state: ShareState = ShareState.UP
    detail: str = ""
    touched_at: float = 0.0
    writing: Future[None] | None = None
    """Its record, on its way to the disk."""

    @property
    def info(self) -> ShareInfo:
        return ShareInfo(
            share_id=self.share_id,
            title=self.session.title,
            state=self.state,
            mode=self.mode,
            paused=self.session.paused,
            detail=self.detail,
            connection_file=self.record.connection_file,
            kernel_pid=self.session.link.info.pid,
            kernel_session=self.session.link.session_id,
        )


class Sharing:
    """Owns the shares, the bridge behind them and the socket that agents come in through."""

    def __init__(
        self,
        *,
        ide: str,
        workspaces: Sequence[str],
        emit: Callable[[Event], None],
        kernels_mode: Mode = Mode.ASK,
    ) -> None:
        """`emit` gets every event, in the event loop; `kernels_mode` is for kernels that agents bring in themselves."""
        self._ide = ide
        self._workspaces = tuple(workspaces)
        self._emit = emit
        self._shares: dict[str, _Share] = {}
        self._connecting: dict[str, asyncio.Future[Session]] = {}
        self._telling_agents = False
        self._told: set[tuple[str, int]] = set()
        """Outputs that an event was promised for; see `outputs_changed`."""
        self._records = RecordKeeper()
        self._bridge = Bridge(place=ide, observer=self, mode=kernels_mode)
        self._endpoint = LocalEndpoint(self._bridge, self, self._others)

    async def close(self, reason: str) -> None:
        """End every share, every client and every kernel that was started here."""
        await self._withdraw(*self._shares.values())
        open_now = {*self._shares, *self._connecting}
        await asyncio.gather(*(self.unshare(share_id, reason) for share_id in open_now))
        await self._endpoint.close()
        await self._bridge.close(reason)
        self._records.close()

    # -- what the host asks for; the docstrings stand in `cokernel.host.BridgeHost`

    async def share(
        self,
        connection_file: str,
        *,
        title: str,
        mode: Mode,
        share_id: str | None,
        kernel_pid: int | None,
    ) -> ShareInfo:
        await self._endpoint.start()
        share_id = share_id or shares.new_share_id(self._ide)
        if share_id in self._shares:
            await self.set_mode(share_id, mode)
            return await self.retarget(
                share_id, connection_file, title=title, kernel_pid=kernel_pid
            )
        session = await self._connect(share_id, connection_file, title, mode, kernel_pid)
        share = _Share(share_id, self._new_record(share_id, session), mode, session)
        self._shares[share_id] = share
        return await self._changed_on_disk(share)

    async def retarget(
        self, share_id: str, connection_file: str, *, title: str, kernel_pid: int | None
    ) -> ShareInfo:
        share = self._share(share_id)
        path = os.path.abspath(connection_file)
        if path == share.record.connection_file and share.session.link.state is LinkState.UP:
            return await self.rename(share_id, title)
        session = await self._connect(share_id, path, title, share.mode, kernel_pid)
        session.set_mode(share.mode)  # which may have changed meanwhile, as the pause
        session.set_paused(share.session.paused)
        share.session, share.state, share.detail = session, ShareState.UP, ""
        return await self._changed_on_disk(share)

    async def rename(self, share_id: str, title: str) -> ShareInfo:
        share = self._share(share_id)
        share.session.title = title
        return await self._changed_on_disk(share)

    async def restarted(self, share_id: str, reason: str) -> None:
        share = self._share(share_id)
        share.session.owner_restarted(reason or f"{share.session.title} was restarted.")

    async def unshare(self, share_id: str, reason: str) -> None:
        self._stop_connecting(share_id)
        share = self._shares.pop(share_id, None)
        if share is None:
            return
        await self._withdraw(share)
        reason = reason or f"{share.session.title} is not shared any more."
        share.state, share.detail = ShareState.CLOSED, reason
        await asyncio.gather(
            self._endpoint.drop(share_id, reason, "Share it again, or choose another kernel."),
            *(self._let_go(session, reason) for session in self._bridge.all_of(share_id)),
        )
        self._emit(ShareChanged(share.info))

    async def set_mode(self, share_id: str, mode: Mode) -> ShareInfo:
        share = self._share(share_id)
        share.mode = mode
        for session in self._bridge.all_of(share_id):
            session.set_mode(mode)
        return await self._changed_on_disk(share)

    async def pause(self, share_id: str, paused: bool) -> ShareInfo:
        share = self._share(share_id)
        for session in self._bridge.all_of(share_id):
            session.set_paused(paused)
        self._changed(share)
        return share.info

    async def answer(self, approval: str, answer: Answer) -> None:
        for session in self._bridge.all_sessions:
            if session.approvals.knows(approval):
                session.answer(approval, answer)
                return
        raise Unknown("Nothing waits under this approval.", "It may have been answered already.")

    async def interrupt(self, share_id: str, number: int | None) -> int:
        wanted = [
            (session, execution)
            for session in self._bridge.all_of(share_id)
            for execution in session.unfinished
            if number is None or execution.entry.number == number
        ]
        # The last one first: what is queued must not begin when what runs is stopped.
        ended = [await session.interrupt(execution) for session, execution in reversed(wanted)]
        return sum(ended)

    async def outputs(self, share_id: str, number: int) -> tuple[Output, ...]:
        for session in self._bridge.all_of(share_id):
            execution = session.by_entry(number)
            if execution is not None:
                return execution.outputs.snapshot()
        return ()

    async def variables(self, share_id: str) -> tuple[Variable, ...]:
        session = self._share(share_id).session
        listing = await session.looks.variables(limit=MAX_VARIABLES)
        return tuple(variable(found) for found in listing.variables)

    async def activities(self, share_id: str) -> tuple[Activity, ...]:
        entries = [e for session in self._bridge.all_of(share_id) for e in session.log]
        return tuple(sorted(entries, key=lambda entry: entry.number))

    # -- who may come in (Doorkeeper)

    def token_of(self, share: str) -> shares.Secret | None:
        found = self._shares.get(share)
        return found.record.token if found is not None else None

    def welcome_of(self, share: str) -> tuple[str, str]:
        return self._shares[share].session.title, self._ide

    # -- what the bridge tells (BridgeObserver)

    def activity_changed(self, session: Session, entry: Activity) -> None:
        self._emit(ActivityChanged(session.kernel_id, entry))
        share = self._shares.get(session.kernel_id)
        if share is not None and entry.client_id:
            self._touch(share)

    def outputs_changed(self, session: Session, number: int) -> None:
        key = (session.kernel_id, number)
        if key not in self._told:
            self._told.add(key)
            asyncio.get_running_loop().call_later(TELL_EVERY_S, self._tell_outputs, key)

    def link_changed(self, session: Session, state: LinkState, detail: str) -> None:
        share = self._shares.get(session.kernel_id)
        if share is None or share.session is not session:
            return
        share.state, share.detail = ShareState(state.value), detail
        self._changed(share)

    def agents_changed(self) -> None:
        if not self._telling_agents:
            self._telling_agents = True
            asyncio.get_running_loop().call_later(TELL_EVERY_S, self._tell_agents)

    # -- inside

    async def _connect(
        self, share_id: str, connection_file: str, title: str, mode: Mode, kernel_pid: int | None
    ) -> Session:
        """Attach, unless the share ends or is pointed elsewhere before that is done.

        Raises
        ------
        ShareLost
            so it was; else what `_attach` raises.
        """
        self._stop_connecting(share_id)
        attaching = asyncio.ensure_future(
            self._attach(share_id, connection_file, title, mode, kernel_pid)
        )
        self._connecting[share_id] = attaching
        await asyncio.wait({attaching})
        if self._connecting.get(share_id) is attaching:
            del self._connecting[share_id]
            return attaching.result()
        what = f"{title} was unshared, or another kernel chosen, before it was connected."
        if not attaching.cancelled() and attaching.exception() is None:
            await self._let_go(attaching.result(), what)
        raise ShareLost(what)

    def _stop_connecting(self, share_id: str) -> None:
        attaching = self._connecting.pop(share_id, None)
        if attaching is not None:
            attaching.cancel()

    async def _attach(
        self, share_id: str, connection_file: str, title: str, mode: Mode, kernel_pid: int | None
    ) -> Session:
        try:
            connection = await asyncio.to_thread(read_connection_file, connection_file)
        except OSError as error:
            raise Unknown(
                f"The connection file {connection_file} cannot be read: {error.strerror}.",
                "The kernel may have ended; share a running one.",
            ) from error
        return await self._bridge.attach(
            connection,
            connection_file=os.path.abspath(connection_file),
            title=title,
            kernel_id=share_id,
            mode=mode,
            pid=kernel_pid,
        )

    async def _let_go(self, session: Session, reason: str) -> None:
        if self._bridge.find(session.kernel_id) is session:
            await self._bridge.remove(session, reason)
        else:
            await session.close(reason)

    def _share(self, share_id: str) -> _Share:
        share = self._shares.get(share_id)
        if share is None:
            raise Unknown(
                f"There is no share {share_id!r} here (any more).", "Share the kernel again."
            )
        return share

    def _changed(self, share: _Share) -> None:
        """Make the record true again and tell the host."""
        link = share.session.link
        share.record = share.record._replace(
            title=share.session.title,
            mode=share.mode.value,
            connection_file=link.connection_file or "",
            kernel_pid=link.info.pid,
        )
        self._publish(share)
        self._emit(ShareChanged(share.info))

    async def _changed_on_disk(self, share: _Share) -> ShareInfo:
        """The same, and wait until the record is there, as far as the disk answers."""
        self._changed(share)
        writing = share.writing
        assert writing is not None
        if not await done_within(RECORD_DEADLINE_S, writing):
            self._found_no_way(share, "the disk does not answer")
        return share.info

    def _publish(self, share: _Share) -> None:
        loop = asyncio.get_running_loop()
        share.writing = writing = self._records.publish(share.record)

        def written(_: Future[None]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and with it the share
                loop.call_soon_threadsafe(self._written, share, writing)

        writing.add_done_callback(written)

    def _written(self, share: _Share, writing: Future[None]) -> None:
        if writing is not share.writing or self._shares.get(share.share_id) is not share:
            return
        error = writing.exception()
        if error is not None:
            log.error("the share record could not be written", exc_info=error)
            self._found_no_way(share, str(error))
        elif share.detail.startswith(CANNOT_FIND):
            share.detail = ""
            self._emit(ShareChanged(share.info))

    def _found_no_way(self, share: _Share, why: str) -> None:
        share.detail = f"{CANNOT_FIND}: {why}"
        self._emit(ShareChanged(share.info))

    async def _withdraw(self, *withdrawn: _Share) -> None:
        """Remove records. One that the disk does not let go of leads nowhere: nothing else may wait for it long."""
        removing = [self._records.withdraw(share.record) for share in withdrawn]
        await done_within(WITHDRAW_DEADLINE_S, *removing)
        for future in removing:
            if future.done() and (error := future.exception()) is not None:
                log.error("a share record could not be removed", exc_info=error)

    def _new_record(self, share_id: str, session: Session) -> shares.ShareRecord:
        return shares.describe(
            share_id,
            ide=self._ide,
            title=session.title,
            mode=session.mode.value,
            endpoint=self._endpoint.address,
            token=shares.new_token(),
            connection_file=session.link.connection_file or "",
            kernel_pid=session.link.info.pid,
            workspaces=self._workspaces,
        )

    def _touch(self, share: _Share) -> None:
        now = time.monotonic()
        if now - share.touched_at > TOUCH_EVERY_S:
            share.touched_at = now
            share.record = share.record._replace(used=time.time())
            self._publish(share)

    def _tell_outputs(self, key: tuple[str, int]) -> None:
        self._told.discard(key)
        self._emit(OutputsChanged(*key))

    def _tell_agents(self) -> None:
        self._telling_agents = False
        agents = self._bridge.agents.values()
        self._emit(ClientsChanged(tuple(client_info(agent) for agent in agents)))

    def _others(self) -> list[OtherKernel]:
        return other_kernels(self._bridge)
