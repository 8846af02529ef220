"""Sound programs, broken at random as people break them: how many do the rules restore?"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from support.programs import MUTATIONS, PROGRAMS
from support.rulebench import applied, attempt
from support.sandboxes import open_or_skip

from fixwright_sandbox import Sandbox

EACH = 4


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    opened = await open_or_skip("unconfined")
    async with opened:
        yield opened


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("seed", [1, 2])
async def test_most_broken_programs_are_restored(seed: int, sandbox: Sandbox) -> None:
    chance = random.Random(seed)
    tried: dict[str, list[int | None]] = defaultdict(list)
    exact = 0
    for kind, mutate in MUTATIONS.items():
        broken = {
            (source, mutated)
            for source in PROGRAMS.values()
            for mutated in (mutate(source, chance) for _ in range(EACH))
            if mutated is not None and mutated != source
        }
        for source, mutated in sorted(broken):
            files = {"main.py": mutated}
            outcome = await attempt(sandbox, files)
            if outcome.failure is None:
                continue  # it does no harm
            tried[kind].append(outcome.fixed_by)
            if outcome.fixed_by is not None:
                exact += applied(files, outcome.candidates[outcome.fixed_by])["main.py"] == source
    everything = [by for results in tried.values() for by in results]
    fixed = [by for by in everything if by is not None]
    for kind, results in tried.items():
        good = sum(by is not None for by in results)
        print(f"{kind:>26}: {good} of {len(results)}, by the first {results.count(0)}")
    print(f"fixed {len(fixed)} of {len(everything)}, by the first candidate {fixed.count(0)},")
    print(f"restored to the letter {exact}")
    assert len(fixed) >= 0.8 * len(everything)
    assert fixed.count(0) >= 0.85 * len(fixed)
