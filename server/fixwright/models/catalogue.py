"""What is known of models by name: their price and size, and what their APIs insist on."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from fixwright.models.json_reading import as_count, as_object
from fixwright.models.prices import LongRequests, Price

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATE = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2})$")


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One entry of `catalogue.toml`, which explains the fields."""

    price: Price
    context: int
    density: float
    show_thinking: bool
    cache_marks: bool
    tools_need_no_reasoning: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All of the file.

    Attributes:
        checked: the day on which prices and sizes were compared with the vendors' pages.
        models: by name, without the date of a snapshot.
        small: a cheap model by vendor.
    """

    checked: date
    models: Mapping[str, KnownModel]
    small: Mapping[str, str]


@cache
def load_catalogue() -> Catalogue:
    """The catalogue; the first call reads a file, so it belongs into a thread."""
    text = resources.files("fixwright.models").joinpath("catalogue.toml").read_text("utf-8")
    values = as_object(tomllib.loads(text))
    checked = values["checked"]
    assert isinstance(checked, date), "catalogue.toml: checked is not a date"
    return Catalogue(
        checked,
        {name: _entry(as_object(entry)) for name, entry in as_object(values["models"]).items()},
        {vendor: str(name) for vendor, name in as_object(values["small"]).items()},
    )


def known_model(name: str) -> KnownModel | None:
    """The entry for a model; a dated snapshot (`…-20251001`) is its undated self."""
    models = load_catalogue().models
    return models.get(name) or models.get(_DATE.sub("", name))


def _entry(entry: Mapping[str, object]) -> KnownModel:
    price = _number(entry, "input")
    long = as_object(entry.get("long"))
    return KnownModel(
        Price(
            input=price,
            output=_number(entry, "output"),
            cache_read=_number(entry, "cache_read"),
            cache_write=_number(entry, "cache_write") if "cache_write" in entry else price,
            long=LongRequests(
                int(_number(long, "above")), _number(long, "input"), _number(long, "output")
            )
            if long
            else None,
        ),
        context=as_count(entry["context"]),
        density=_number(entry, "density") if "density" in entry else 1.0,
        show_thinking=entry.get("show_thinking") is True,
        cache_marks=entry.get("cache_marks") is True,
        tools_need_no_reasoning=entry.get("tools_need_no_reasoning") is True,
    )


def _number(entry: Mapping[str, object], name: str) -> float:
    value = entry[name]
    assert isinstance(value, int | float), f"catalogue.toml: {name} is not a number"
    return float(value)
