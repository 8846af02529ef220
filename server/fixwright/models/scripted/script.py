"""A script: what the scripted model answers, turn by turn, and where it fails.

A script is a TOML or JSON file, checked as a whole before anything runs:

    protocol = "anthropic"            # or "openai", "responses": how "scripted" speaks

    [[turns]]
    when = "ZeroDivisionError"        # optional: only for a request that contains this
    text = "A count of zero has to be handled."
    tools = [{ name = "edit", input = { path = "mean.py" } }]

    [[turns]]
    fault = { status = 429, headers = { Retry-After = "2" } }
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

Protocol = Literal["anthropic", "openai", "responses"]
Stop = Literal["end_turn", "tool_use", "max_tokens", "refusal"]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, le=3600)]


class ScriptError(ValueError):
    """A script that cannot be used; the text names the file, the turns and the fields."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScriptedCall(_Part):
    """A tool call: `input` as an object, or `raw`, its text, where it is to be malformed."""

    name: Annotated[str, Field(min_length=1)]
    input: Mapping[str, object] | None = None
    raw: str | None = None

    @model_validator(mode="after")
    def _one_input(self) -> Self:
        if self.input is not None and self.raw is not None:
            raise ValueError("give either input or raw, not both")
        return self

    @property
    def arguments(self) -> str:
        """The arguments as they go over the wire."""
        return self.raw if self.raw is not None else json.dumps(self.input or {})


class ScriptedUsage(_Part):
    """Tokens to report; `input` counts uncached input only."""

    input: Count = 10
    output: Count = 5
    cache_read: Count = 0
    cache_write: Count = 0
    reasoning: Count = 0


class Fault(_Part):
    """How a turn fails. `*_after` count the events of the stream that still arrive.

    Attributes:
        status: answer with this HTTP status instead of the turn.
        headers: added to the answer's, whatever the status.
        error: the error's type in the protocol's own words; the status' usual one by default.
        message: the error's text.
        body: answer with this text instead, e.g. a proxy's web page; `content_type` names it.
        hang_before: take the request and never answer.
        cut_after: end the body cleanly, but early.
        drop_after: close the connection without ending the body.
        reset_after: reset the connection (RST).
        error_after: send an error event inside the stream.
        garbage_after: send an event that is not JSON.
        hang_after: go silent.
    """

    status: Annotated[int, Field(ge=200, le=599)] | None = None
    headers: Mapping[str, str] = {}
    error: str | None = None
    message: str = "The script says so."
    body: str | None = None
    content_type: str = "text/html; charset=utf-8"
    hang_before: bool = False
    cut_after: Count | None = None
    drop_after: Count | None = None
    reset_after: Count | None = None
    error_after: Count | None = None
    garbage_after: Count | None = None
    hang_after: Count | None = None

    @model_validator(mode="after")
    def _one_way_to_fail(self) -> Self:
        given = [name for name in _WAYS_TO_FAIL if self._is_given(name)]
        if len(given) > 1 and given != ["status", "body"]:
            raise ValueError(f"only one of these can happen: {', '.join(given)}")
        if not given and not self.headers:
            raise ValueError(f"say how it fails: one of {', '.join(_WAYS_TO_FAIL)}")
        return self

    def _is_given(self, name: str) -> bool:
        value: object = getattr(self, name)
        return value is not None and value is not False  # 0 events is a way to fail

    @property
    def break_after(self) -> int | None:
        """The number of events before the stream breaks, in whatever way."""
        ways = (
            self.cut_after,
            self.drop_after,
            self.reset_after,
            self.error_after,
            self.garbage_after,
            self.hang_after,
        )
        return next((n for n in ways if n is not None), None)


_WAYS_TO_FAIL = (
    "status",
    "body",
    "hang_before",
    "cut_after",
    "drop_after",
    "reset_after",
    "error_after",
    "garbage_after",
    "hang_after",
)


class Turn(_Part):
    """One answer.

    Attributes:
        when: answer only a request that contains this text (in any of its strings).
        text, thinking, tools: what the model says; in this order: thinking, text, tools.
        stop: why it stops; by default `tool_use` with tools and `end_turn` without.
        usage: what to report.
        delay: seconds before the answer begins.
        chunk: characters of a delta.
        pace: seconds between events, for slow tokens.
        fault: how it fails, if it does.
    """

    when: str | None = None
    text: str = ""
    thinking: str = ""
    tools: tuple[ScriptedCall, ...] = ()
    stop: Stop | None = None
    usage: ScriptedUsage = ScriptedUsage()
    delay: Seconds = 0.0
    chunk: Annotated[int, Field(ge=1)] = 24
    pace: Seconds = 0.0
    fault: Fault | None = None

    @property
    def reason(self) -> Stop:
        """Why the model stops."""
        return self.stop or ("tool_use" if self.tools else "end_turn")

    def pieces(self, text: str) -> list[str]:
        """`text` in pieces of at most `chunk` characters."""
        return [text[i : i + self.chunk] for i in range(0, len(text), self.chunk)]


class Script(_Part):
    """All turns. Each is used once, the first unused one that matches a request answers it."""

    protocol: Protocol = "anthropic"
    model: str = "scripted"
    turns: tuple[Turn, ...]
    name: str = "script"
    """What errors call it: the file's name, when it came from one."""


def load_script(path: Path) -> Script:
    """Read and check a script.

    Raises:
        ScriptError: the file cannot be read, is not TOML or JSON, or has wrong fields; all wrong
            fields are named at once.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"The script {path} cannot be read: {error}.") from error
    try:
        data: object = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise ScriptError(f"The script {path} is not valid {kind}: {error}.") from error
    return parse_script(data, str(path))


def parse_script(data: object, name: str = "script") -> Script:
    """Check a script that is already parsed; see `load_script`."""
    try:
        return Script.model_validate(data).model_copy(update={"name": name})
    except ValidationError as error:
        wrong = "\n".join(f"- {_place(e)}: {_complaint(e)}" for e in error.errors())
        raise ScriptError(f"The script {name} is not valid:\n{wrong}") from error


def _place(error: ErrorDetails) -> str:
    """`turn 2, tools 1, name`: counted from one, as a reader of the file counts."""
    words: list[str] = []
    for part in error["loc"]:
        if isinstance(part, int):
            words[-1] = f"{'turn' if words[-1] == 'turns' else words[-1]} {part + 1}"
        else:
            words.append(part)
    return ", ".join(words) or "the whole file"


def _complaint(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no such field"
    return error["msg"].removeprefix("Value error, ")
