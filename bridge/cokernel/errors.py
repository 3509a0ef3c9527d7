"""Everything that cokernel raises on purpose.

::

    CokernelError
    ├── BadRequest      bad_request    an argument is wrong
    ├── Denied          denied         the mode or the person said no
    ├── Unknown         unknown        no such kernel, execution or share
    ├── Untrusted       untrusted      a file, record or peer that must not be believed
    ├── Unsupported     unsupported    this kernel or this machine cannot do it
    ├── StartFailed     start_failed   a kernel, a bridge or a listener did not start
    ├── CannotLook      cannot_look    the kernel cannot be looked into at this moment
    ├── NoAnswer        no_answer      a peer was asked and did not answer in time
    ├── LinkDown        link_down      the kernel cannot be reached; nothing was sent
    ├── ShareLost       share_lost     what was shared is not shared any more
    └── SetupFailed     setup_failed   the command of an agent's client refused

`code` is for machines and stays the same for ever; the message is for people and agents: what happened, then what to
do next. The standard library only, so that the front can import it.
"""

from __future__ import annotations

from typing import ClassVar


class CokernelError(Exception):
    """The root. `str(error)` is the whole message."""

    code: ClassVar[str] = "error"

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(f"{what} {next_step}".strip())
        self.what = what
        self.next_step = next_step


class BadRequest(CokernelError):
    code = "bad_request"


class Denied(CokernelError):
    code = "denied"


class Unknown(CokernelError):
    code = "unknown"


class Untrusted(CokernelError):
    code = "untrusted"


class Unsupported(CokernelError):
    code = "unsupported"


class StartFailed(CokernelError):
    code = "start_failed"


class CannotLook(CokernelError):
    code = "cannot_look"


class NoAnswer(CokernelError):
    code = "no_answer"


class LinkDown(CokernelError):
    code = "link_down"


class ShareLost(CokernelError):
    code = "share_lost"


class SetupFailed(CokernelError):
    code = "setup_failed"
