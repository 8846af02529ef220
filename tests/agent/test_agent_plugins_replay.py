"""A session that had tools from elsewhere is repeated without them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from fixwright.agent.budget import Limits
from fixwright.agent.desk import Desk
from fixwright.agent.policy.rules import Rule
from fixwright.agent.session import Surroundings, open_session, tools_for
from fixwright.agent.sessions.rerun import rerun
from fixwright.agent.tools.registry import Registry
from fixwright.agent.tools.spec import Action, Effect, Outcome
from support.agents import calls, rig


@dataclass
class Echo:
    name: str
    effect: Effect
    description: str = "Says “it” again."
    schema: Mapping[str, object] = field(
        default_factory=lambda: {"type": "object", "properties": {"it": {"type": "string"}}}
    )

    def action(self, arguments: Mapping[str, object] | None, desk: Desk) -> Action:
        return Action(self.name, self.effect, sentence="echo")

    async def call(self, arguments: Mapping[str, object] | None, desk: Desk) -> Outcome:
        return Outcome(str((arguments or {}).get("it")))


async def test_its_requests_are_the_same_to_the_byte(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    turns = [
        calls(("mcp__a__look", {"it": "1"}), ("mcp__a__look", {"it": "2"})),
        calls(("mcp__a__act", {"it": "3"})),
        {"text": "Done."},
    ]
    rules = (Rule("allow", "mcp__a__*"),)
    async with rig(folder, turns, rules=rules) as it:
        journal = await it.store.create([it.snapshot.folders[0].uri], "propose")
        around = Surroundings(
            now=lambda: it.snapshot,
            runner=it.desk.runner,
            models=it.loop.asking.models,
            small=it.loop.asking.small,
            guard=it.guard,
            clean=lambda text: text,
        )
        more = (Echo("mcp__a__act", "outside"), Echo("mcp__a__look", "read"))
        tools = Registry((*tools_for("propose").values(), *more))
        session = await open_session(journal, "propose", around, Limits(), tools)
        assert (await session.turn("Go.")).ended.text == "Done."
        exported = await it.store.export(journal.session)
    told = cast("dict[str, object]", json.loads(json.dumps(exported)))
    found = await rerun(told)
    assert found.difference is None
    assert (found.turns, found.requests) == (1, 3)
    without = await rerun(told, tools_for("propose"))
    assert without.difference is not None
