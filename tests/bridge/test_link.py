"""`ZmqLink`: proves who answers, sends nothing to the dead, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import zmq
import zmq.asyncio

from cokernel.errors import LinkDown, NoAnswer, Untrusted
from cokernel.kernel.link import Channel, LinkState, Message
from cokernel.kernel.wire import Codec
from cokernel.kernel.zmq import ZmqLink
from tests.support.kernels import Kernel, UserClient
from tests.support.owner import owner_of

TASKS_OF_A_LINK = ("pump", "watch", "heartbeat", "prove")


class Listener:
    """A `LinkObserver` that keeps all it is told."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.states: list[LinkState] = []
        self._news = asyncio.Event()

    def message_arrived(self, message: Message) -> None:
        self.messages.append(message)
        self._news.set()

    def state_changed(self, state: LinkState, detail: str) -> None:
        self.states.append(state)
        self._news.set()

    async def until(self, condition: Any) -> None:
        async def wait() -> None:
            while not condition():
                self._news.clear()
                await self._news.wait()

        await asyncio.wait_for(wait(), 40)


def tasks_of_links() -> list[str]:
    names = [task.get_name() for task in asyncio.all_tasks()]
    return [name for name in names if name.startswith(TASKS_OF_A_LINK)]


class Impostor:
    """Answers on a kernel's ports without holding its key, and keeps what is sent to it."""

    def __init__(self, key: bytes) -> None:
        self._codec = Codec(key)
        self._context = zmq.asyncio.Context()
        self.received: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._sockets: list[zmq.asyncio.Socket] = []

    async def __aenter__(self) -> dict[str, Any]:
        kinds = {"shell": zmq.ROUTER, "control": zmq.ROUTER, "stdin": zmq.ROUTER}
        kinds |= {"iopub": zmq.PUB, "hb": zmq.REP}
        ports = {}
        for name, kind in kinds.items():
            zsocket = self._context.socket(kind)
            self._sockets.append(zsocket)
            ports[f"{name}_port"] = zsocket.bind_to_random_port("tcp://127.0.0.1")
            if kind == zmq.ROUTER:
                self._tasks.append(asyncio.create_task(self._answer(zsocket)))
        return {"transport": "tcp", "ip": "127.0.0.1", **ports}

    async def __aexit__(self, *error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._context.destroy(linger=0)

    async def _answer(self, zsocket: zmq.asyncio.Socket) -> None:
        while True:
            frames = await zsocket.recv_multipart()
            header = json.loads(frames[3])
            self.received.append(header["msg_type"])
            info = {"implementation": "ipython", "language_info": {"name": "python"}}
            _, answer = self._codec.encode("kernel_info_reply", info, parent=header)
            await zsocket.send_multipart([frames[0], *answer])


async def test_an_impostor_on_the_ports_is_found_out_and_learns_no_code():
    impostor = Impostor(b"another key")
    async with impostor as connection:
        link = ZmqLink({**connection, "key": "the kernel's key"})
        with pytest.raises(Untrusted, match="does not hold its key"):
            await link.connect(2.0)
        with pytest.raises(LinkDown):
            link.send(Channel.SHELL, "execute_request", {"code": "password = 'x'"})
    assert set(impostor.received) == {"kernel_info_request"}
    assert tasks_of_links() == []


async def test_who_holds_the_key_is_believed():
    async with Impostor(b"the key") as connection:
        link = ZmqLink({**connection, "key": "the key"})
        assert (await link.connect(20)).is_ipython
        await link.close()
    assert tasks_of_links() == []


NOBODY = {"transport": "tcp", "ip": "127.0.0.1", "key": "k"}
NOBODY |= {f"{name}_port": 9 for name in ("shell", "iopub", "stdin", "control", "hb")}  # type: ignore[dict-item]


async def test_nobody_there_is_told_in_time_and_leaves_nothing():
    link = ZmqLink(NOBODY)
    with pytest.raises(NoAnswer, match="may be stale"):
        await link.connect(0.5)
    assert (link.state, tasks_of_links()) == (LinkState.CLOSED, [])


async def test_connecting_can_be_cancelled_and_leaves_nothing():
    link = ZmqLink(NOBODY)
    connecting = asyncio.create_task(link.connect(30))
    await asyncio.wait({connecting}, timeout=0.1)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert (link.state, tasks_of_links()) == (LinkState.CLOSED, [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"transport": "udp"},
        {"shell_port": "1"},
        {"control_port": None},
        {"ip": 1},
        {"hb_port": True},
        {"shell_port": -1},
        {"ip": "no such host"},
        {"ip": "\ud800"},
        {"key": "\ud800"},
        {"curve_publickey": "x", "curve_secretkey": "y"},
    ],
)
async def test_a_connection_that_makes_no_sense_is_refused_and_leaves_nothing(
    wrong: dict[str, Any],
):
    link = ZmqLink({**NOBODY, **wrong})
    with pytest.raises((Untrusted, NoAnswer)):
        await link.connect(0.5)
    assert (link.state, tasks_of_links()) == (LinkState.CLOSED, [])


@pytest.mark.parametrize("port", [-1, None, True])
async def test_a_kernel_without_a_heartbeat_is_refused_and_leaves_nothing(port: Any):
    async with Impostor(b"the key") as connection:
        link = ZmqLink({**connection, "key": "the key", "hb_port": port})
        with pytest.raises(Untrusted):
            await link.connect(20)
    assert (link.state, tasks_of_links()) == (LinkState.CLOSED, [])


@pytest.fixture
async def link(lasting_kernel: Kernel, lasting_user: UserClient) -> AsyncIterator[ZmqLink]:
    connected = ZmqLink(lasting_kernel.connection)
    await connected.connect(20)
    yield connected
    await connected.close()
    assert tasks_of_links() == []


@pytest.mark.live
async def test_it_knows_the_kernel(link: ZmqLink, lasting_kernel: Kernel):
    assert link.info.is_ipython
    assert link.info.pid == lasting_kernel.pid


@pytest.mark.live
async def test_messages_tell_whose_they_are(link: ZmqLink, lasting_user: UserClient):
    listener = Listener()
    link.observe(listener)
    content = {"code": "print('ours')", "silent": False, "stop_on_error": False}
    ours = link.send(Channel.SHELL, "execute_request", content)
    theirs = await lasting_user.run("print('theirs')")
    await listener.until(lambda: sum(m.msg_type == "stream" for m in listener.messages) == 2)
    streams = {m.content["text"]: m for m in listener.messages if m.msg_type == "stream"}
    assert streams["ours\n"].parent_id == ours
    assert streams["ours\n"].parent_session == link.session_id
    assert streams["theirs\n"].parent_id == theirs.msg_id
    assert streams["theirs\n"].parent_session not in ("", link.session_id)


@pytest.mark.live
async def test_many_requests_at_once_each_get_their_answer(link: ZmqLink):
    def ask(n: int) -> Any:
        content = {"code": "", "silent": True, "user_expressions": {"n": str(n)}}
        return link.request(Channel.SHELL, "execute_request", content, timeout_s=30)

    answers = await asyncio.gather(*(ask(n) for n in range(50)))
    values = [a.content["user_expressions"]["n"]["data"]["text/plain"] for a in answers]
    assert values == [str(n) for n in range(50)]


@pytest.mark.live
async def test_nothing_that_was_meant_for_a_dead_kernel_reaches_the_restarted_one(tmp_path: Path):
    async with owner_of("ipykernel7", tmp_path / "kernel") as owner:
        link = ZmqLink(json.loads(owner.connection_file.read_text()))
        await link.connect(40)
        listener = Listener()
        link.observe(listener)
        owner.send(signal.SIGKILL)
        refused = 0
        for _ in range(50):
            try:
                link.send(Channel.SHELL, "execute_request", {"code": "STALE = 1", "silent": False})
            except LinkDown:
                refused += 1
            await asyncio.sleep(0)
        await listener.until(lambda: LinkState.DEAD in listener.states)
        with pytest.raises(LinkDown):
            await link.request(Channel.CONTROL, "kernel_info_request", {}, timeout_s=5)
        await owner.restart(now=True)
        await listener.until(lambda: link.state is LinkState.UP)
        content = {"code": "", "silent": True, "user_expressions": {"s": "'STALE' in globals()"}}
        answer = await link.request(Channel.SHELL, "execute_request", content, timeout_s=30)
        assert answer.content["user_expressions"]["s"]["data"]["text/plain"] == "False"
        assert listener.states[-3:] == [LinkState.DEAD, LinkState.RESTARTING, LinkState.UP]
        await link.close()
    assert tasks_of_links() == []


FORGET_USAGE = "get_ipython().kernel.control_handlers.pop('usage_request', None)"


@pytest.mark.live
@pytest.mark.skipif(os.name == "nt", reason="a process cannot be stopped there")
async def test_a_silent_kernel_that_does_not_tell_its_process_was_not_restarted(
    plain_kernel: Kernel, plain_user: UserClient
):
    await plain_user.run(FORGET_USAGE)
    link = ZmqLink(plain_kernel.connection, pid=plain_kernel.pid)
    await link.connect(20)
    listener = Listener()
    link.observe(listener)
    plain_kernel.process.send_signal(signal.SIGSTOP)
    await listener.until(lambda: link.state is LinkState.SILENT)
    plain_kernel.process.send_signal(signal.SIGCONT)
    await listener.until(lambda: link.state is LinkState.UP)
    assert listener.states == [LinkState.SILENT, LinkState.UP]
    assert link.info.pid == plain_kernel.pid
    plain_kernel.process.kill()
    await listener.until(lambda: link.state is LinkState.DEAD)
    await link.close()


@pytest.mark.live
async def test_a_request_ends_when_the_kernel_dies(plain_kernel: Kernel, plain_user: UserClient):
    link = ZmqLink(plain_kernel.connection)
    await link.connect(20)
    content = {"code": "import time; time.sleep(60)", "silent": False}
    asking = asyncio.create_task(
        link.request(Channel.SHELL, "execute_request", content, timeout_s=None)
    )
    await asyncio.wait({asking}, timeout=0.2)
    plain_kernel.process.kill()
    with pytest.raises(LinkDown, match="process ended"):
        await asyncio.wait_for(asking, 8)
    await link.close()
