"""A tool's arguments: checked strictly, and described to the model by their JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from fixwright.agent.tools.spec import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping


class Arguments(BaseModel):
    """One tool's arguments; fields that are not known are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


def schema_of(arguments: type[Arguments]) -> dict[str, object]:
    """The JSON Schema, with nothing in it that says nothing: each request pays for its length."""
    schema = cast("dict[str, object]", arguments.model_json_schema())
    named = cast("dict[str, object]", schema.pop("$defs", {}))
    return cast("dict[str, object]", _plain(schema, named))


def _plain(node: object, named: Mapping[str, object], *, names: bool = False) -> object:
    """Without titles and references; `names` says that the keys are the fields' own names."""
    if isinstance(node, list):
        return [_plain(each, named) for each in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    node = cast("dict[str, object]", node)
    if isinstance(reference := node.get("$ref"), str) and not names:
        return _plain(named[reference.rpartition("/")[2]], named)
    return {
        key: _plain(value, named, names=key == "properties" and not names)
        for key, value in node.items()
        if names or key not in ("title", "default") or (key == "default" and value is not None)
    }


def checked(arguments: type[Arguments], given: Mapping[str, object] | None) -> Arguments:
    """The arguments of a call.

    Raises:
        Refused: they are not what the tool takes; the sentence says what is.
    """
    if given is None:
        raise Refused("The arguments are not a JSON object. Call again with valid JSON.")
    try:
        return arguments.model_validate(given)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(str(part) for part in each['loc']) or 'the arguments'}: {each['msg']}"
            for each in error.errors()[:5]
        ]
        known = ", ".join(arguments.model_fields)
        raise Refused(f"Wrong arguments: {'; '.join(wrong)}. The tool takes: {known}.") from error
