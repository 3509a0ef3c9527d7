"""Events and answers as they stand on the wire (docs/protocol.md, "Child protocol")."""

from __future__ import annotations

from cokernel.host import (
    Activity,
    ActivityChanged,
    BridgeFailed,
    ClientInfo,
    ClientsChanged,
    DisplayOutput,
    ErrorOutput,
    Event,
    Output,
    OutputsChanged,
    ShareChanged,
    ShareInfo,
    StreamOutput,
    Variable,
)

Wire = dict[str, object]
"""One line of the protocol, before it is JSON."""


def encode_event(event: Event) -> Wire:
    """One event as its line on the wire; `cokernel share --no-ui` prints the same."""
    if isinstance(event, ActivityChanged):
        return {"event": "activity", "activity": encode_activity(event.share_id, event.activity)}
    if isinstance(event, OutputsChanged):
        return {"event": "outputs", "share": event.share_id, "number": event.number}
    if isinstance(event, ShareChanged):
        return {"event": "share", "share": encode_share(event.share)}
    if isinstance(event, ClientsChanged):
        return {"event": "clients", "clients": [encode_client(each) for each in event.clients]}
    if isinstance(event, BridgeFailed):
        return {"event": "failed", "code": event.code, "message": event.message}
    return {"event": "started"}


def encode_share(share: ShareInfo) -> Wire:
    return {
        "share": share.share_id,
        "title": share.title,
        "state": share.state.value,
        "mode": share.mode.value,
        "paused": share.paused,
        "detail": share.detail,
        "connection_file": share.connection_file,
        "kernel_pid": share.kernel_pid,
    }


def encode_client(client: ClientInfo) -> Wire:
    return {
        "client": client.client_id,
        "name": client.name,
        "version": client.version,
        "share": client.share_id,
        "since": client.since,
        "runs": client.runs,
    }


def encode_activity(share_id: str, activity: Activity) -> Wire:
    error = activity.error
    return {
        "number": activity.number,
        "share": share_id,
        "origin": activity.origin.value,
        "kind": activity.kind.value,
        "state": activity.state.value,
        "client_id": activity.client_id,
        "client": activity.client,
        "kernel_id": activity.kernel_id,
        "kernel": activity.kernel,
        "tool": activity.tool,
        "code": activity.code,
        "created_at": activity.created_at,
        "started_at": activity.started_at,
        "finished_at": activity.finished_at,
        "execution": activity.execution,
        "execution_count": activity.execution_count,
        "background": activity.background,
        "reason": activity.reason,
        "error": error
        and {"ename": error.ename, "evalue": error.evalue, "traceback": error.traceback},
        "changes": [
            {"name": change.name, "how": change.how, "detail": change.detail}
            for change in activity.changes
        ],
        "approval": activity.approval,
    }


def encode_output(output: Output) -> Wire:
    if isinstance(output, StreamOutput):
        return {
            "kind": "stream",
            "name": output.name,
            "text": output.text,
            "dropped": output.dropped_chars,
            "dropped_at": output.dropped_at,
        }
    if isinstance(output, DisplayOutput):
        return {
            "kind": "display",
            "data": dict(output.data),
            "execution_count": output.execution_count,
        }
    return _encode_error(output)


def _encode_error(output: ErrorOutput) -> Wire:
    return {
        "kind": "error",
        "ename": output.ename,
        "evalue": output.evalue,
        "traceback": output.traceback,
    }


def encode_variable(variable: Variable) -> Wire:
    return {
        "name": variable.name,
        "type": variable.type,
        "shape": variable.shape,
        "size_bytes": variable.size_bytes,
        "preview": variable.preview,
        "changed_by_agent": variable.changed_by_agent,
    }
