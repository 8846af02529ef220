"""Optimisations: offered when the tests pass and a benchmark shows the gain, not else."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.crafts import faster, suite, workshop

SLOW = """\
PAUSE = 0.15


def total(count):
    found = 0
    for number in range(count):
        found += number
    return found
"""
LOOP = "    found = 0\n    for number in range(count):\n        found += number\n    return found\n"
CLOSED = "    return count * (count - 1) // 2\n"
TEST = """\
from summing import total


def test_total():
    assert (total(0), total(4)) == (0, 6)
"""
BENCH = "from summing import total\n\nprint(total(16_000_000))\n"

pytestmark = pytest.mark.slow

FILES = {"summing.py": SLOW, "test_summing.py": TEST}
EDIT = (LOOP, CLOSED)
LINE = 3


async def test_a_gain_is_shown_with_its_figures(tmp_path: Path) -> None:
    answers = [faster(BENCH, EDIT, path="summing.py")]
    async with workshop(tmp_path, FILES, answers) as shop:
        ended = (await shop.optimise(LINE, "summing.py")).ended
        assert ended.status == "done", (ended, shop.results())
        assert "ms before" in ended.text
        assert "at most" in ended.text
        assert "1 tests of it pass; they notice a mutant" in ended.text
        tested, bench = ended.claims
        assert [each["standing"] for each in ended.claims] == ["shown", "shown"]
        evidence = shop.session.desk.evidence
        assert evidence[str(tested["evidence"])].run.target.kind == "tests"
        assert evidence[str(bench["evidence"])].run.passed
        assert shop.drafted("summing.py") == SLOW.replace(LOOP, CLOSED)
        assert len(shop.session.draft.changed) == 1, "the benchmark is no part of the draft"


async def test_changed_behaviour_is_told_by_the_tests_and_by_the_result(tmp_path: Path) -> None:
    wrong = (LOOP, "    return count * (count + 1) // 2\n")
    unseen = (LOOP, "    return min(count * (count - 1) // 2, 100)\n")
    answers = [
        faster(BENCH, wrong, path="summing.py"),
        faster(BENCH, unseen, path="summing.py"),
        {"text": "I give up."},
    ]
    async with workshop(tmp_path, FILES, answers) as shop:
        ended = (await shop.optimise(LINE, "summing.py")).ended
        tested, benched = shop.results()
        assert "the tests do not pass any more" in tested
        assert "AssertionError" in tested
        assert "gives another result with the edit" in benched
        assert ended.status == "refused"
        assert "I give up." in str(ended.reason)
        assert shop.session.draft.is_empty


async def test_what_is_slower_is_refused(tmp_path: Path) -> None:
    slower = (LOOP, LOOP.replace("found += number", "found = found + number + 0"))
    answers = [faster(BENCH, slower, path="summing.py"), {"text": "No."}]
    async with workshop(tmp_path, FILES, answers) as shop:
        ended = (await shop.optimise(LINE, "summing.py")).ended
        [refused] = shop.results()
        assert "shows no gain" in refused
        assert ended.status == "refused"


@pytest.mark.parametrize(
    ("bench", "why"),
    [
        ("import time\nimport summing\ntime.sleep(0.3)\n", "uses sleep"),
        ("import summing\nprint(hasattr(summing, 'new'))\n", "uses hasattr"),
        ("import summing\nif summing.total(3) == 3:\n    print(1)\n", "decides something"),
        ("import summing\nprint(summing.total(3) and 1)\n", "decides something"),
        ("import summing\nprint([0] * (summing.total(3) == 3))\n", "decides something"),
        ("print(", "no valid python"),
    ],
)
async def test_a_benchmark_that_could_tell_the_versions_apart_is_not_run(
    tmp_path: Path, bench: str, why: str
) -> None:
    answers = [faster(bench, EDIT, path="summing.py"), {"text": "No."}]
    async with workshop(tmp_path, FILES, answers) as shop:
        ended = (await shop.optimise(LINE, "summing.py")).ended
        assert why in shop.results()[0]
        assert ended.status == "refused"


async def test_less_waiting_is_no_gain(tmp_path: Path) -> None:
    """A benchmark that waits by a number of the code's: the edit makes it wait less."""
    bench = "import select\nimport summing\nselect.select([], [], [], summing.PAUSE)\n"
    answers = [faster(bench, ("PAUSE = 0.15", "PAUSE = 0"), path="summing.py"), {"text": "No."}]
    async with workshop(tmp_path, FILES, answers) as shop:
        ended = (await shop.optimise(LINE, "summing.py")).ended
        assert "only waits less" in shop.results()[0]
        assert ended.status == "refused"


async def test_a_benchmark_has_to_take_some_time(tmp_path: Path) -> None:
    bench = "from summing import total\n\nprint(total(10))\n"
    answers = [faster(bench, EDIT, path="summing.py"), {"text": "No."}]
    async with workshop(tmp_path, FILES, answers) as shop:
        await shop.optimise(LINE, "summing.py")
        assert "has to take" in shop.results()[0]


async def test_without_tests_some_are_generated_first_and_it_says_so(tmp_path: Path) -> None:
    change = faster(BENCH, EDIT, path="summing.py")
    answers = [change, suite(TEST, "test_summing.py"), change]
    async with workshop(tmp_path, {"summing.py": SLOW}, answers) as shop:
        ended = (await shop.optimise(LINE, "summing.py")).ended
        first, second, _ = shop.results()
        assert "no tests of this code" in first
        assert "new tests pass" in second
        assert ended.status == "done", shop.results()
        assert "1 were generated first" in ended.text
        assert shop.drafted("test_summing.py") == TEST
        assert shop.drafted("summing.py") == SLOW.replace(LOOP, CLOSED)


async def test_tests_that_notice_nothing_guard_nothing(tmp_path: Path) -> None:
    blind = "from summing import total\n\n\ndef test_total():\n    total(4)\n"
    answers = [faster(BENCH, EDIT, path="summing.py"), {"text": "No."}]
    async with workshop(tmp_path, {**FILES, "test_summing.py": blind}, answers) as shop:
        ended = (await shop.optimise(LINE, "summing.py")).ended
        assert "notice no fault in this code" in shop.results()[0]
        assert ended.status == "refused"


async def test_tests_are_not_edited(tmp_path: Path) -> None:
    edit = ("== (0, 6)", "== (0, 6) or True")
    answers = [faster(BENCH, edit, path="test_summing.py"), {"text": "No."}]
    async with workshop(tmp_path, FILES, answers) as shop:
        await shop.optimise(LINE, "summing.py")
        assert "holds the tests" in shop.results()[0]


async def test_where_its_tests_fail_nothing_is_optimised(tmp_path: Path) -> None:
    failing = TEST.replace("6)", "7)")
    answers = [faster(BENCH, EDIT, path="summing.py")]
    async with workshop(tmp_path, {**FILES, "test_summing.py": failing}, answers) as shop:
        ended = (await shop.optimise(LINE, "summing.py")).ended
        assert ended.status == "refused"
        assert "do not pass as it is" in str(ended.reason)
