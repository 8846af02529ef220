"""The arguments of commands: one object each, validated, every error naming its field."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeVar, cast

from lsprotocol import types as lsp
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pygls.exceptions import JsonRpcInvalidParams

from fixwright.json_reading import as_object


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True, strict=True
    )


def _encodable(text: str) -> str:
    """JSON can hold half of a surrogate pair, a program's input can't."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = f"the character at {error.start} is half of a surrogate pair"
        raise ValueError(message) from None
    return text


def _without_nul(text: str) -> str:
    if "\0" in text:
        message = "a NUL can't be passed to a program"
        raise ValueError(message)
    return text


Input = Annotated[str, AfterValidator(_encodable)]
Argument = Annotated[Input, AfterValidator(_without_nul)]


class WirePosition(_Model):
    """A position in the editor's units."""

    line: int = Field(ge=0)
    character: int = Field(ge=0)


class WireRange(_Model):
    """A range in the editor's units."""

    start: WirePosition
    end: WirePosition

    def to_lsp(self) -> lsp.Range:
        """As lsprotocol's type."""
        return lsp.Range(
            start=lsp.Position(self.start.line, self.start.character),
            end=lsp.Position(self.end.line, self.end.character),
        )


class DiagnosticData(_Model):
    """What Fixwright put into its own diagnostics."""

    run_id: str
    failure: int = Field(ge=0)


class WireDiagnostic(_Model):
    """A diagnostic as the editor hands it back; any server's."""

    range: WireRange
    message: str
    source: str | None = None
    code: str | int | None = None
    data: Any = None

    @property
    def ours(self) -> DiagnosticData | None:
        """Our own data, when it is a diagnostic of ours."""
        try:
            return DiagnosticData.model_validate(self.data)
        except ValidationError:
            return None


class RunFile(_Model):
    """`fixwright.runFile`."""

    uri: str
    args: list[Argument] = []
    stdin: Input = ""


class RunSelection(_Model):
    """`fixwright.runSelection`."""

    uri: str
    range: WireRange


class RunCell(_Model):
    """`fixwright.runCell`."""

    uri: str
    range: WireRange


class RestartSession(_Model):
    """`fixwright.restartSession`."""

    uri: str


class RunTests(_Model):
    """`fixwright.runTests`."""

    uri: str | None = None
    range: WireRange | None = None
    test_id: Argument | None = None


class FixProblem(_Model):
    """`fixwright.fix`."""

    uri: str
    range: WireRange
    diagnostic: WireDiagnostic | None = None
    apply: bool = True


class Safety(_Model):
    """`fixwright.safety`."""

    uri: str
    range: WireRange | None = None


class InstallDependencies(_Model):
    """`fixwright.installDependencies`."""

    uri: str | None = None


class Agent(_Model):
    """`fixwright.agent`; without a prompt the session goes on with the turn that was cut."""

    prompt: Input = ""
    uri: str | None = None
    range: WireRange | None = None
    session_id: str | None = None
    mode: Literal["edit", "ask", "plan"] = "edit"
    apply: bool = True

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if not self.prompt and self.session_id is None:
            message = "give a prompt, or the sessionId of a turn to go on with"
            raise ValueError(message)
        return self


class Explain(_Model):
    """`fixwright.explain`."""

    uri: str
    range: WireRange


class Craft(_Model):
    """`fixwright.generateTests` and `fixwright.optimize`: an empty range means what is around."""

    uri: str
    range: WireRange
    apply: bool = True


class Review(_Model):
    """`fixwright.accept` and `fixwright.reject`: all hunks, or those of these numbers."""

    proposal_id: str
    hunks: list[int] | None = None


class Undo(_Model):
    """`fixwright.undo`."""

    session_id: str | None = None


class Clear(_Model):
    """`fixwright.clear`."""

    uri: str | None = None


class Cancel(_Model):
    """`fixwright.cancel`."""

    run_id: str | None = None


M = TypeVar("M", bound=BaseModel)


def parse(model: type[M], arguments: tuple[Any, ...]) -> M:
    """The command's one argument.

    Raises:
        JsonRpcInvalidParams: it is missing, or a field is wrong; the message names the field.
    """
    if len(arguments) > 1:
        raise JsonRpcInvalidParams(f"expected one object, got {len(arguments)} arguments")
    value: Any = arguments[0] if arguments and arguments[0] is not None else {}
    try:
        return model.model_validate(_without_nulls(value))
    except ValidationError as error:
        details = (
            f"{'.'.join(str(part) for part in each['loc']) or 'the argument'}: {each['msg']}"
            for each in error.errors()
        )
        raise JsonRpcInvalidParams("; ".join(details)) from error


def _without_nulls(value: object) -> object:
    """Editors send null for what they leave out."""
    if isinstance(value, dict):
        return {
            key: inner
            for key, inner in as_object(cast("object", value)).items()
            if inner is not None
        }
    return value
