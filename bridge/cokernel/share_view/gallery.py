"""A scripted bridge, so that the live view can be looked at, photographed and tested without a kernel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from cokernel.host import (
    Activity,
    ActivityChanged,
    Answer,
    Change,
    ClientInfo,
    ClientsChanged,
    DisplayOutput,
    ErrorSummary,
    Event,
    Kind,
    Mode,
    Origin,
    Output,
    OutputsChanged,
    ShareChanged,
    ShareInfo,
    ShareState,
    State,
    StreamOutput,
)

NOW = 1_700_000_000.0
SHARE = ShareInfo(
    share_id="terminal-7f3a",
    title="fit.py",
    state=ShareState.UP,
    mode=Mode.ASK,
    paused=False,
    detail="",
    connection_file="kernel-4711.json",
    kernel_pid=4711,
)
CLIENT = ClientInfo("c1", "Claude Code", "2.1", SHARE.share_id, since=NOW - 760, runs=8)


@dataclass
class ScriptedBridge:
    """Answers as a bridge does, at once, and keeps what it was asked."""

    share: ShareInfo = SHARE
    on_event: Callable[[Event], None] = lambda _: None
    asked: list[tuple[object, ...]] = field(default_factory=list)
    kept_outputs: dict[int, tuple[Output, ...]] = field(default_factory=dict)

    def set_mode(self, share_id: str, mode: Mode) -> Future[ShareInfo]:
        self.asked.append(("set_mode", share_id, mode))
        return self._changed(replace(self.share, mode=mode))

    def pause(self, share_id: str, paused: bool) -> Future[ShareInfo]:
        self.asked.append(("pause", share_id, paused))
        return self._changed(replace(self.share, paused=paused))

    def answer(self, approval: str, answer: Answer) -> Future[None]:
        self.asked.append(("answer", approval, answer))
        return _done(None)

    def interrupt(self, share_id: str, number: int | None = None) -> Future[int]:
        self.asked.append(("interrupt", share_id, number))
        return _done(1)

    def outputs(self, share_id: str, number: int) -> Future[tuple[Output, ...]]:
        self.asked.append(("outputs", share_id, number))
        return _done(self.kept_outputs.get(number, ()))

    def put_out(self, number: int, *outputs: Output) -> None:
        """A call has put something out."""
        self.kept_outputs[number] = outputs
        self.on_event(OutputsChanged(self.share.share_id, number))

    def _changed(self, share: ShareInfo) -> Future[ShareInfo]:
        self.share = share
        self.on_event(ShareChanged(share))
        return _done(share)


def _done(value: object) -> Future:  # type: ignore[type-arg]  # whatever the caller declares
    future: Future[object] = Future()
    future.set_result(value)
    return future


def run(number: int, code: str, state: State = State.OK, **more: object) -> Activity:
    """A run of the scripted client, a quarter of a minute after the one before it."""
    created = NOW - 300 + number * 15
    finished = created + 0.42 if state.is_final else None
    call = Activity(
        number=number,
        origin=Origin.AGENT,
        kind=Kind.RUN,
        state=state,
        client_id="c1",
        client="Claude Code",
        kernel_id=SHARE.share_id,
        kernel=SHARE.title,
        tool="execute_code",
        code=code,
        created_at=created,
        started_at=created,
        finished_at=finished,
        execution=number,
        execution_count=number + 30,
    )
    return replace(call, **more)  # type: ignore[arg-type]  # names are checked by `replace`


def look(number: int, tool: str, argument: str = "") -> Activity:
    """A look of the scripted client."""
    call = run(number, argument, finished_at=NOW - 300 + number * 15 + 0.012)
    return replace(call, kind=Kind.LOOK, tool=tool, execution=None, execution_count=None)


FIT = """from sklearn.linear_model import Ridge

model = Ridge(alpha=0.5)
for epoch in range(10):
    loss = step(model, X, y)   # one pass over the data
    print(f"epoch {epoch}/10  loss {loss:.3f}")
"""


def scene(bridge: ScriptedBridge, *, asking: bool = False) -> list[Event]:
    """Some minutes of work, with a run going on or one that waits for the person."""
    calls = [
        look(1, "list_variables"),
        run(2, 'df = pd.read_csv("exp.csv")', changes=(Change("df", "new", "DataFrame 1000×4"),)),
        look(3, "inspect", "df"),
        run(4, "df.describe()", finished_at=NOW - 240 + 0.035),
        run(5, 'df["ratio"] = df.signal / df.bakground', State.ERROR, error=_ERROR),
        run(6, 'df["ratio"] = df.signal / df.background', changes=_CHANGES),
        run(7, "plot_residuals(df)", finished_at=NOW - 195 + 1.9),
        run(8, "bootstrap(df, n=100_000)", State.INTERRUPTED, finished_at=NOW - 180 + 74),
    ]
    last = run(9, FIT, State.RUNNING, created_at=NOW - 12, started_at=NOW - 12)
    if asking:
        last = replace(last, state=State.WAITING_APPROVAL, approval="a1", started_at=None)
    bridge.kept_outputs = {
        4: (DisplayOutput({"text/plain": _DESCRIBE}, 34),),
        7: (DisplayOutput({"image/png": "A" * 35_000, "text/plain": "<Figure>"}),),
        9: (StreamOutput("stdout", "epoch 0/10  loss 0.871\nepoch 1/10  loss 0.409\n"),),
    }
    return [
        ClientsChanged((CLIENT,)),
        *(ActivityChanged(SHARE.share_id, call) for call in [*calls, last]),
    ]


_ERROR = ErrorSummary(
    "AttributeError",
    "'DataFrame' object has no attribute 'bakground'",
    'Cell In[35], line 1\n----> 1 df["ratio"] = df.signal / df.bakground\n'
    "AttributeError: 'DataFrame' object has no attribute 'bakground'",
)
_CHANGES = (
    Change("df", "mutated", "1000×4 → 1000×5"),
    Change("ratio_mean", "new", "float"),
)
_DESCRIBE = """            signal   background
count  1000.000000  1000.000000
mean      4.112000     1.020000
std       0.871000     0.214000"""
