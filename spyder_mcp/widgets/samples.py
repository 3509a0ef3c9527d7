"""Calls and outputs to show the pane with: for the gallery, the tests and the pictures of the manual."""

from __future__ import annotations

import base64
import time
from dataclasses import replace

from qtpy.QtCore import QBuffer, QByteArray, QIODevice, QPointF, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPen

from cokernel.host import (
    Activity,
    Change,
    ClientInfo,
    DisplayOutput,
    ErrorSummary,
    Kind,
    Origin,
    Output,
    State,
    StreamOutput,
)

KERNEL = "spyder-sample"
CONSOLE = "Console 1/A"

FIT = """\
from sklearn.linear_model import Ridge

# The last column is the target.
model = Ridge(alpha=0.5)
for epoch in range(10):
    model.fit(X, y)
    print(f"epoch {epoch + 1}/10  loss {loss(model):.3f}")
"""
DESCRIBE_HTML = """\
<style>.dataframe td {vertical-align: top}</style><table class="dataframe"><thead><tr><th></th><th>time</th>
<th>signal</th></tr></thead><tbody><tr><th>mean</th><td>4.995</td><td>0.121</td></tr>
<tr><th>std</th><td>2.887</td><td>0.704</td></tr><tr><th>max</th><td>9.990</td><td>1.532</td></tr></tbody></table>
"""
TRACEBACK = """\
Traceback (most recent call last):
  Cell In[43], line 2
    1 by_day = df.groupby("day")
----> 2 by_day["temprature"].mean()
KeyError: 'temprature'"""


def call(
    number: int,
    code: str,
    state: State = State.OK,
    *,
    kind: Kind = Kind.RUN,
    seconds: float | None = 0.05,
    ago: float = 60.0,
    tool: str = "execute_code",
    client: str = "Claude Code",
    **more: object,
) -> Activity:
    """One call that began `ago` seconds ago."""
    began = time.time() - ago
    sample = Activity(
        number=number,
        origin=Origin.AGENT,
        kind=kind,
        state=state,
        client_id=client.lower().replace(" ", "-"),
        client=client,
        kernel_id=KERNEL,
        kernel=CONSOLE,
        tool=tool,
        code=code,
        created_at=began,
        started_at=began if seconds is not None else None,
        finished_at=began + seconds if seconds is not None and state.is_final else None,
        execution=number,
        execution_count=40 + number if kind is Kind.RUN and seconds is not None else None,
    )
    return replace(sample, **more)  # type: ignore[arg-type]  # fields by name, as `replace` takes them


def client(name: str = "Claude Code", *, minutes: float = 12.0, runs: int = 8) -> ClientInfo:
    since = time.time() - minutes * 60
    return ClientInfo(name.lower().replace(" ", "-"), name, "2.1", KERNEL, since, runs)


def look(number: int, tool: str, argument: str = "", ago: float = 60.0) -> Activity:
    """A look: quieter than a run."""
    return call(number, argument, kind=Kind.LOOK, tool=tool, seconds=0.004, ago=ago)


def earlier() -> list[Activity]:
    """What went before in most states."""
    read = call(1, 'df = pd.read_csv("exp.csv")', seconds=0.42, ago=310)
    read = replace(read, changes=(Change("df", "new", "DataFrame 1000×4"),))
    return [
        read,
        look(2, "list_variables", ago=300),
        call(3, "df.describe()", seconds=0.035, ago=281),
        look(4, "inspect", "df", ago=200),
        call(5, 'df["signal"].rolling(5).mean().plot()', seconds=0.61, ago=150),
    ]


def running() -> tuple[Activity, tuple[Output, ...]]:
    fit = call(6, FIT, State.RUNNING, seconds=0.0, ago=12)
    text = "".join(f"epoch {n}/10  loss {1 / (n + 1):.3f}\n" for n in range(1, 4))
    return fit, (StreamOutput("stdout", text),)


def done() -> tuple[Activity, tuple[Output, ...]]:
    changes = (
        Change("model", "new", "Ridge"),
        Change("X", "mutated", "1000×4 → 1000×5"),
        Change("cache", "possibly"),
        Change("tmp", "removed"),
    )
    fit = call(6, FIT, seconds=12.4, ago=40, changes=changes)
    return fit, (StreamOutput("stdout", "epoch 10/10  loss 0.091\n"),)


def waiting(number: int = 6) -> Activity:
    return call(
        number, FIT, State.WAITING_APPROVAL, seconds=None, ago=4, approval=f"approval-{number}"
    )


def failed() -> Activity:
    error = ErrorSummary("KeyError", "'temprature'", TRACEBACK)
    code = 'by_day = df.groupby("day")\nby_day["temprature"].mean()'
    return call(6, code, State.ERROR, seconds=0.08, ago=5, error=error)


def table() -> tuple[Activity, tuple[Output, ...]]:
    data = {"text/html": DESCRIBE_HTML, "text/plain": "time  signal"}
    return call(6, "df.describe()", seconds=0.03, ago=5), (DisplayOutput(data, 46),)


def plot() -> tuple[Activity, tuple[Output, ...]]:
    code = 'df["signal"].rolling(5).mean().plot()'
    data = {"image/png": plot_png(), "text/plain": "<Figure size 640x360>"}
    return call(6, code, seconds=0.61, ago=5), (DisplayOutput(data),)


def endings() -> list[Activity]:
    """Every way in which a call can end or wait."""
    states = [state for state in State if state is not State.WAITING_APPROVAL]
    reasons = {State.QUEUED: "queued behind your cell", State.LOST: "Console 1/A was closed."}
    return [
        call(10 + n, f"step_{n}()", state, reason=reasons.get(state, ""), ago=90 - n)
        for n, state in enumerate(states)
    ]


def many(count: int = 10_000) -> list[Activity]:
    return [
        call(n + 1, f"results[{n}] = simulate(seed={n})", seconds=n % 7 / 10, ago=count - n)
        for n in range(count)
    ]


def plot_png() -> str:
    """A small line plot as base64, drawn here so that the samples need no library."""
    image = QImage(640, 360, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor("#888888"), 1))
    painter.drawRect(50, 20, 570, 300)
    painter.setPen(QPen(QColor("#1f77b4"), 2.5, Qt.PenStyle.SolidLine))
    points = [QPointF(50 + x, 170 - 110 * _wave(x / 80)) for x in range(570)]
    painter.drawPolyline(*points)
    painter.end()
    raw = QByteArray()
    buffer = QBuffer(raw)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return base64.b64encode(bytes(raw)).decode("ascii")


def _wave(x: float) -> float:
    """A damped wave, by its first Taylor terms around whole turns."""
    turn = (x + 1) % 2 - 1
    return turn * (1 - abs(turn)) * 4 / (1 + x / 6)
