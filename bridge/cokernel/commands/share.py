"""Share a running IPython kernel with Claude, or any MCP client, until you quit.

With one kernel on the machine it is taken; with several, you pick one. The kernel goes on as it was when you quit."""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator

from cokernel import shares
from cokernel.child import encode_event
from cokernel.child.writer import LineWriter
from cokernel.commands.console import say
from cokernel.commands.pick import Target, pick_kernel
from cokernel.errors import BadRequest, StartFailed
from cokernel.host import BridgeFailed, BridgeHost, Event, Mode, ShareInfo
from cokernel.kernel.connection_files import read_connection_file
from cokernel.session.guests import share_of
from cokernel.share_view.app import ShareView
from cokernel.share_view.theme import terminal_is_dark

IDE = "Terminal"
CONNECT_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 2.5
"""More than a bridge takes that has a run to stop that cannot be interrupted and a kernel to take its helper out of
(1.5 s) on a busy machine. The record goes first, so nobody new comes in meanwhile."""
WRITE_TIMEOUT_S = 0.8
WITHDRAW_TIMEOUT_S = 0.15


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--connection-file",
        metavar="FILE",
        help="the kernel's connection file: a path, its name, or a part of the name; "
        "else $COKERNEL_CONNECTION or $IPYTHON_MCP_CONNECTION",
    )
    parser.add_argument("--title", help="what agents and people call it; else what it belongs to")
    parser.add_argument(
        "--mode",
        choices=[mode.value for mode in Mode],
        default=Mode.ASK.value,
        help="free: agents run code freely; ask: you are asked (default); look: no code, only looks",
    )
    parser.add_argument(
        "--no-ui",
        action="store_true",
        help="no live view: print what happens as JSON lines (docs/protocol.md); needs --mode free or look",
    )
    parser.add_argument(
        "--theme", choices=["auto", "dark", "light"], default="auto", help="of the live view"
    )


def run(arguments: argparse.Namespace) -> int:
    mode = Mode(arguments.mode)
    if arguments.no_ui and mode is Mode.ASK:
        raise BadRequest(
            "Without the live view nobody can be asked.", "Add --mode free or --mode look."
        )
    target = pick_kernel(arguments.connection_file)
    _refuse_if_shared(target)
    title = arguments.title or target.title
    if arguments.no_ui:
        return _share_as_lines(target, title, mode)
    return _share_in_view(target, title, mode, arguments.theme)


def _refuse_if_shared(target: Target) -> None:
    """A second share, in another mode, would be a way around the first."""
    with contextlib.suppress(OSError):  # what cannot be read is told when it is shared
        record = share_of(read_connection_file(target.connection_file))
        if record is not None:
            raise BadRequest(
                f"{record.name} shares this kernel already.",
                "Change its mode there, or stop sharing it there first.",
            )


def _share_in_view(target: Target, title: str, mode: Mode, theme: str) -> int:
    dark = terminal_is_dark() if theme == "auto" else theme == "dark"
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    sharing = Sharing(target, events.put, kernels_mode=Mode.ASK)
    try:
        shared = sharing.begin(title, mode)
        view = ShareView(sharing.host, shared, events, dark=dark)
        with _ended_by_signals(view.end):
            view.run()
    finally:
        sharing.end()
    say(f"{title} is not shared any more.")
    return view.return_code or 0


def _share_as_lines(target: Target, title: str, mode: Mode) -> int:
    over = threading.Event()
    failed: list[BridgeFailed] = []
    writer = LineWriter(sys.stdout.buffer)

    def tell(event: Event) -> None:
        writer.send(encode_event(event))
        if isinstance(event, BridgeFailed):
            failed.append(event)
            over.set()

    with _ended_by_signals(over.set):
        sharing = Sharing(target, tell, kernels_mode=mode)
        try:
            sharing.begin(title, mode)
            # In steps, because on Windows a wait without an end cannot be interrupted.
            while not over.wait(0.5) and writer.is_open:
                pass
        finally:
            sharing.end()
            writer.close(WRITE_TIMEOUT_S)
    if failed:
        raise StartFailed(failed[0].message)
    return 0


class Sharing:
    """One share of this process: its bridge, from the first wish to the last trace."""

    def __init__(
        self, target: Target, on_event: Callable[[Event], None], *, kernels_mode: Mode
    ) -> None:
        """`kernels_mode` is for the kernels that agents bring in besides."""
        folders = list(dict.fromkeys(filter(None, (os.getcwd(), target.folder))))
        self.host = BridgeHost(
            ide=IDE, on_event=on_event, workspaces=folders, kernels_mode=kernels_mode
        )
        self._target = target
        self._share_id = shares.new_share_id(IDE)

    def begin(self, title: str, mode: Mode) -> ShareInfo:
        """Share the kernel.

        Raises
        ------
        Untrusted, NoAnswer
            the kernel could not be proven, or does not answer.
        """
        self.host.start()
        shared = self.host.share(
            self._target.connection_file,
            title=title,
            mode=mode,
            share_id=self._share_id,
            kernel_pid=self._target.pid,
        )
        return shared.result(CONNECT_TIMEOUT_S)

    def end(self) -> None:
        """End it, whatever state the bridge is in: the record at once, the rest within `STOP_TIMEOUT_S`."""
        if self.host.stop(STOP_TIMEOUT_S):
            return
        # It hangs, perhaps with the disk. The record must go if it can; the sockets go with the process.
        withdrawing = threading.Thread(target=shares.withdraw, args=(self._share_id,), daemon=True)
        withdrawing.start()
        withdrawing.join(WITHDRAW_TIMEOUT_S)
        sys.stdout.flush()
        os._exit(1)


@contextlib.contextmanager
def _ended_by_signals(end: Callable[[], None]) -> Iterator[None]:
    """Within it, Ctrl-C, termination and hanging up call `end` instead of ending the process."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda *_: end()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
