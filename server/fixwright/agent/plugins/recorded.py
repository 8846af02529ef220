"""The tools from elsewhere that a session had, kept in it: it can be repeated without them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from fixwright.agent.tools.registry import Registry
from fixwright.agent.tools.spec import Action, Outcome, Refused
from fixwright.json_reading import as_list, as_object
from fixwright.models.json_reading import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixwright.agent.desk import Desk
    from fixwright.agent.records import Journal
    from fixwright.agent.tools.spec import Effect


@dataclass(frozen=True)
class AbsentTool:
    """A tool as a model was told of it, with nothing behind it: a `registry.Tool`."""

    name: str
    description: str
    schema: Mapping[str, object]
    effect: Effect

    def action(self, arguments: Mapping[str, object] | None, desk: Desk) -> Action:
        """See `registry.Tool`."""
        del arguments, desk
        return Action(self.name, self.effect)

    async def call(self, arguments: Mapping[str, object] | None, desk: Desk) -> Outcome:
        """It can do nothing; see `registry.Tool`."""
        del arguments, desk
        raise Refused(f"{self.name} is not there any more.")


def brought(tools: Registry, own: Registry) -> str:
    """The tools that are not Fixwright's own, as JSON; empty for none."""
    told = [
        {"name": each.name, "description": each.description, "schema": each.schema}
        | {"effect": each.effect}
        for name, each in tools.items()
        if name not in own
    ]
    return json.dumps(told, ensure_ascii=False) if told else ""


async def with_recorded(own: Registry, journal: Journal) -> Registry:
    """Fixwright's own tools, and those that a recorded session had besides."""
    digest = next((e.data["tools"] for e in journal.events if "tools" in e.data), None)
    if digest is None:
        return own
    told = [as_object(each) for each in as_list(json.loads(await journal.text(as_text(digest))))]
    absent = [
        AbsentTool(
            as_text(each.get("name")),
            as_text(each.get("description")),
            as_object(each.get("schema")),
            cast("Effect", as_text(each.get("effect"))),
        )
        for each in told
    ]
    return Registry((*own.values(), *absent))
