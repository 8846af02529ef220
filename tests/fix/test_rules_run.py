"""The rules against broken programs that are really run, before and after."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from fixwright_sandbox import Sandbox
from support.rule_cases import BASH, BROKEN_BEFORE_3_12, NOTHING_TO_PROPOSE, PYTHON
from support.rulebench import attempt
from support.sandboxes import open_or_skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    opened = await open_or_skip("unconfined")
    async with opened:
        yield opened


@pytest.fixture(scope="module")
def tally() -> list[int]:
    """Which candidate fixed each program, counted from zero."""
    return []


def files_of(case: str | dict[str, str], main: str) -> dict[str, str]:
    return {main: case} if isinstance(case, str) else case


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", PYTHON)
async def test_a_python_program_is_fixed(name: str, sandbox: Sandbox, tally: list[int]) -> None:
    if name in BROKEN_BEFORE_3_12 and sys.version_info >= (3, 12):
        pytest.skip("nothing is wrong with this program since Python 3.12")
    outcome = await attempt(sandbox, files_of(PYTHON[name], "main.py"))
    assert outcome.failure is not None, "the program was meant to fail"
    assert outcome.fixed_by is not None, (outcome.failure.message, outcome.titles)
    tally.append(outcome.fixed_by)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", BASH)
async def test_a_bash_script_is_fixed(name: str, sandbox: Sandbox, tally: list[int]) -> None:
    outcome = await attempt(sandbox, files_of(BASH[name], "main.sh"))
    assert outcome.failure is not None, "the script was meant to fail"
    assert outcome.fixed_by is not None, (outcome.failure.message, outcome.titles)
    tally.append(outcome.fixed_by)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", NOTHING_TO_PROPOSE)
async def test_nothing_silly_is_proposed(name: str, sandbox: Sandbox) -> None:
    outcome = await attempt(sandbox, {"main.py": NOTHING_TO_PROPOSE[name]})
    assert outcome.failure is not None
    assert outcome.titles == []


def test_most_are_fixed_by_the_first_candidate(tally: list[int]) -> None:
    assert tally.count(0) >= 0.9 * len(tally), f"{tally.count(0)} of {len(tally)}"
