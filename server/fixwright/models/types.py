"""What every model provider takes and gives: messages, tool calls, deltas, usage, errors.

All of it is frozen and independent of any SDK, so that a conversation can be stored, replayed to
another provider, or written down in a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

Role: TypeAlias = Literal["user", "assistant"]

StopReason: TypeAlias = Literal[
    "end_turn",  # the model has said what it wanted to say
    "tool_use",  # it waits for the results of its calls
    "max_tokens",  # cut by the output limit; the last call's arguments may be None
    "context_window",  # cut because the conversation fills the model's context
    "refusal",  # the provider or the model declined to answer
    "pause",  # a long turn: send the conversation back unchanged to let it continue
    "unknown",  # a reason newer than this code
]

ErrorKind: TypeAlias = Literal[
    "settings",  # nothing was sent: the settings cannot be used as they are
    "auth",
    "billing",
    "rate_limit",
    "overloaded",
    "network",
    "timeout",
    "truncated",  # the stream ended before the answer did
    "server",
    "bad_request",
    "too_large",
]

RETRYABLE_KINDS: frozenset[ErrorKind] = frozenset(
    {"rate_limit", "overloaded", "network", "timeout", "truncated", "server"}
)


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask for; `schema` is the JSON Schema of its one object."""

    name: str
    description: str
    schema: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the model to use a tool.

    `arguments` is None when `raw`, the text as the model wrote it, is not a JSON object: the
    consumer answers such a call with an error `Result` and must never guess at it.
    """

    id: str
    name: str
    raw: str
    arguments: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to the `Call` with the same id."""

    id: str
    text: str
    error: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request, or of many when added up.

    `input` counts uncached input only; `reasoning` is a part of `output`, not an addition to it.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.reasoning + other.reasoning,
        )


@dataclass(frozen=True, slots=True)
class Native:
    """An assistant message as the provider `key` sent it: plain JSON, replayed only to that key.

    Reasoning that has to come back unchanged (signed thinking blocks, `reasoning_content`) lives
    here; other providers get the neutral fields of the message instead.
    """

    key: str
    content: object


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: text and calls of the assistant, or text and results of the user."""

    role: Role
    text: str = ""
    calls: tuple[Call, ...] = ()
    results: tuple[Result, ...] = ()
    native: Native | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model.

    All results of one turn belong into one user message, right after the calls that they answer.

    Attributes:
        system: what goes before the messages, in parts, the most lasting first: a provider's cache
            is told to keep what ends with the first part and what ends with the last.
        messages: the conversation; it ends with the user's.
        tools: what the model may call.
        max_tokens: the output limit; None for the one that the provider was set up with.
        cache: whether later requests begin like this one. If not, nothing is written into the
            provider's cache, which some charge for.
    """

    system: tuple[str, ...]
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    max_tokens: int | None = None
    cache: bool = True


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer as it arrives, for showing only.

    For `call`, `text` is a fragment of the arguments' JSON, `index` says which call of the message
    it belongs to and `name` names its tool. What may be acted upon comes with `Done`.
    """

    kind: Literal["text", "thinking", "call"]
    text: str
    index: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """The whole answer: the last item of a stream that ended as it should, and of no other."""

    message: Message
    stop: StopReason
    usage: Usage
    request_id: str | None = None


class ModelError(Exception):
    """A request that got no usable answer; its text says to the user what happened and what to do.

    Attributes:
        kind: what went wrong, for code.
        retry_after: seconds that the provider asked to wait, if it did.
        status: the HTTP status, if there was one.
        retryable: whether the same request may succeed later.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        retry_after: float | None = None,
        status: int | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.retry_after = retry_after
        self.status = status
        self.retryable = kind in RETRYABLE_KINDS if retryable is None else retryable


class Provider(Protocol):
    """One model behind one endpoint."""

    @property
    def key(self) -> str:
        """Names the protocol, endpoint and model: `Native` content goes back only to its own."""
        ...

    @property
    def model(self) -> str:
        """The model's name as the endpoint knows it."""
        ...

    def stream(self, request: Request) -> AsyncGenerator[Delta | Done, None]:
        """Ask, and yield deltas and at last one `Done`.

        Consume it under `contextlib.aclosing`, so that leaving early closes the connection at once.

        Raises:
            ModelError: there is no whole answer; nothing of what was yielded may be acted upon.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
