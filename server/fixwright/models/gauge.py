"""How many tokens a request costs: estimated, and corrected by what answers report."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.models.tokens import estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixwright.models.types import Message, Request, Usage

TOKENS_PER_MESSAGE = 4
"""What separates messages; likewise each call, result and tool."""

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


def estimate_request(request: Request, key: str) -> int:
    """Tokens of everything that a request sends to the provider `key`, by `estimate_tokens`."""
    system = sum(estimate_tokens(part) for part in request.system)
    tools = sum(
        estimate_tokens(tool.name + tool.description + json.dumps(dict(tool.schema)))
        + TOKENS_PER_MESSAGE
        for tool in request.tools
    )
    return system + tools + sum(estimate_message(message, key) for message in request.messages)


def estimate_message(message: Message, key: str) -> int:
    """Tokens of one message as the provider `key` gets it, its own reasoning included."""
    if message.native is not None and message.native.key == key:
        return estimate_tokens(json.dumps(message.native.content, ensure_ascii=False))
    texts = [
        message.text,
        *(result.id + result.text for result in message.results),
        *(call.id + call.name + call.raw for call in message.calls),
    ]
    return sum(estimate_tokens(text) + TOKENS_PER_MESSAGE for text in texts)


def sent_tokens(usage: Usage) -> int:
    """All of the input, from the cache or not."""
    return usage.input + usage.cache_read + usage.cache_write
