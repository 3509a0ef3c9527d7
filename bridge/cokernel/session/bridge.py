"""`Bridge`: all kernels that one bridge serves, and the agents that use them.

It knows nothing of MCP and nothing of share records. The server resolves each call here (`session_for`); the sharing
layer and the stand-alone command put kernels in.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
from collections.abc import Mapping
from typing import Any, Protocol

from cokernel.errors import BadRequest, CokernelError, LinkDown, Unknown
from cokernel.kernel.connection_files import read_connection_file
from cokernel.kernel.environments import find_command
from cokernel.kernel.link import LinkState
from cokernel.kernel.owned import OwnedKernel
from cokernel.kernel.zmq import ZmqLink
from cokernel.session.activity import Sequence
from cokernel.session.agents import Agent, Place
from cokernel.session.execution import Execution
from cokernel.session.guests import Guests, entered_through, not_shared_any_more, share_of
from cokernel.session.left import LeftKernels
from cokernel.session.owned_kernels import IDLE_EXPIRY_S, OwnedKernels
from cokernel.session.policy import Mode
from cokernel.session.session import Session, SessionObserver
from cokernel.shares import ShareRecord, unshared

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 10.0
UNSEEN = "Nobody shares it: whoever works there neither sees your calls nor is asked."


class BridgeObserver(SessionObserver, Protocol):
    """Who is told what happens in a bridge. Called in the event loop; must not block nor raise."""

    def agents_changed(self) -> None: ...


class Bridge:
    """The registry. One event loop; `close` ends all that it started."""

    def __init__(
        self,
        *,
        place: str,
        observer: BridgeObserver,
        mode: Mode,
        cwd: str | None = None,
        default: str | None = None,
        idle_expiry_s: float = IDLE_EXPIRY_S,
    ) -> None:
        """`place` is where people see it (`Spyder`); `mode` is for kernels that agents bring in themselves.

        `cwd` is where kernels are started. `default` is the connection file of the kernel for agents that have no
        share; None gives them a private kernel. Kernels that were started here end after `idle_expiry_s` unused.
        """
        self.place = place
        self.mode = mode
        self.sequence = Sequence()
        self.agents: dict[str, Agent] = {}
        self._observer = observer
        self._cwd = cwd
        self._default = default
        self._sessions: dict[str, Session] = {}
        self._owned = OwnedKernels(
            adopt=self._adopt, remove=self.remove, idle_expiry_s=idle_expiry_s
        )
        self._guests = Guests(self._leave)
        self._names = itertools.count(1)
        self._client_names = itertools.count(1)
        self._private: asyncio.Task[Session] | None = None
        self._spare: OwnedKernel | None = None
        self._left = LeftKernels()

    # -- agents

    def agent_connected(self, home: str | None) -> Agent:
        agent = Agent(client_id=f"c{next(self._client_names)}", home=home)
        self.agents[agent.client_id] = agent
        self._observer.agents_changed()
        return agent

    def agent_named(self, agent: Agent, name: str, version: str) -> None:
        """The client said who it is."""
        if (agent.name, agent.version) != (name, version):
            agent.name, agent.version = name, version
            self._observer.agents_changed()

    def agent_ran(self, agent: Agent) -> None:
        agent.runs += 1
        self._observer.agents_changed()

    def agent_gone(self, agent: Agent) -> None:
        self.agents.pop(agent.client_id, None)
        self._observer.agents_changed()

    # -- finding

    @property
    def sessions(self) -> list[Session]:
        return list(self._sessions.values())

    @property
    def all_sessions(self) -> list[Session]:
        """Those that are served, and those that were left and in which runs may still wait, run or have an outcome."""
        return [*self._sessions.values(), *self._left]

    def is_owned(self, session: Session) -> bool:
        return session in self._owned

    def is_guest_in(self, session: Session) -> bool:
        """Whether that kernel was entered by its connection file, and nobody shares it."""
        return session in self._guests

    async def shared_meanwhile(self, session: Session) -> ShareRecord | None:
        """The share through which a kernel is to be entered that was entered by its file: then it has been left."""
        return await self._guests.share_of(session)

    def find(self, name: str) -> Session | None:
        """The kernel with this id, title or connection file, if this bridge serves it.

        Raises
        ------
        BadRequest
            several have that title.
        """
        if name in self._sessions:
            return self._sessions[name]
        found = [
            session
            for session in self._sessions.values()
            if name in (session.title, session.label, session.link.connection_file)
        ]
        if len(found) > 1:
            ids = ", ".join(session.kernel_id for session in found)
            raise BadRequest(f"Several kernels are called {name!r}.", f"Use an id: {ids}.")
        return found[0] if found else None

    async def session_for(self, agent: Agent, name: str | None = None) -> Session:
        """The kernel that a call of `agent` is for: the named one, the one it chose, its share's, or a private one.

        Raises
        ------
        Unknown
            no such kernel here.
        LinkDown
            the kernel it worked in is gone, and it has not chosen another.
        Denied
            somebody shares that kernel, so that it is entered through the share.
        """
        wanted = name or agent.kernel_id or agent.home
        if agent.left and not name:
            raise LinkDown(agent.left, "Choose a kernel with list_kernels and use_kernel.")
        if wanted is None:
            return await self._default_for(agent)
        session = self.find(wanted)
        if session is None and not name:
            raise LinkDown(
                f"The kernel this client worked in ({wanted}) is gone.",
                "Nothing was run. Choose another with list_kernels and use_kernel.",
            )
        if session is None:
            raise Unknown(
                f"This bridge serves no kernel called {wanted!r}.",
                "list_kernels shows all; use_kernel changes to one of another program.",
            )
        if (record := await self.shared_meanwhile(session)) is not None:
            raise entered_through(record, session.title)
        self._owned.touch(session)
        if not name:
            agent.works_in(_place(session))
        return session

    def place_of(self, agent: Agent) -> Session | None:
        """The kernel that it works in now, else the one that it came through; None if it has none (any more)."""
        for kernel_id in (None if agent.left else agent.kernel_id, agent.home):
            if kernel_id is not None and kernel_id in self._sessions:
                return self._sessions[kernel_id]
        return None

    async def _default_for(self, agent: Agent) -> Session:
        session = await self.private_session()
        # Remembered, so that the end of that kernel is told and not papered over with a new one.
        agent.kernel_id = session.kernel_id
        agent.works_in(_place(session))
        if self.is_guest_in(session):
            agent.news.append(f"{session.title} was named by its connection file. {UNSEEN}")
        return session

    def all_of(self, kernel_id: str) -> list[Session]:
        """The kernel with this id, and those whose place it took and that are still known."""
        return [session for session in self.all_sessions if session.kernel_id == kernel_id]

    def find_execution(self, number: int) -> tuple[Session, Execution]:
        """The run that agents call `execution <number>`, and its kernel.

        Raises
        ------
        Unknown
            there is none, or it is too long ago.
        """
        for session in self.all_sessions:
            execution = session.find_execution(number)
            if execution is not None:
                return session, execution
        raise Unknown(
            f"There is no execution {number} here (any more).", "recent_activity lists what ran."
        )

    # -- bringing in kernels

    async def attach(
        self,
        connection: Mapping[str, Any],
        *,
        connection_file: str | None,
        title: str,
        kernel_id: str | None = None,
        mode: Mode | None = None,
        pid: int | None = None,
    ) -> Session:
        """Connect to a kernel that somebody else owns. The caller has checked that the connection file can be trusted.

        If another kernel has this `kernel_id`, the new one takes its place, in the mode in which that is by then;
        what runs in the old one goes on.

        Raises
        ------
        NoAnswer, Untrusted
            nobody answers there who holds the key.
        """
        link = ZmqLink(connection, connection_file=connection_file, pid=pid)
        await link.connect(CONNECT_TIMEOUT_S)
        kernel_id = kernel_id or self._next_id()
        before = self._sessions.get(kernel_id)
        session = self._add(link, kernel_id, title, owned=False, mode=mode)
        if before is not None:
            session.take_over(before)
            self._left.see_off(before)
        return session

    async def enter(self, connection_file: str, title: str, *, by_person: bool = False) -> Session:
        """Connect to a kernel that nobody shares, for agents: by its connection file, in the mode of this bridge.

        `by_person`: a person has named that file, and not an agent.

        Raises
        ------
        Denied
            somebody does share it, or has stopped sharing it.
        Unknown
            the file cannot be read.
        NoAnswer, Untrusted
            as `attach`, or the file must not be believed.
        """
        try:
            connection = await asyncio.to_thread(read_connection_file, connection_file)
        except OSError as error:
            raise Unknown(
                f"The connection file {connection_file} cannot be read: {error.strerror}.",
                "Start that kernel, or choose another with list_kernels and use_kernel.",
            ) from error
        if (record := await asyncio.to_thread(share_of, connection)) is not None:
            raise entered_through(record, title)
        link = ZmqLink(connection, connection_file=connection_file)
        pid = (await link.connect(CONNECT_TIMEOUT_S)).pid
        if not by_person and pid is not None and await asyncio.to_thread(unshared.is_noted, pid):
            await link.close()
            raise not_shared_any_more(title)
        session = self._add(link, self._next_id(), title, owned=False, mode=None)
        self._guests.add(session, connection)
        return session

    def spawn_private(self, kernel: OwnedKernel) -> None:
        """Take over a kernel that was spawned before anything else was imported, and begin to connect to it."""
        self._spare = kernel
        self._private = asyncio.create_task(self._start_private(), name="private kernel")

    @property
    def has_private(self) -> bool:
        """Whether the kernel of clients that have none is there already, or is starting."""
        return self._private is not None and (
            not self._private.done() or self._is_alive(self._private)
        )

    async def private_session(self) -> Session:
        """The kernel of a client that has none: started on first use, once."""
        if self._private is None or not self.has_private:
            self._private = asyncio.create_task(self._start_private(), name="private kernel")
        return await asyncio.shield(self._private)

    async def start_kernel(self, *, title: str = "", environment: str | None = None) -> Session:
        """Start a kernel of our own.

        Raises
        ------
        Unknown, StartFailed
            no such environment, or it does not start there; the message says why.
        """
        command = await asyncio.to_thread(find_command, environment)
        return await self._owned.start(command, title, self._cwd)

    async def restart(self, session: Session) -> None:
        """Restart an owned kernel; what ran in it ends as `restarted`.

        Raises
        ------
        Denied
            it is not ours to restart.
        StartFailed
            it did not come back.
        """
        await self._owned.restart(session)

    async def end_kernel(self, session: Session) -> None:
        """End an owned kernel; raises `Denied` like `restart`."""
        self._owned.check_owned(session)
        await self.remove(session, f"{session.title} was ended.")

    async def remove(self, session: Session, reason: str) -> None:
        """Let go of a kernel; an owned one ends."""
        self._take_out(session, reason)
        await self._left.close(session, reason)
        await self._owned.end(session)

    async def close(self, reason: str) -> None:
        """End everything that this bridge serves."""
        self._owned.stop_expiring()
        self._guests.stop()
        if self._private is not None and not self._private.done():
            self._private.cancel()
            with contextlib.suppress(asyncio.CancelledError, CokernelError):
                await self._private
        await asyncio.gather(
            *(self.remove(session, reason) for session in self.sessions),
            *(session.close(reason) for session in list(self._left)),
        )
        await self._left.abandon()
        if self._spare is not None:
            await self._spare.end()
            self._spare = None

    def end_owned_now(self) -> None:
        """End owned kernels without an event loop: the last resort of a process that has to go."""
        self._owned.end_now()
        if self._spare is not None:
            self._spare.end_now()

    # -- inside

    def _take_out(self, session: Session, reason: str) -> None:
        self._sessions.pop(session.kernel_id, None)
        self._guests.forget(session)
        for agent in self.agents.values():
            if agent.kernel_id == session.kernel_id:
                agent.left = reason

    def _leave(self, session: Session, reason: str) -> None:
        """No new run begins there; the one that the kernel has goes on, as it was begun before."""
        self._take_out(session, reason)
        session.take_no_more(reason)
        self._left.see_off(session)

    async def _start_private(self) -> Session:
        if self._default is not None:
            name = os.path.basename(self._default)
            return await self.enter(self._default, name, by_person=True)
        kernel, self._spare = self._spare, None
        if kernel is None:
            return await self._owned.start(find_command(None), "private kernel", self._cwd)
        return await self._owned.connect(kernel, "private kernel")

    def _adopt(self, link: ZmqLink, title: str) -> Session:
        return self._add(link, self._next_id(), title, owned=True, mode=None)

    def _add(
        self, link: ZmqLink, kernel_id: str, title: str, *, owned: bool, mode: Mode | None
    ) -> Session:
        session = Session(
            link,
            kernel_id=kernel_id,
            title=title,
            place=self.place,
            owned=owned,
            mode=mode or self.mode,
            sequence=self.sequence,
            observer=self._observer,
        )
        self._sessions[kernel_id] = session
        return session

    def _next_id(self) -> str:
        return f"k{next(self._names)}"

    def _is_alive(self, task: asyncio.Task[Session]) -> bool:
        if task.cancelled() or task.exception() is not None:
            return False
        session = task.result()
        return session.kernel_id in self._sessions and session.link.state is not LinkState.DEAD


def _place(session: Session) -> Place:
    return Place(session, session.link.info.pid, session.title)
