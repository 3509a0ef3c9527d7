"""What is shared, at every order in which Spyder reports consoles: with scripted consoles and a scripted bridge."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from qtpy.QtCore import QObject, Signal

from cokernel.host import CokernelError, Mode, ShareInfo, ShareState
from spyder_mcp.backend.consoles import Consoles, Never, Shareable, describe
from spyder_mcp.backend.sharing import Phase, Sharing


class Handler(QObject):
    sig_kernel_is_ready = Signal()

    def __init__(self, file: str, state: str) -> None:
        super().__init__()
        self.connection_file: str | None = file
        self.connection_state = state
        self.hostname: str | None = None
        self.kernel_manager = SimpleNamespace(kernel_restarted=_Silent())
        self.kernel_client = None


class _Silent:
    def connect(self, _slot: Any) -> None: ...

    def disconnect(self, _slot: Any) -> None: ...


class Console(QObject):
    """As much of a ShellWidget as is looked at."""

    sig_kernel_is_ready = Signal()

    def __init__(self, name: str, file: str = "", *, ready: bool = True) -> None:
        super().__init__()
        self.ipyclient = SimpleNamespace(get_name=lambda: self.name)
        self.name = name
        self.kernel_handler: Handler | None = None
        self.kernel_manager = None
        self.kernel_client = None
        self.remote = False
        self.start(file or f"/run/kernel-{name}.json", ready=ready)

    def is_remote(self) -> bool:
        return self.remote

    def start(self, file: str, *, ready: bool = True) -> None:
        self.kernel_handler = Handler(file, "spyder_kernel_ready" if ready else "connecting")

    def become_ready(self) -> None:
        assert self.kernel_handler is not None
        self.kernel_handler.connection_state = "spyder_kernel_ready"
        self.sig_kernel_is_ready.emit()


@dataclass
class Asked:
    then: Any
    failed: Any


class ScriptedBridge(QObject):
    """Writes down what it is asked for; `answer` and `refuse` end the oldest request."""

    sig_share_changed = Signal(object)
    sig_failed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []
        self.open: list[Asked] = []
        self.titles: list[str] = []

    def share(
        self, share_id: str, file: str, *, title: str, then: Any, failed: Any, **_more: Any
    ) -> None:
        self._ask(f"share {title}", title, then, failed)

    def retarget(
        self, share_id: str, file: str, *, title: str, then: Any, failed: Any, **_more: Any
    ) -> None:
        self._ask(f"retarget {title} {file}", title, then, failed)

    def unshare(self, share_id: str, reason: str, *, then: Any, failed: Any) -> None:
        self._ask(f"unshare {reason}".strip(), "", then, failed)

    def rename(self, share_id: str, title: str) -> None:
        self.log.append(f"rename {title}")

    def restarted(self, share_id: str, reason: str, *, wait_s: float = 0.0) -> None:
        self.log.append(f"restarted {reason}")

    def set_mode(self, share_id: str, mode: Mode) -> None:
        self.log.append(f"mode {mode.value}")

    def stop(self, timeout_s: float) -> bool:
        self.log.append("stop")
        return True

    def answer(self) -> None:
        asked, title = self.open.pop(0), self.titles.pop(0)
        asked.then(info(title) if title else None)

    def answer_all(self) -> None:
        while self.open:
            self.answer()

    def refuse(self, error: CokernelError) -> None:
        self.titles.pop(0)
        self.open.pop(0).failed(error)

    def _ask(self, line: str, title: str, then: Any, failed: Any) -> None:
        self.log.append(line)
        self.open.append(Asked(then, failed))
        self.titles.append(title)


def info(title: str, state: ShareState = ShareState.UP) -> ShareInfo:
    return ShareInfo("spyder-1", title, state, Mode.ASK, False, "", "/run/kernel.json", 1)


@dataclass
class Stage:
    bridge: ScriptedBridge = field(default_factory=ScriptedBridge)
    consoles: Consoles = field(default_factory=Consoles)

    def __post_init__(self) -> None:
        self.sharing = Sharing(self.bridge, self.consoles, Mode.ASK)  # type: ignore[arg-type]  # scripted

    def open_console(self, console: Console) -> Console:
        """In Spyder's order: `changed` comes before `created`."""
        self.consoles.set_active(console)
        self.consoles.add(console)
        return console

    def shared(self, name: str = "1/A") -> Console:
        console = self.open_console(Console(name))
        self.sharing.set_on(True)
        self.bridge.answer_all()
        self.bridge.log.clear()
        return console


@pytest.fixture
def stage(qapp: Any) -> Stage:
    return Stage()


def test_a_console_that_starts_is_shared_when_it_is_ready(stage: Stage) -> None:
    console = stage.open_console(Console("1/A", ready=False))
    stage.sharing.set_on(True)
    assert stage.bridge.log == []
    assert stage.sharing.status.phase is Phase.STARTING
    console.become_ready()
    assert stage.bridge.log == ["share 1/A"]
    stage.bridge.answer()
    assert stage.sharing.status.phase is Phase.SHARED


def test_a_plain_kernel_is_shared_by_its_handlers_signal(stage: Stage) -> None:
    console = stage.open_console(Console("1/A", ready=False))
    stage.sharing.set_on(True)
    assert console.kernel_handler is not None
    console.kernel_handler.connection_state = "ipykernel_ready"
    console.kernel_handler.sig_kernel_is_ready.emit()
    assert stage.bridge.log == ["share 1/A"]


def test_a_restart_ends_what_was_pending_and_shares_the_new_file(stage: Stage) -> None:
    console = stage.shared()
    console.start("/run/new.json", ready=False)
    console.become_ready()
    assert stage.bridge.log == [
        "restarted The kernel of 1/A was restarted.",
        "retarget 1/A /run/new.json",
    ]


def test_quick_switches_end_at_the_last_tab(stage: Stage) -> None:
    first = stage.shared()
    second = stage.open_console(Console("2/A"))
    third = stage.open_console(Console("3/A"))
    stage.consoles.set_active(first)
    stage.consoles.set_active(third)
    stage.bridge.answer_all()
    assert [line.split()[1] for line in stage.bridge.log] == ["2/A", "3/A"]
    assert stage.sharing.shared_console is third
    assert second is not third


def test_closing_the_active_console_shares_the_next_without_a_gap(stage: Stage) -> None:
    first = stage.shared()
    stage.open_console(Console("2/A"))
    stage.bridge.answer_all()
    stage.bridge.log.clear()
    stage.consoles.set_active(first)
    stage.bridge.answer_all()
    closed = [c for c in stage.consoles.all() if c is not first]
    stage.consoles.remove(closed[0])
    assert [line.split()[0] for line in stage.bridge.log] == ["retarget"]


def test_closing_the_last_console_ends_the_share_until_there_is_another(stage: Stage) -> None:
    console = stage.shared()
    stage.consoles.remove(console)
    assert stage.bridge.log == ["unshare 1/A was closed."]
    assert stage.sharing.status.sentence == "There is no console. Open one to go on."
    stage.open_console(Console("2/A"))
    stage.bridge.answer_all()
    assert stage.bridge.log[1:] == ["share 2/A"]


def test_off_does_not_wait_for_what_is_under_way(stage: Stage) -> None:
    stage.open_console(Console("1/A"))
    stage.sharing.set_on(True)
    stage.sharing.set_on(False)
    assert stage.bridge.log == ["share 1/A", "unshare"]
    stage.bridge.refuse(CokernelError("It was taken back."))
    stage.bridge.answer_all()
    assert stage.sharing.status.phase is Phase.OFF
    assert stage.bridge.log == ["share 1/A", "unshare"]


def test_on_again_waits_until_the_old_share_is_gone(stage: Stage) -> None:
    stage.shared()
    stage.sharing.set_on(False)
    stage.sharing.set_on(True)
    assert stage.bridge.log == ["unshare"]
    stage.bridge.sig_share_changed.emit(info("1/A", ShareState.CLOSED))
    stage.bridge.answer()
    assert stage.bridge.log == ["unshare", "share 1/A"]
    stage.bridge.answer()
    assert stage.sharing.status.phase is Phase.SHARED


def test_a_refusal_is_tried_again_and_then_told(stage: Stage, qtbot: Any) -> None:
    stage.sharing._retry.setInterval(1)
    stage.open_console(Console("1/A"))
    stage.sharing.set_on(True)
    for _attempt in range(3):
        qtbot.waitUntil(lambda: bool(stage.bridge.open))
        stage.bridge.refuse(CokernelError("No kernel answered.", "Restart it."))
        stage.bridge.answer_all()
    assert stage.sharing.status.phase is Phase.LOST
    assert stage.sharing.status.sentence == "No kernel answered. Restart it."


def test_another_tab_is_shared_after_a_refusal(stage: Stage) -> None:
    stage.open_console(Console("1/A"))
    stage.sharing.set_on(True)
    stage.bridge.refuse(CokernelError("No kernel answered."))
    stage.bridge.answer_all()
    stage.open_console(Console("2/A"))
    stage.bridge.answer_all()
    assert stage.bridge.log[-1] == "share 2/A"
    assert stage.sharing.status.phase is Phase.SHARED


def test_a_remote_console_is_not_shared_and_says_why(stage: Stage) -> None:
    stage.shared()
    remote = Console("3/A")
    remote.remote = True
    assert isinstance(describe(remote), Never)
    stage.open_console(remote)
    assert stage.bridge.log[0].startswith("unshare 3/A runs on another computer")
    assert stage.sharing.status.phase is Phase.LOST


def test_a_tunnel_is_another_computer_too(qapp: Any) -> None:
    console = Console("1/A")
    assert isinstance(describe(console), Shareable)
    assert console.kernel_handler is not None
    console.kernel_handler.hostname = "lab-7"
    assert isinstance(describe(console), Never)


def test_a_new_name_is_told(stage: Stage) -> None:
    console = stage.shared()
    console.name = "beam time/A"
    stage.consoles.note_renamed()
    assert stage.bridge.log == ["rename beam time/A"]


def test_after_the_end_nothing_is_published(stage: Stage) -> None:
    """Spyder closes consoles, and reports it, after it has closed the plugin."""
    console = stage.shared()
    stage.sharing.close()
    stage.sharing.close()
    stage.consoles.remove(console)
    stage.open_console(Console("2/A"))
    assert stage.bridge.log == ["stop"]


def test_a_bridge_that_fails_switches_the_toggle_off_and_says_why(stage: Stage) -> None:
    stage.shared()
    stage.bridge.sig_failed.emit("The state folder cannot be written.")
    assert stage.sharing.status.phase is Phase.OFF
    assert stage.sharing.status.sentence == "The state folder cannot be written."


def test_a_restart_that_is_announced_ends_what_was_pending_before_the_kernel_ends(
    stage: Stage,
) -> None:
    console = stage.shared()
    stage.sharing.announce_restart(console)
    assert stage.bridge.log == ["restarted The kernel of 1/A was restarted."]


def test_a_restart_of_another_console_is_none_of_the_bridges_business(stage: Stage) -> None:
    stage.shared()
    stage.sharing.announce_restart(Console("2/A"))
    assert stage.bridge.log == []
