"""The settings that the extension for VS Code declares are the server's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from fixwright.config import FeatureName, Layer, Settings, configure

PACKAGE = Path(__file__).parents[2] / "clients/vscode/package.json"
ITS_OWN = ("fixwright.server.", "fixwright.run.", "fixwright.trace.")
SAMPLES: dict[str, object] = {"boolean": True, "string": "1m", "number": 1.5, "integer": 4096}


def declared() -> dict[str, dict[str, Any]]:
    sections = json.loads(PACKAGE.read_text("utf-8"))["contributes"]["configuration"]
    return {
        name.removeprefix("fixwright."): schema
        for section in sections
        for name, schema in section["properties"].items()
        if not name.startswith(ITS_OWN)
    }


def values(schema: dict[str, Any]) -> Iterator[object]:
    """Values that a schema allows; None, which stands for no value, left out."""
    for part in schema.get("anyOf", [schema]):
        if "enum" in part:
            yield from (each for each in part["enum"] if each is not None)
        elif "properties" in part:
            yield {name: each["enum"][-1] for name, each in part["properties"].items()}
        elif "items" in part:
            yield [_item(part["items"])]
        elif "additionalProperties" in part:
            every = part["additionalProperties"]
            yield from ({"some-name": _item(each)} for each in every.get("oneOf", [every]))
        else:
            yield from (SAMPLES[kind] for kind in part["type"] if kind != "null")


def _item(schema: dict[str, Any]) -> object:
    """A value of a schema that has no null."""
    match schema["type"]:
        case "object" if "properties" not in schema:
            return {"NAME": _item(schema["additionalProperties"])}
        case "object":
            return {name: _item(each) for name, each in schema["properties"].items()}
        case "array":
            return [_item(schema["items"])]
        case kind:
            if schema.get("pattern") == "^https?://":
                return "https://host/mcp"
            return schema["enum"][-1] if "enum" in schema else SAMPLES[kind]


@pytest.mark.parametrize("name", declared())
def test_the_server_takes_each_value(name: str) -> None:
    schema = declared()[name]
    assert schema["default"] is None, "else fixwright.toml would have no say"
    section, key = name.split(".")
    chosen = list(values(schema))
    assert chosen
    for value in chosen:
        found = configure(Layer("VS Code", {section: {key: value}}))
        assert found.problems == (), value


def test_every_feature_of_the_index_can_be_chosen() -> None:
    words, table = declared()["index.features"]["anyOf"]
    assert words["enum"] == [None, "auto", "all", "off"]
    assert list(table["properties"]) == list(get_args(FeatureName))


def test_the_index_is_declared_whole() -> None:
    keys = {f"index.{name}" for name in type(Settings().index).model_fields}
    assert keys <= declared().keys()
