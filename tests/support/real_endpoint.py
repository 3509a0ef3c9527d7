"""The real local socket of a bridge that has no kernel yet: enough for everything that happens at the door."""

from __future__ import annotations

from cokernel import shares
from cokernel.server.endpoint import LocalEndpoint
from cokernel.session.bridge import Bridge
from cokernel.session.policy import Mode


class RealEndpoint:
    """`async with RealEndpoint() as door:` listens, with one share published."""

    def __init__(self, *, tcp: bool = False) -> None:
        self.share = shares.new_share_id("test")
        self.token = shares.new_token()
        self.visits = 0
        """How often an agent came in or left."""
        self.bridge = Bridge(place="", observer=self, mode=Mode.LOOK)
        self._endpoint = LocalEndpoint(self.bridge, self, list, force_tcp=tcp)

    @property
    def endpoint(self) -> shares.Endpoint:
        return self._endpoint.address

    async def __aenter__(self) -> RealEndpoint:
        await self._endpoint.start()
        record = shares.describe(
            self.share,
            ide="Spyder",
            title="Console 1/A",
            mode="look",
            endpoint=self.endpoint,
            token=self.token,
            connection_file="",
        )
        shares.publish(record)
        return self

    async def __aexit__(self, *error: object) -> None:
        shares.withdraw(self.share)
        await self._endpoint.close()
        await self.bridge.close("The test is over.")

    # As the doorkeeper

    def token_of(self, share: str) -> shares.Secret | None:
        return self.token if share == self.share else None

    def welcome_of(self, share: str) -> tuple[str, str]:
        return "Console 1/A", "Spyder"

    # As the observer

    def activity_changed(self, *what: object) -> None: ...

    def outputs_changed(self, *what: object) -> None: ...

    def link_changed(self, *what: object) -> None: ...

    def agents_changed(self) -> None:
        self.visits += 1
