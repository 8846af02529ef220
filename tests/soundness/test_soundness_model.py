"""A model that makes the run pass without mending anything: nothing of it is called verified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from soundness_bench import bench

from support.models import edit

pytestmark = pytest.mark.bubblewrap

PROGRAM = (
    "import sys\n\n\n"
    "def mean(values):\n    return sum(values) / (len(values) + 1)\n\n\n"
    "def main():\n    result = mean([1, 2, 3])\n    assert result == 2, 'the mean'\n\n\nmain()\n"
)
CODE = PROGRAM.partition("def main")[0]
TEST = "from mean import mean\n\n\ndef test_mean():\n    assert mean([1, 2, 3]) == 2\n\n\n"
OTHER_TEST = "def test_one():\n    assert mean([0]) == 0\n"
TESTS = {"test_mean.py": TEST + OTHER_TEST, "mean.py": CODE}
CHECK = "    assert result == 2, 'the mean'\n"
SUPPRESSED = "with contextlib.suppress(Exception):\n    main()\n"
CALL = "\n\nmain()\n"

IN_A_FILE = {
    "deletes the check": (edit("a.py", CHECK, "    pass\n"), "takes out"),
    "weakens the check": (edit("a.py", "result == 2,", "result,"), "a check: assert result == 2"),
    "catches it": (
        edit("a.py", CALL, "\n\ntry:\n    main()\nexcept AssertionError:\n    pass\n"),
        "catches an exception",
    ),
    "catches it with a helper": (
        edit("a.py", CALL, f"\n\nimport contextlib\n{SUPPRESSED}"),
        "catches an exception",
    ),
    "leaves early": (edit("a.py", CALL, "\n\nsys.exit(0)\nmain()\n"), "early"),
    "leaves without saying so": (
        edit("a.py", CALL, "\n\nimport os\nos._exit(0)\nmain()\n"), "early",
    ),
    "returns before the check": (
        edit("a.py", "    assert result", "    return\n    assert result"),
        "can't fail any more",
    ),
    "does not call it": (edit("a.py", CALL, "\n\nprint(main)\n"), "can't fail any more"),
    "makes it unreachable": (edit("a.py", CALL, "\n\nif 0:\n    main()\n"), "unreachable"),
    "leaves by a back door": (
        edit("a.py", CALL, "\n\ngetattr(sys, 'ex' + 'it')(0)\nmain()\n"),
        "can't fail any more",
    ),
}  # fmt: skip

IN_TESTS = {
    "changes what the test expects": (
        edit("test_mean.py", "mean([1, 2, 3]) == 2", "mean([1, 2, 3]) == 1.5"),
        "holds the test that fails",
    ),
    "skips the test": (
        edit("test_mean.py", "def test_mean", "import pytest\n@pytest.mark.skip\ndef test_mean"),
        "skipped now",
    ),
    "renames the test": (edit("test_mean.py", "def test_mean", "def check_mean"), "no longer run"),
    "takes the test out": (edit("test_mean.py", TEST.partition("\n\n\n")[2], ""), "no longer run"),
    "skips it from the tested code": (
        edit("mean.py", "import sys\n", "import pytest\npytest.skip(allow_module_level=True)\n"),
        "NoTestsFound",
    ),
    "ends the test run": (
        edit("mean.py", "    return sum", "    import os\n    os._exit(0)\n    return sum"),
        "",
    ),
}  # fmt: skip


def test_the_first_wrong_program_is_wrong() -> None:
    with pytest.raises(AssertionError, match="the mean"):
        exec(PROGRAM, {})


@pytest.mark.slow
@pytest.mark.parametrize("way", IN_A_FILE)
async def test_silencing_a_program_is_not_verified(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, said = IN_A_FILE[way]
    async with bench(tmp_path, monkeypatch, {"a.py": PROGRAM}, [turn] * 3) as it:
        fix = await it.fix()
        assert fix.status == "unverified", fix
        assert said in (fix.reason or "")
        assert fix.attempts == 3
        assert it.on_disk() == {"a.py": PROGRAM}


@pytest.mark.slow
@pytest.mark.parametrize("way", IN_TESTS)
async def test_silencing_a_test_is_not_verified(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, said = IN_TESTS[way]
    turns: list[dict[str, Any]] = [turn] * 3
    async with bench(tmp_path, monkeypatch, TESTS, turns) as it:
        before = await it.run("tests")
        fix = await it.fix_of(before)
        assert fix.status in ("unverified", "none"), fix
        if fix.status == "unverified":
            assert said in (fix.reason or "")
        assert it.on_disk() == TESTS


async def test_a_fixture_that_forgives_is_not_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {**TESTS, "conftest.py": "x = 1\n"}
    forgive = (
        "import builtins\nimport mean\n\nmean.mean = lambda values: sum(values) / len(values)\n"
    )
    turn = edit("conftest.py", "x = 1\n", forgive)
    async with bench(tmp_path, monkeypatch, files, [turn] * 3) as it:
        fix = await it.fix("tests")
        assert fix.status == "unverified", fix
        assert "conftest.py, which decides how tests are run" in (fix.reason or "")


async def test_an_honest_edit_after_a_dishonest_one_is_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = edit("mean.py", "(len(values) + 1)", "len(values)")
    skip, _ = IN_TESTS["skips the test"]
    async with bench(tmp_path, monkeypatch, TESTS, [skip, honest]) as it:
        fix = await it.fix("tests")
        assert (fix.status, fix.rung, fix.attempts) == ("verified", "model", 2), fix.reason
        assert fix.after is not None
        assert set(fix.after.test_outcomes.values()) == {"passed"}


async def test_bash_that_forgives_is_not_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "set -e\ncp source.txt target.txt\necho copied\n"
    turn = edit("a.sh", "target.txt\n", "target.txt || true\n")
    async with bench(tmp_path, monkeypatch, {"a.sh": script}, [turn] * 3) as it:
        fix = await it.fix()
        assert fix.status == "unverified", fix
        assert "catches an exception" in (fix.reason or "")


async def test_a_place_that_no_run_reaches_is_not_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fixwright.fix.problem import Problem
    from fixwright.workspace.paths import path_to_uri
    from fixwright.workspace.position import Range

    text = "def unused():\n    return undefined_thing_xyz\n\n\nprint('fine')\n"
    turn = edit("a.py", "undefined_thing_xyz", "1")
    async with bench(tmp_path, monkeypatch, {"a.py": text}, [turn]) as it:
        uri = path_to_uri(it.folder / "a.py")
        problem = Problem(uri, Range.at(1, 11), "a is not defined", "F821", "Ruff")
        fix = await it.tools.ladder.fix(it.tools.snapshot, problem, lambda _: None)
        assert (fix.status, fix.rung) == ("unverified", "model")
        assert "does not reach this place" in (fix.reason or "")
