"""Kernels of this user that another program shares or runs: what the tools see beyond their bridge."""

from __future__ import annotations

from cokernel.server.calls import OtherKernel
from cokernel.session.bridge import Bridge
from cokernel.shares import list_shares


def other_kernels(bridge: Bridge) -> list[OtherKernel]:
    """Shares of other bridges first, then kernels that run without being shared. Reads files and processes."""
    # Here, because the first call does not wait for psutil so.
    from cokernel.kernel.discovery import discover

    own = {session.kernel_id for session in bridge.sessions}
    files = {session.link.connection_file for session in bridge.sessions}
    shared = [
        OtherKernel(
            kernel_id=record.share,
            title=record.title,
            place=record.ide,
            shared=True,
            mode=record.mode,
            connection_file=record.connection_file,
        )
        for record in list_shares()
        if record.share not in own
    ]
    taken = files | {other.connection_file for other in shared}
    running = [
        OtherKernel(
            kernel_id=str(kernel.connection_file),
            title=kernel.title,
            place="",
            shared=False,
            connection_file=str(kernel.connection_file),
        )
        for kernel in discover().kernels
        if str(kernel.connection_file) not in taken
    ]
    return shared + running
