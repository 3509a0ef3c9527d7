"""What each tool takes. The docstrings and descriptions here are what agents read: short, one line each."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cokernel.errors import BadRequest

MAX_CODE_CHARS = 2_000_000
MAX_WAIT_S = 600.0

Kernel = Annotated[
    str | None,
    Field(default=None, max_length=4096, description="Kernel id; default: the current one"),
]
ExecutionNumber = Annotated[int, Field(ge=1, le=10**9, description="Number of the execution")]


class Arguments(BaseModel):
    """The root: unknown arguments are an error, so that a misspelt one is not silently without effect."""

    # Each validator is built at its first use: the first call waits for one of them, not for ten.
    model_config = ConfigDict(extra="forbid", defer_build=True)


class ExecuteCode(Arguments):
    code: Annotated[str, Field(max_length=MAX_CODE_CHARS)]
    kernel: Kernel
    timeout_s: Annotated[
        float,
        Field(ge=0, le=MAX_WAIT_S, description="How long to wait here; the code runs on after it"),
    ] = 45.0
    background: Annotated[bool, Field(description="Return an execution number at once")] = False


class CheckExecution(Arguments):
    execution: ExecutionNumber
    wait_s: Annotated[float, Field(ge=0, le=MAX_WAIT_S, description="Wait for it to end")] = 0.0
    offset: Annotated[
        int | None,
        Field(
            default=None, ge=0, le=10**12, description="Read output from here; default: what is new"
        ),
    ]
    input: Annotated[
        str | None, Field(default=None, max_length=100_000, description="Answer to its input()")
    ]


class InterruptExecution(Arguments):
    execution: ExecutionNumber


class ListVariables(Arguments):
    pattern: Annotated[
        str | None, Field(default=None, max_length=200, description="Names to match, such as df*")
    ]
    kernel: Kernel


class Inspect(Arguments):
    expression: Annotated[
        str, Field(min_length=1, max_length=2_000, description="A name, a.b or a['key'][0]")
    ]
    kernel: Kernel


class RecentActivity(Arguments):
    since: Annotated[
        int | None,
        Field(default=None, ge=0, le=10**12, description="A cursor; default: the last look"),
    ]
    kernel: Kernel


class ListKernels(Arguments):
    pass


class UseKernel(Arguments):
    kernel: Annotated[
        str,
        Field(min_length=1, max_length=4096, description="Id, title, connection file, or 'new'"),
    ]


class StartKernel(Arguments):
    name: Annotated[str | None, Field(default=None, max_length=100, description="Its title")]
    environment: Annotated[
        str | None,
        Field(
            default=None,
            max_length=4096,
            description="Interpreter, virtual environment or kernelspec",
        ),
    ]
    server: Annotated[
        str | None, Field(default=None, max_length=2048, description="Not yet supported")
    ]


class StopKernel(Arguments):
    kernel: Annotated[str, Field(min_length=1, max_length=4096)]
    restart: Annotated[bool, Field(description="Start it again, empty")] = False


def parse(model: type[Arguments], raw: dict[str, Any]) -> Arguments:
    """The arguments of one call.

    Raises
    ------
    BadRequest
        naming each argument that is wrong, and why.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        wrong = "; ".join(_explain(item) for item in error.errors(include_input=False)[:5])
        known = ", ".join(model.model_fields) or "none"
        raise BadRequest(f"Wrong arguments: {wrong}.", f"It takes: {known}.") from None


def _explain(item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"])[:80] or "arguments"
    return f"{where}: {item['msg']}"


def schema_of(model: type[Arguments]) -> dict[str, Any]:
    """The JSON schema for tools/list, without pydantic's titles and nulls, which only cost agents tokens."""
    schema = model.model_json_schema()
    properties = {
        name: _without_noise(value) for name, value in schema.get("properties", {}).items()
    }
    slim: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if required := schema.get("required"):
        slim["required"] = required
    return slim


def _without_noise(value: dict[str, Any]) -> dict[str, Any]:
    slim = {k: v for k, v in value.items() if k in ("type", "description", "default")}
    for option in value.get("anyOf", ()):
        if option.get("type") != "null":
            slim["type"] = option["type"]
    if slim.get("default") is None:
        slim.pop("default", None)
    return slim
