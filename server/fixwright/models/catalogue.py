"""What is known of models by name: what their tokens cost, and what their APIs insist on."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from fixwright.models.json_reading import as_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixwright.models.types import Usage

_DATE = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2})$")
_PER_MILLION = 1e-6


@dataclass(frozen=True, slots=True)
class LongRequests:
    """A tariff for requests with more than `above` input tokens: factors on the prices."""

    above: int
    input: float
    output: float


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One entry of `catalogue.toml`; prices in US dollars per million tokens."""

    input: float
    output: float
    cache_read: float
    cache_write: float
    long: LongRequests | None
    show_thinking: bool
    tools_need_no_reasoning: bool


@cache
def load_catalogue() -> Mapping[str, KnownModel]:
    """All entries by name; the first call reads a file, so it belongs into a thread."""
    text = resources.files("fixwright.models").joinpath("catalogue.toml").read_text("utf-8")
    entries = as_object(tomllib.loads(text)["models"])
    return {name: _entry(as_object(entry)) for name, entry in entries.items()}


def known_model(name: str) -> KnownModel | None:
    """The entry for a model; a dated snapshot (`…-20251001`) is its undated self."""
    models = load_catalogue()
    return models.get(name) or models.get(_DATE.sub("", name))


def cost_usd(model: str, usage: Usage) -> float | None:
    """What one request cost, in US dollars; None for a model whose prices are not known.

    Add up the costs of requests rather than ask for the cost of added-up usage: long requests have
    their own tariff.
    """
    known = known_model(model)
    if known is None:
        return None
    sent = (
        usage.input * known.input
        + usage.cache_read * known.cache_read
        + usage.cache_write * known.cache_write
    )
    received = usage.output * known.output
    size = usage.input + usage.cache_read + usage.cache_write
    if known.long is not None and size > known.long.above:
        sent, received = sent * known.long.input, received * known.long.output
    return (sent + received) * _PER_MILLION


def _entry(entry: Mapping[str, object]) -> KnownModel:
    price = _number(entry, "input")
    long = as_object(entry.get("long"))
    return KnownModel(
        input=price,
        output=_number(entry, "output"),
        cache_read=_number(entry, "cache_read"),
        cache_write=_number(entry, "cache_write") if "cache_write" in entry else price,
        long=LongRequests(
            int(_number(long, "above")), _number(long, "input"), _number(long, "output")
        )
        if long
        else None,
        show_thinking=entry.get("show_thinking") is True,
        tools_need_no_reasoning=entry.get("tools_need_no_reasoning") is True,
    )


def _number(entry: Mapping[str, object], name: str) -> float:
    value = entry[name]
    assert isinstance(value, int | float), f"catalogue.toml: {name} is not a number"
    return float(value)
