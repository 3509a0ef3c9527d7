"""What agents and kernels say, made fit for a terminal as it comes in, so that whatever draws it may take it as it is.

Control characters would reach the person's terminal and do what they like with its screen, clipboard and title; a
right-to-left override would make a call look like another one. Both are named instead (`visible_code`).
"""

from __future__ import annotations

from dataclasses import replace

from cokernel.host import Activity, ClientInfo, ShareInfo, visible_code


def visible_share(share: ShareInfo) -> ShareInfo:
    return replace(share, title=visible_line(share.title), detail=visible_code(share.detail))


def visible_client(client: ClientInfo) -> ClientInfo:
    return replace(client, name=visible_line(client.name), version=visible_line(client.version))


def visible_call(call: Activity) -> Activity:
    error = call.error and replace(
        call.error,
        ename=visible_line(call.error.ename),
        evalue=visible_code(call.error.evalue),
        traceback=visible_code(call.error.traceback),
    )
    changes = tuple(
        change._replace(name=visible_line(change.name), detail=visible_line(change.detail))
        for change in call.changes
    )
    return replace(
        call,
        client=visible_line(call.client),
        kernel=visible_line(call.kernel),
        tool=visible_line(call.tool),
        code=visible_code(call.code),
        reason=visible_code(call.reason),
        error=error,
        changes=changes,
    )


def visible_line(text: str) -> str:
    """The same on one line."""
    return " ".join(visible_code(text).split())
