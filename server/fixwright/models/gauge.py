"""How many tokens a request costs: estimated, and corrected by what answers report."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.models.json_reading import as_list, as_object
from fixwright.models.tokens import estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fixwright.models.types import Message, Request, Usage

TOKENS_PER_TEXT = 4
"""What stands around each text: roles, names, identifiers."""

PRIOR = 2_000
"""Estimated tokens for which the ratio that one begins with counts as if they had been seen."""

FORGET = 0.8
"""What is left of the weight of earlier answers with each new one."""

SMALLEST, LARGEST = 0.5, 4.0
"""Ratios beyond these are no tokenizer's: the server counts something else, such as uncached input
only."""

DOUBT, DOUBT_AT_FIRST = 1.05, 1.25
"""How much more than expected it may be, once an answer has been seen and before."""


@dataclass(frozen=True, slots=True)
class _Seen:
    estimated: float
    real: float


class TokenGauge:
    """Learns the ratio of real to estimated tokens, for each provider key by itself."""

    def __init__(self, begin: Mapping[str, float] | None = None) -> None:
        """`begin` has the ratios to begin with, by provider key; 1 for others."""
        self._begin = dict(begin or {})
        self._seen: dict[str, _Seen] = {}

    def learn(self, key: str, estimated: int, real: int) -> None:
        """Take in one answer: the estimate of what was asked, and the input that was billed."""
        if estimated <= 0 or not SMALLEST <= real / estimated <= LARGEST:
            return
        before = self._seen.get(key, _Seen(0, 0))
        self._seen[key] = _Seen(before.estimated * FORGET + estimated, before.real * FORGET + real)

    def ratio(self, key: str) -> float:
        """Real tokens for an estimated one."""
        seen, begin = self._seen.get(key, _Seen(0, 0)), self._begin.get(key, 1.0)
        return (seen.real + PRIOR * begin) / (seen.estimated + PRIOR)

    def tokens(self, key: str, estimated: int) -> int:
        """The tokens to expect."""
        return math.ceil(estimated * self.ratio(key))

    def at_most(self, key: str, estimated: int) -> int:
        """The tokens that it will hardly be more than, for refusing and reserving."""
        doubt = DOUBT if key in self._seen else DOUBT_AT_FIRST
        return math.ceil(estimated * self.ratio(key) * doubt)


class Estimates:
    """Estimates of requests, each of which is mostly the one before: its texts are remembered."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, request: Request, key: str) -> int:
        """Tokens of everything that a request sends to the provider `key`."""
        before, now = self._known, dict[str, int]()
        total = 0
        for text in _texts(request, key):
            size = before.get(text)
            now[text] = estimate_tokens(text) if size is None else size
            total += now[text] + TOKENS_PER_TEXT
        self._known = now
        return total


def estimate_request(request: Request, key: str) -> int:
    """See `Estimates.of`; remembers nothing."""
    return Estimates().of(request, key)


def estimate_message(message: Message, key: str) -> int:
    """Tokens of one message as the provider `key` gets it, its own reasoning included."""
    return sum(estimate_tokens(text) + TOKENS_PER_TEXT for text in _said(message, key))


def _texts(request: Request, key: str) -> Iterator[str]:
    yield from request.system
    for tool in request.tools:
        yield f"{tool.name} {tool.description} {json.dumps(dict(tool.schema))}"
    for message in request.messages:
        yield from _said(message, key)


def _said(message: Message, key: str) -> Iterator[str]:
    if message.native is not None and message.native.key == key:
        yield from _inside(message.native.content)
        return
    if message.text:
        yield message.text
    for result in message.results:
        yield result.text
    for call in message.calls:
        yield call.name
        yield call.raw


def _inside(value: object) -> Iterator[str]:
    """Every string in a JSON value, names left out: there are few, and each is short."""
    if isinstance(value, str):
        yield value
        return
    for inner in (*as_list(value), *as_object(value).values()):
        yield from _inside(inner)


def sent_tokens(usage: Usage) -> int:
    """All of the input, from the cache or not."""
    return usage.input + usage.cache_read + usage.cache_write
