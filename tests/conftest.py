"""Fixtures shared by all tests: real kernels, and the person who uses them.

`kernel` runs a test once with each of the three kernels that people have. `user` is a client of their own in it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.kernels import KERNELS, Kernel, UserClient, start_kernel, user_client

# A busy machine is no fault of the code: nothing here is asserted about time.
settings.register_profile("cokernel", deadline=None)
settings.load_profile("cokernel")


@pytest.fixture(params=KERNELS)
def kernel(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kernel]:
    """A kernel of each kind, just started."""
    with start_kernel(request.param, tmp_path / "kernel") as running:
        yield running


@pytest.fixture
def plain_kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel of the interpreter that runs the tests, where the kind of kernel does not matter."""
    with start_kernel("running", tmp_path / "kernel") as running:
        yield running


@pytest.fixture
async def user(kernel: Kernel) -> AsyncIterator[UserClient]:
    """The person at `kernel`; it is ready."""
    async with user_client(kernel) as client:
        yield client


@pytest.fixture
async def plain_user(plain_kernel: Kernel) -> AsyncIterator[UserClient]:
    """The person at `plain_kernel`; it is ready."""
    async with user_client(plain_kernel) as client:
        yield client


@pytest.fixture(scope="module", params=KERNELS)
def lasting_kernel(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernel]:
    """A kernel of each kind that all tests of a module share, for tests that leave it as it was."""
    with start_kernel(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
async def lasting_user(lasting_kernel: Kernel) -> AsyncIterator[UserClient]:
    """The person at `lasting_kernel`; it is ready and idle, and its namespace is empty."""
    async with user_client(lasting_kernel) as client:
        await client.run("%reset -f")
        yield client
