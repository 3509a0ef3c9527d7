"""What is measured, and beside what: every number of the report, in the same run as what it is compared with."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator

import psutil
from measuring import MS, Row, interleave, stopwatch
from product import FLOOR, FRONT, rss_mb, scratch, settled_rss_mb, shared_kernel
from stdio_client import StdioClient

CODE = "1+1"
TEN_MEGABYTES = "for _ in range(100_000): print('x' * 99)"
MANY_VARIABLES = "globals().update({f'value_{n:03}': n for n in range(999)})"
BUSY_S = 4
BUSY = f"import time\nend = time.time() + {BUSY_S}\nwhile time.time() < end: sum(range(10_000))"


def calls(rounds: int) -> Iterator[Row]:
    """One short call, in one shared kernel: by the raw client, the floor, and cokernel."""
    with shared_kernel() as shared, shared.front() as front, shared.floor() as floor:
        front.start()
        floor.start()
        series = interleave(
            rounds,
            {
                "raw": stopwatch(lambda: shared.user.execute(CODE)),
                "floor": executing(floor),
                "cokernel": executing(front),
            },
            warm_up=20,
        )
        yield Row("1+1, raw ZeroMQ client", series["raw"].median_ms, "ms")
        yield Row("1+1, floor over stdio", series["floor"].median_ms, "ms")
        took = series["cokernel"]
        note = f"95 % within {took.p95_ms:.1f} ms"
        yield Row("1+1, cokernel: front, socket, bridge", took.median_ms, "ms", note=note)
        yield Row("… beside the floor", took.median_ms / series["floor"].median_ms, "×", 1.15)
        yield Row("front's resident memory", rss_mb(psutil.Process(front.pid)), "MB", 15)


def attaching(rounds: int) -> Iterator[Row]:
    """From starting a server to its first result, in a kernel that runs already."""
    with shared_kernel() as shared:
        series = interleave(
            rounds,
            {
                "floor": first_result(shared.floor),
                "cokernel": first_result(shared.front),
            },
            warm_up=2,
        )
    yield Row("attach and first result, floor", series["floor"].median_ms, "ms")
    yield Row("attach and first result, cokernel", series["cokernel"].median_ms, "ms", 150)


def starting(rounds: int) -> Iterator[Row]:
    """From starting a server to the first result in a kernel of its own."""
    with scratch() as (_, env):
        series = interleave(
            rounds,
            {
                "floor": first_result(lambda: StdioClient(FLOOR, env)),
                "cokernel": first_result(lambda: StdioClient(FRONT, env)),
            },
            warm_up=1,
        )
    floor, cokernel = series["floor"].median_ms, series["cokernel"].median_ms
    yield Row("new kernel and first result, floor", floor, "ms")
    yield Row("new kernel and first result, cokernel", cokernel, "ms")
    yield Row("… beside the floor", cokernel / floor, "×", 1.1)


def output(rounds: int) -> Iterator[Row]:
    """10 MB of stdout in 100,000 lines."""
    with shared_kernel() as shared, shared.front() as front:
        front.start()
        front.call("execute_code", code=CODE)
        idle = settled_rss_mb(shared.bridge)
        front.call("execute_code", code=TEN_MEGABYTES)
        grown = settled_rss_mb(shared.bridge) - idle
        yield Row(
            "bridge's memory above idle after 10 MB",
            max(grown, 0.0),
            "MB",
            30,
            f"idle: {idle:.0f} MB",
        )
        series = interleave(
            rounds,
            {
                "raw": stopwatch(lambda: shared.user.execute(TEN_MEGABYTES)),
                "cokernel": executing(front, TEN_MEGABYTES),
            },
            warm_up=1,
        )
        raw, cokernel = series["raw"].median_ms, series["cokernel"].median_ms
        yield Row("10 MB of stdout, raw pump", raw, "ms")
        yield Row("10 MB of stdout, cokernel", cokernel, "ms")
        yield Row("… beside the raw pump", cokernel / raw, "×", 1.5)
        grown = settled_rss_mb(shared.bridge) - idle
        yield Row(
            f"the same after {rounds + 2} such runs",
            grown,
            "MB",
            note="the outputs of the newest runs are kept",
        )


def looks(rounds: int) -> Iterator[Row]:
    """Looks into a namespace of 999 variables, idle and busy."""
    with shared_kernel() as shared, shared.front() as front:
        front.start()
        front.call("execute_code", code=MANY_VARIABLES)
        look = stopwatch(lambda: front.call("list_variables"))
        listing = interleave(rounds, {"listing": look})["listing"]
        yield Row("list 999 variables", listing.median_ms, "ms", 30)
        user = threading.Thread(target=shared.user.execute, args=(BUSY,))
        user.start()
        times = _looks_until_end_of(user, front)
        note = f"{len(times)} looks, slowest {max(times) * MS:.0f} ms"
        yield Row("look while the user's cell runs", statistics.median(times) * MS, "ms", 50, note)


def _looks_until_end_of(user: threading.Thread, front: StdioClient) -> list[float]:
    look = stopwatch(lambda: front.call("inspect", expression="value_001"))
    times = []
    while user.is_alive():
        times.append(look())
        time.sleep(
            0.02
        )  # an agent does not look without pause; it would slow the cell that it looks at
    return times[1:-1]  # the first may have been too early, the last too late


def executing(client: StdioClient, code: str = CODE) -> Callable[[], float]:
    return stopwatch(lambda: client.call("execute_code", code=code))


def first_result(server: Callable[[], StdioClient]) -> Callable[[], float]:
    """From the start of a server to its first result; its end is not counted."""

    def run() -> float:
        began = time.perf_counter()
        with server() as client:
            client.start()
            client.call("execute_code", code=CODE)
            return time.perf_counter() - began

    return run
