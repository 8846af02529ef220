"""Sound programs, broken at random as people break them: how many do the rules restore?

The figures: `pytest -o log_cli=true -o log_cli_level=INFO tests/fix/test_rules_mutations.py`.
"""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from fixwright_sandbox import Sandbox
from support.programs import MUTATIONS, PROGRAMS
from support.rulebench import applied, attempt
from support.sandboxes import open_or_skip

EACH = 4

log = logging.getLogger(__name__)


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
        log.info("%26s: %d of %d, first %d", kind, good, len(results), results.count(0))
    summary = (
        f"fixed {len(fixed)} of {len(everything)}, by the first candidate {fixed.count(0)},"
        f" restored to the letter {exact}"
    )
    log.info(summary)
    assert len(fixed) >= 0.85 * len(everything), summary
    assert fixed.count(0) >= 0.85 * len(fixed), summary
