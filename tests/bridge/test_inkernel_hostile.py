"""A namespace made to harm: nothing in it is run, and every look ends within its budget."""

from __future__ import annotations

import pytest

from tests.support.hostile import HOSTILE, LARGE
from tests.support.kernels import Kernel, UserClient
from tests.support.looking import agent_at

pytestmark = pytest.mark.live

NAMES = [
    "evil",
    "via_meta",
    "meta_class",
    "fake_array",
    "fake_frame",
    "evil_dict",
    "evil_list",
    "evil_str",
    "evil_int",
    "evil_float",
    "evil_module",
    "inside",
    "trusted",
    "holder",
    "recursive",
    "loop",
    "objects",
    "table",
    "Meta",
    "Key",
]


async def test_looking_runs_no_code_of_what_it_looks_at(kernel: Kernel, user: UserClient):
    await user.run(HOSTILE)
    async with agent_at(kernel) as agent:
        listing = await agent.helper.variables()
        assert set(NAMES) <= {v.name for v in listing.variables} | set(listing.modules)
        for name in NAMES:
            found = await agent.helper.describe(name)
            assert found.exists, name
            assert await user.value("calls") == "[]", name
        await agent.helper.changes_since_mark()
        changes = await agent.run("new = [evil]; inside['a'].append(1); del recursive")
        assert {("new", "new"), ("recursive", "removed")} <= {(c.name, c.how) for c in changes}
        await agent.helper.changes_since_mark()
    assert await user.value("calls") == "[]"


async def test_attributes_and_items_of_hostile_objects_are_looked_up_without_them(
    kernel: Kernel, user: UserClient
):
    await user.run(HOSTILE)
    async with agent_at(kernel) as agent:
        for path in ("holder.evil", "inside['a'][0]", "evil_dict['k']", "evil_list[0]", "table.o"):
            assert (await agent.helper.describe(path)).exists, path
        for path in ("holder.nothing", "inside['z']", "evil_list[9]", "table['z']"):
            assert not (await agent.helper.describe(path)).exists, path
    assert await user.value("calls") == "[]"


async def test_a_large_namespace_is_listed_in_pages_and_described_in_bounds(
    kernel: Kernel, user: UserClient
):
    await user.run(LARGE, store_history=False)
    async with agent_at(kernel) as agent:
        page = await agent.helper.variables(limit=1000)
        assert page.total > 1000
        assert len(page.variables) == 1000 or page.truncated
        assert all(len(v.preview) <= 80 for v in page.variables)
        (frame,) = (await agent.helper.variables(pattern="ten_million")).variables
        assert (frame.shape, frame.size_bytes) == ("10000000×3", 240_000_000)
        for name in ("ten_million", "gigabyte", "long_text", "big_int", "many"):
            found = await agent.helper.describe(name)
            assert found.exists
            assert len(found.text) <= 8_000
        assert [c.name for c in await agent.run("v1 = 'other'")] == ["v1"]
