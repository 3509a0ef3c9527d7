"""Serve MCP clients without an IDE: on stdin and stdout, or over HTTP on this machine."""

from __future__ import annotations

import argparse
import os
import secrets

from cokernel.commands.console import complain

TOKEN_VARIABLE = "COKERNEL_HTTP_TOKEN"
DEFAULT_PORT = 8787


def configure(parser: argparse.ArgumentParser) -> None:
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--stdio", action="store_true", help="one client on stdin and stdout (the default)"
    )
    how.add_argument("--http", action="store_true", help="clients over HTTP, with a bearer token")
    parser.add_argument(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        help=f"for --http; 0 takes a free one (default {DEFAULT_PORT})",
    )
    parser.add_argument(
        "--connection-file", metavar="FILE", help="work in this kernel instead of a private one"
    )


def run(arguments: argparse.Namespace) -> int:
    # Imported here and not above: a kernel is spawned before anything heavy is imported.
    from cokernel import standalone

    if not arguments.http:
        return standalone.serve_stdio(arguments.connection_file)
    return standalone.serve_http(arguments.port, _token(), arguments.connection_file)


def _token() -> str:
    """The token that clients must know: from the environment, else a fresh one in a file that only this user reads."""
    given = os.environ.pop(TOKEN_VARIABLE, "")  # popped, so that no kernel inherits it
    if given:
        return given
    from cokernel import shares

    token = secrets.token_hex(32)
    path = os.path.join(shares.private_folder(shares.state_folder()), "http-token")
    shares.replace_file(path, token.encode())
    complain(f"clients need the header `Authorization: Bearer <token>`; the token is in {path}")
    return token
