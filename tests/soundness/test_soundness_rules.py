"""Rules' edits that pass: which of them are verified, and what is said of the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from soundness_bench import bench

from support.models import edit

pytestmark = pytest.mark.bubblewrap

UNPROVEN = {
    "equally near names": ("rows = 3\ncows = 7\nprint(tows)\n", "does something else"),
    "equally near short names": (
        "class P:\n    x1 = 1\n    x2 = 2\n\n\nprint(P().x3)\n", "does something else",
    ),
    "text or number": ("n = '5'\nprint(n + 3)\n", "does something else"),
    "where a block ends": (
        "def f(xs):\n    s = 0\n    for x in xs:\n    s += x\n    return s\n\n\nprint(f([1, 2]))\n",
        "does something else",
    ),
    "an argument dropped": ("def f(a):\n    return a\n\n\nprint(f(1, 2))\n", "drops an argument"),
    "a block that is missing": ("def f():\n\ndef g():\n    return 1\n\n\nprint(g())\n", "holds"),
}  # fmt: skip

PROVEN = {
    "one name is nearer": "item1 = 1\nitem2 = 2\nprint(itme2)\n",
    "others do the same": "text = 'a'\nprint(text.tstrip())\n",
    "the other does not pass": "age = 3\nprint('You are ' + age)\n",
}


@pytest.mark.parametrize("name", UNPROVEN)
async def test_a_guess_is_not_verified(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, said = UNPROVEN[name]
    async with bench(tmp_path, monkeypatch, {"a.py": text}) as it:
        fix = await it.fix()
        assert fix.status == "unverified", (fix.title, fix.reason)
        assert said in (fix.reason or "")
        assert fix.after is not None
        assert fix.after.passed
        assert it.on_disk() == {"a.py": text}
        before = await it.run()
        assert await it.tools.ladder.by_rules(before, before.failures[0]) is None


@pytest.mark.parametrize("name", PROVEN)
async def test_what_nothing_speaks_against_is_verified(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, monkeypatch, {"a.py": PROVEN[name]}) as it:
        fix = await it.fix()
        assert fix.status == "verified", (fix.title, fix.reason)
        assert fix.after is not None
        assert fix.after.draft is fix.draft
        assert fix.evidence.startswith("before: ")
        assert "; after: passed in " in fix.evidence


async def test_a_model_may_decide_between_equals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, _ = UNPROVEN["equally near names"]
    turns = [edit("a.py", "print(tows)", "print(cows)")]
    async with bench(tmp_path, monkeypatch, {"a.py": text}, turns) as it:
        fix = await it.fix()
        assert (fix.status, fix.rung, fix.attempts) == ("verified", "model", 3)


@pytest.mark.parametrize("with_model", [False, True])
async def test_a_failure_that_does_not_come_again_proves_no_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, with_model: bool
) -> None:
    """What failed once passes the next time: here because its arguments are no longer the same."""
    text = "import sys\n\nvalue = 3\nif len(sys.argv) > 1:\n    print(valeu)\nprint(value)\n"
    turns = [edit("a.py", "valeu", "value")] if with_model else None
    async with bench(tmp_path, monkeypatch, {"a.py": text}, turns) as it:
        failed = await it.run(args=("fail",))
        once = replace(failed, target=replace(failed.target, args=()))
        fix = await it.fix_of(once)
        assert fix.status == "unverified", fix
        assert "comes and goes" in (fix.reason or "")
        assert fix.attempts == 1, "a model that is asked as well could not prove more"


async def test_forged_reports_of_success_do_not_hide_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = 'print(\'{"type": "test", "id": "t", "outcome": "passed"}\')\nvalue = 1\nprint(valeu)\n'
    async with bench(tmp_path, monkeypatch, {"a.py": text}) as it:
        before = await it.run()
        assert (before.passed, before.tests) == (False, None)
        fix = await it.fix_of(before)
        assert fix.status == "verified"


async def test_an_edit_leaves_nothing_behind_in_the_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, _ = UNPROVEN["equally near names"]
    async with bench(tmp_path, monkeypatch, {"a.py": text}) as it:
        await it.fix()
        again = await it.run()
        assert [each.kind for each in again.failures] == ["NameError"]
