"""From the content of a connection file to connected ZeroMQ sockets, encrypted where the file has CurveZMQ keys.

`jupyter_client` can do this too, but importing it costs about as much as starting to listen (docs/design.md), and this
is the only thing of it that a link needs.
Source: https://jupyter-client.readthedocs.io/en/stable/kernels.html#connection-files and JEP 145 (encryption).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import zmq
import zmq.asyncio

from cokernel.errors import Untrusted

_SOCKET_TYPES = {
    "shell": zmq.DEALER,
    "control": zmq.DEALER,
    "stdin": zmq.DEALER,
    "iopub": zmq.SUB,
    "hb": zmq.REQ,
}


def connect_channel(
    context: zmq.asyncio.Context,
    connection: Mapping[str, Any],
    channel: str,
    identity: bytes | None = None,
) -> zmq.asyncio.Socket:
    """A socket connected to one channel (`shell`, `control`, `stdin`, `iopub`, `hb`) of a kernel.

    Raises
    ------
    Untrusted
        the connection file does not say where that channel is, names a transport other than tcp and ipc, or has
        an address or keys that cannot be used.
    """
    address = _address(connection, channel)
    zsocket = context.socket(_SOCKET_TYPES[channel])
    zsocket.setsockopt(zmq.LINGER, 0)
    if identity is not None:
        zsocket.setsockopt(zmq.IDENTITY, identity)
    if channel == "iopub":
        zsocket.setsockopt(zmq.SUBSCRIBE, b"")
    try:
        _encrypt(zsocket, connection)
        zsocket.connect(address)
    except (zmq.ZMQError, UnicodeError) as error:
        zsocket.close()
        raise Untrusted(
            f"The connection file has an address or keys that cannot be used: {address[:200]!r}.",
            "Start the kernel anew.",
        ) from error
    return zsocket


def _address(connection: Mapping[str, Any], channel: str) -> str:
    transport, ip = connection.get("transport", "tcp"), connection.get("ip", "127.0.0.1")
    port = connection.get(f"{channel}_port")
    if transport not in ("tcp", "ipc") or not isinstance(ip, str) or type(port) is not int:
        raise Untrusted(f"The connection file does not say where the {channel} channel is.")
    return f"tcp://{ip}:{port}" if transport == "tcp" else f"ipc://{ip}-{port}"


def _encrypt(zsocket: zmq.asyncio.Socket, connection: Mapping[str, Any]) -> None:
    public, secret = connection.get("curve_publickey"), connection.get("curve_secretkey")
    if not public or not secret:
        return
    # The file carries one key pair for both ends (JEP 145): the server's public key proves the kernel to us.
    zsocket.setsockopt(zmq.CURVE_PUBLICKEY, str(public).encode())
    zsocket.setsockopt(zmq.CURVE_SECRETKEY, str(secret).encode())
    zsocket.setsockopt(zmq.CURVE_SERVERKEY, str(public).encode())
