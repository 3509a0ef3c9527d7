"""One kernel for the tests of this folder, and every way that a client can come to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kernels import Kernel, start_kernel
from tests.support.mcp_clients import MODES, WAYS, Connect

collect_ignore = [] if os.environ.get("COKERNEL_TEST_CLAUDE") else ["test_claude_code.py"]
"""Its package is too large to be installed unasked."""


@pytest.fixture(scope="module")
def running_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A person's kernel, already running; the tests of a module share it."""
    with start_kernel("running", tmp_path_factory.mktemp("kernel")) as kernel:
        yield kernel


@pytest.fixture(params=[f"{way}-{mode}" for way in WAYS for mode in MODES])
def connect(
    request: pytest.FixtureRequest,
    running_kernel: Kernel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Connect:
    """`async with connect() as client:` is the SDK's client in that kernel, each way and in both eras."""
    # Short: the path of a Unix socket has a limit.
    state = tmp_path / "s"
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(state))
    way, _, mode = request.param.partition("-")
    return Connect(way, mode, running_kernel.connection_file)
