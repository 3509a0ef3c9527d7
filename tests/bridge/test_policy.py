"""The one decision function."""

from __future__ import annotations

import pytest

from cokernel.session.policy import Capability, Decision, Grants, Mode, decide

NOBODY = Grants()
ADA = NOBODY.allowing("c1")


@pytest.mark.parametrize("capability", [Capability.LOOK, Capability.CONTROL])
@pytest.mark.parametrize("mode", list(Mode))
def test_looks_and_the_agents_own_things_are_always_allowed(capability: Capability, mode: Mode):
    assert decide(mode, capability, "c1", NOBODY) is Decision.ALLOW


@pytest.mark.parametrize("capability", [Capability.RUN, Capability.FILES])
@pytest.mark.parametrize(
    ("mode", "client", "grants", "expected"),
    [
        (Mode.FREE, "c1", NOBODY, Decision.ALLOW),
        (Mode.ASK, "c1", NOBODY, Decision.ASK),
        (Mode.ASK, "c1", ADA, Decision.ALLOW),
        (Mode.ASK, "c2", ADA, Decision.ASK),
        (Mode.LOOK, "c1", ADA, Decision.DENY),
    ],
)
def test_code_and_files_follow_the_mode_and_what_was_allowed(
    capability: Capability, mode: Mode, client: str, grants: Grants, expected: Decision
):
    assert decide(mode, capability, client, grants) is expected


def test_allowing_one_client_leaves_earlier_grants_as_they_were():
    both = ADA.allowing("c2")
    assert (ADA.clients, both.clients) == ({"c1"}, {"c1", "c2"})
