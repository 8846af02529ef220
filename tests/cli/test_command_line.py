"""What a person at a prompt, or a script, gets from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.bubblewrap, pytest.mark.slow]

BROKEN = "def f(value):\n    return valeu\n\n\nprint(f(1))\n"


def fixwright(
    folder: Path, *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    settings = {"FIXWRIGHT_SANDBOX_BACKEND": "bubblewrap", "FIXWRIGHT_MODEL_PROVIDER": "none"}
    return subprocess.run(
        [sys.executable, "-m", "fixwright", *arguments],
        cwd=folder,
        env={**os.environ, **settings, **environment},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def test_a_failure_is_told_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, "über uns.py", "print('✓')\n1 / 0\n")
    done = fixwright(tmp_path, "run", "über uns.py")
    assert (done.returncode, done.stdout) == (1, "✓\n")
    assert "  über uns.py:2:1: ZeroDivisionError: division by zero\n" in done.stderr


def test_a_program_reads_what_stdin_names(tmp_path: Path) -> None:
    write(tmp_path, "main.py", "import sys\nprint('hello', input(), sys.argv[1:])\n")
    done = fixwright(tmp_path, "run", "main.py", "--stdin", "-", "--", "-x", stdin="Bob\n")
    assert (done.returncode, done.stdout) == (0, "hello Bob ['-x']\n")


def test_a_fix_is_written_only_when_asked_for(tmp_path: Path) -> None:
    write(tmp_path, "main.py", BROKEN)
    shown = fixwright(tmp_path, "fix", "main.py")
    assert shown.returncode == 0
    assert "+    return value\n" in shown.stdout
    assert (tmp_path / "main.py").read_text() == BROKEN
    assert fixwright(tmp_path, "fix", "main.py", "--apply").returncode == 0
    assert (tmp_path / "main.py").read_text() == BROKEN.replace("valeu", "value")


def test_the_tests_of_a_file_are_fixed_where_the_file_itself_passes(tmp_path: Path) -> None:
    write(tmp_path, "calc.py", "def double(value):\n    return 2 * valeu\n")
    write(
        tmp_path,
        "test_calc.py",
        "import unittest\nfrom calc import double\n\n\nclass TestCalc(unittest.TestCase):\n"
        "    def test_double(self):\n        self.assertEqual(double(2), 4)\n",
    )
    done = fixwright(tmp_path, "fix", "test_calc.py", "--apply")
    assert done.returncode == 0, done.stderr
    assert "2 * value\n" in (tmp_path / "calc.py").read_text()


def test_a_line_without_the_failure_is_named_as_that(tmp_path: Path) -> None:
    write(tmp_path, "main.py", BROKEN)
    done = fixwright(tmp_path, "fix", "main.py:5")
    assert done.returncode == 1
    assert "not on the lines that you named: NameError" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (("run", "sound.py"), 0, "passed"),
        (("run", "broken.py"), 1, "failed"),
        (("run", "notes.txt"), 3, "refused"),
        (("fix", "sound.py"), 0, "none"),
        (("fix", "broken.py"), 0, "verified"),
        (("fix", "broken.py:5"), 1, "none"),
        (("fix", "notes.txt"), 3, "refused"),
    ],
)
def test_json_is_a_report_however_it_ends(
    tmp_path: Path, arguments: tuple[str, ...], code: int, status: str
) -> None:
    write(tmp_path, "sound.py", "print('hello')\n")
    write(tmp_path, "broken.py", BROKEN)
    write(tmp_path, "notes.txt", "hello\n")
    done = fixwright(tmp_path, *arguments, "--json")
    assert (done.returncode, json.loads(done.stdout)["status"]) == (code, status)


def test_json_without_a_sandbox(tmp_path: Path) -> None:
    write(tmp_path, "main.py", "pass\n")
    done = fixwright(tmp_path, "run", "main.py", "--json", FIXWRIGHT_SANDBOX_BACKEND="none")
    report = json.loads(done.stdout)
    assert (done.returncode, report["status"]) == (4, "error")
    assert "turned off" in report["reason"]


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("none.py", "there is no file none.py"),
        (".", ". is a folder"),
        ("main.py:0", "lines count from 1"),
        ("main.py:9-3", "lines 9-3 are no range"),
    ],
)
def test_a_place_that_is_none(tmp_path: Path, place: str, why: str) -> None:
    write(tmp_path, "main.py", "pass\n")
    done = fixwright(tmp_path, "run", place)
    assert done.returncode == 2
    assert why in done.stderr
