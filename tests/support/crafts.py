"""A session for generated tests and optimisations, over one small project."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixwright.agent.budget import Limits
from fixwright.agent.crafts import work
from fixwright.agent.session import AgentSession, Surroundings, Turn, open_session
from fixwright.workspace.position import Position, Range
from support.agents import Rig, calls, rig
from support.models import Turn as Answer
from support.sandboxes import open_or_skip


@dataclass
class Workshop:
    """One session over a folder."""

    it: Rig
    session: AgentSession

    async def generate(self, line: int = 0, *, name: str) -> Turn:
        document = self.it.snapshot.document(self.it.uri(name))
        place = Range(Position(line, 0), Position(line, 0))
        return await work.generate_tests(self.session, document, place)

    async def optimise(self, line: int, name: str) -> Turn:
        document = self.it.snapshot.document(self.it.uri(name))
        place = Range(Position(line, 0), Position(line, 0))
        return await work.optimise(self.session, document, place)

    def drafted(self, name: str) -> str:
        return self.session.draft.text(self.it.uri(name))

    def results(self) -> list[str]:
        """What the tools told the model."""
        events = self.session.journal.events
        return [str(event.data["text"]) for event in events if event.type == "result"]


def suite(text: str, path: str = "test_code.py") -> Answer:
    given = {"path": path, "text": text, "title": "Its results"}
    return calls(("propose_tests", given))


def faster(benchmark: str, *edits: tuple[str, str], path: str) -> Answer:
    listed: list[Mapping[str, Any]] = [{"path": path, "old": old, "new": new} for old, new in edits]
    given = {"title": "A closed formula", "edits": listed, "benchmark": benchmark}
    return calls(("propose_optimisation", given))


@asynccontextmanager
async def workshop(
    folder: Path, files: Mapping[str, str], answers: Sequence[Answer]
) -> AsyncGenerator[Workshop, None]:
    """A session whose model answers so; nothing is written to the folder."""
    where = folder / "project"
    where.mkdir()
    for name, text in files.items():
        (where / name).write_text(text)
    async with (
        await open_or_skip("unconfined") as sandbox,
        rig(where, answers, sandbox) as it,
    ):
        around = Surroundings(
            now=lambda: it.snapshot,
            runner=it.desk.runner,
            models=it.loop.asking.models,
            small=it.loop.asking.small,
            guard=it.guard,
            clean=lambda text: text,
        )
        journal = await it.store.create([it.snapshot.folders[0].uri], "propose")
        async with journal:
            yield Workshop(it, await open_session(journal, "propose", around, Limits()))
    found = {each.name: each.read_text() for each in where.iterdir() if each.is_file()}
    assert found == dict(files), "only the editor writes files"
