"""What an IDE may ask of its bridge: the arguments, the call of the host, and how the outcome is encoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cokernel.child.encode import (
    Wire,
    encode_activity,
    encode_output,
    encode_share,
    encode_variable,
)
from cokernel.errors import BadRequest
from cokernel.host import Answer, BridgeHost, Mode

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A command that the host is carrying out."""

    future: Future[T]
    encode: Callable[[T], Wire]

    def result(self) -> Wire:
        """The `ok` of the answer; raises what the host raised. Only when `future` is done."""
        return self.encode(self.future.result())


Command = Callable[[BridgeHost, "Arguments"], Call[Any]]
"""`Any`: each command has an outcome of its own, and only its own encoder sees it."""


class Arguments:
    """The arguments of one command; each reader raises `BadRequest` for what it cannot take."""

    def __init__(self, line: Mapping[str, object]) -> None:
        self._line = line

    def text(self, name: str, default: str | None = None) -> str:
        value = self._line.get(name, default)
        if not isinstance(value, str):
            raise BadRequest(f"`{name}` must be a text.")
        return value

    def optional_text(self, name: str) -> str | None:
        return None if self._line.get(name) is None else self.text(name)

    def texts(self, name: str) -> list[str]:
        value = self._line.get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise BadRequest(f"`{name}` must be a list of texts.")
        return list(value)

    def integer(self, name: str) -> int:
        value = self._line.get(name)
        # A bool is an int to isinstance.
        if type(value) is not int:
            raise BadRequest(f"`{name}` must be a whole number.")
        return value

    def optional_integer(self, name: str) -> int | None:
        return None if self._line.get(name) is None else self.integer(name)

    def flag(self, name: str) -> bool:
        value = self._line.get(name)
        if not isinstance(value, bool):
            raise BadRequest(f"`{name}` must be true or false.")
        return value

    def mode(self) -> Mode:
        return Mode(self._one_of("mode", [mode.value for mode in Mode]))

    def answer(self) -> Answer:
        return Answer(self._one_of("answer", [answer.value for answer in Answer]))

    def _one_of(self, name: str, allowed: list[str]) -> str:
        value = self.text(name)
        if value not in allowed:
            raise BadRequest(f"`{name}` must be one of {', '.join(allowed)}.")
        return value


def _nothing(_: object) -> Wire:
    return {}


def _share(host: BridgeHost, arguments: Arguments) -> Call[Any]:
    future = host.share(
        arguments.text("connection_file"),
        title=arguments.text("title"),
        mode=arguments.mode(),
        share_id=arguments.optional_text("share"),
        kernel_pid=arguments.optional_integer("kernel_pid"),
    )
    return Call(future, encode_share)


def _retarget(host: BridgeHost, arguments: Arguments) -> Call[Any]:
    future = host.retarget(
        arguments.text("share"),
        arguments.text("connection_file"),
        title=arguments.text("title"),
        kernel_pid=arguments.optional_integer("kernel_pid"),
    )
    return Call(future, encode_share)


def _rename(host: BridgeHost, arguments: Arguments) -> Call[Any]:
    return Call(host.rename(arguments.text("share"), arguments.text("title")), encode_share)


def _restarted(host: BridgeHost, arguments: Arguments) -> Call[Any]:
    host.restarted(arguments.text("share"), arguments.text("reason", ""))
    done: Future[None] = Future()
    done.set_result(None)
    return Call(done, _nothing)


def _unshare(host: BridgeHost, arguments: Arguments) -> Call[Any]:
    return Call(host.unshare(arguments.text("share"), arguments.text("reason", "")), _nothing)


def _set_mode(host: BridgeHost, arguments: Arguments) -> Call[Any]:
    return Call(host.set_mode(arguments.text("share"), arguments.mode()), encode_share)


def _pause(host: BridgeHost, arguments: Arguments) -> Call[Any]:
    return Call(host.pause(arguments.text("share"), arguments.flag("paused")), encode_share)


def _answer(host: BridgeHost, arguments: Arguments) -> Call[Any]:
    return Call(host.answer(arguments.text("approval"), arguments.answer()), _nothing)


def _interrupt(host: BridgeHost, arguments: Arguments) -> Call[Any]:
    future = host.interrupt(arguments.text("share"), arguments.optional_integer("number"))
    return Call(future, lambda count: {"interrupted": count})


def _outputs(host: BridgeHost, arguments: Arguments) -> Call[Any]:
    future = host.outputs(arguments.text("share"), arguments.integer("number"))
    return Call(future, lambda outputs: {"outputs": [encode_output(each) for each in outputs]})


def _variables(host: BridgeHost, arguments: Arguments) -> Call[Any]:
    future = host.variables(arguments.text("share"))
    return Call(future, lambda found: {"variables": [encode_variable(each) for each in found]})


def _activities(host: BridgeHost, arguments: Arguments) -> Call[Any]:
    share_id = arguments.text("share")
    future = host.activities(share_id)
    return Call(
        future,
        lambda entries: {"activities": [encode_activity(share_id, each) for each in entries]},
    )


COMMANDS: Mapping[str, Command] = {
    "share": _share,
    "retarget": _retarget,
    "rename": _rename,
    "restarted": _restarted,
    "unshare": _unshare,
    "set_mode": _set_mode,
    "pause": _pause,
    "answer": _answer,
    "interrupt": _interrupt,
    "outputs": _outputs,
    "variables": _variables,
    "activities": _activities,
}
"""All but `hello` and `stop`, which begin and end the bridge itself."""
