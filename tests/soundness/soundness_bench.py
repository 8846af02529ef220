"""Programs that are fixed without an editor, by rules or by a model that says what a test wants."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixwright.fix.fix import Fix
from fixwright.fix.problem import problem_of
from fixwright.headless import Headless, headless
from fixwright.runs.run import Run
from fixwright.runs.target import Target
from fixwright.workspace.paths import path_to_uri
from support.needs import needs


@dataclass(frozen=True)
class Bench:
    """A folder of broken files, and the ladder over it."""

    folder: Path
    tools: Headless
    main: str

    async def run(self, kind: Any = "file", **more: Any) -> Run:
        uri = path_to_uri(self.folder / self.main)
        return await self.tools.runner.run(self.tools.snapshot, Target(kind, uri, **more))

    async def fix(self, kind: Any = "file") -> Fix:
        return await self.fix_of(await self.run(kind))

    async def fix_of(self, before: Run) -> Fix:
        assert before.failures, before.outcome
        problem = problem_of(before, before.failures[0])
        assert problem is not None
        return await self.tools.ladder.fix(before.snapshot, problem, lambda _: None)

    def on_disk(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.folder)): path.read_text("utf-8")
            for path in self.folder.rglob("*")
            if path.is_file()
        }


@asynccontextmanager
async def bench(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: Mapping[str, str],
    turns: Sequence[Mapping[str, Any]] | None = None,
) -> AsyncGenerator[Bench, None]:
    """The first of the files is run. With turns, a scripted model says them."""
    needs("bubblewrap")
    work = folder / "work"
    for path, text in files.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(text, "utf-8")
    settings = {"SANDBOX_BACKEND": "bubblewrap", "SANDBOX_POOL": "0", "MODEL_PROVIDER": "none"}
    if turns is not None:
        script = folder / "script.json"
        script.write_text(json.dumps({"protocol": "anthropic", "turns": list(turns)}))
        settings |= {"MODEL_PROVIDER": "scripted", "MODEL_SCRIPT": str(script)}
    for name, value in settings.items():
        monkeypatch.setenv(f"FIXWRIGHT_{name}", value)
    async with headless(work) as tools:
        assert not tools.problems
        yield Bench(work, tools, next(iter(files)))
