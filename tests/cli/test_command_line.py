"""What a person at a prompt, or a script, gets from the command line."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.go_toolchain import goroot
from support.packages import publish_to_cargo, publish_to_go, serve_index, write_wheel

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
        ("", "it is empty; name a file"),
        ("none.py", "there is no file none.py"),
        ("none\n.py", "there is no file none"),
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


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "Usage: "),
        (("walk",), "No such command 'walk'"),
        (("run",), "Missing argument 'FILE[:A-B]'"),
        (("run", "main.py", "--loud"), "No such option"),
        (("test", "none"), "Path 'none' does not exist"),
    ],
)
def test_bad_usage(tmp_path: Path, arguments: tuple[str, ...], why: str) -> None:
    write(tmp_path, "main.py", "pass\n")
    done = fixwright(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr


def test_a_file_may_be_named_like_a_place(tmp_path: Path) -> None:
    write(tmp_path, "a.py:1", "#!/usr/bin/env python3\nprint('hello')\n")
    done = fixwright(tmp_path, "run", "a.py:1")
    assert (done.returncode, done.stdout) == (0, "hello\n")


def test_lines_run_with_what_they_need(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "x = 20\nprint('not this')\nprint(x + 1)\n# end\n")
    done = fixwright(tmp_path, "run", "a.py:3")
    assert (done.returncode, done.stdout) == (0, "21\n")
    assert "a.py, line 3: passed" in done.stderr
    for place, why in (("a.py:4", "no code in the selection"), ("a.py:9", "Nothing is selected")):
        done = fixwright(tmp_path, "run", place)
        assert done.returncode == 3
        assert why in done.stderr


SUITE = """\
import unittest


class T(unittest.TestCase):
    def test_right(self):
        self.assertEqual(1, 1)

    def test_wrong(self):
        self.assertEqual(1, 2)

    @unittest.skip("later")
    def test_later(self):
        pass
"""


def test_tests_are_counted_and_the_failing_one_is_named(tmp_path: Path) -> None:
    write(tmp_path, "test_a.py", SUITE)
    done = fixwright(tmp_path, "test", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["status"]) == (1, "failed")
    assert report["tests"] == {"passed": 1, "failed": 1, "skipped": 1}
    (failure,) = report["failures"]
    assert failure["testId"] == "test_a.py::T::test_wrong"
    assert failure["range"]["start"]["line"] == 8
    write(tmp_path, "test_a.py", SUITE.replace("1, 2", "2, 2"))
    done = fixwright(tmp_path, "test", "test_a.py", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["status"], report["failures"]) == (0, "passed", [])
    assert report["tests"] == {"passed": 2, "failed": 0, "skipped": 1}


def test_a_folder_without_tests_is_no_success(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "pass\n")
    done = fixwright(tmp_path, "test")
    assert done.returncode == 1
    assert "no tests" in done.stderr.lower()


def test_the_tests_of_a_script_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.sh", "true\n")
    done = fixwright(tmp_path, "test", "a.sh", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["status"]) == (3, "refused")
    assert report["reason"] == "There is no test runner for Bash. Run the file itself."


def asked(
    folder: Path, answer: str, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """What a person at a terminal gets, who answers that; with folders of its own for the user."""
    homes = {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CACHE", "DATA", "CONFIG")}
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        return subprocess.run(
            [sys.executable, "-m", "fixwright", *arguments],
            cwd=folder / "project",
            env={**os.environ, "FIXWRIGHT_SANDBOX_BACKEND": "bubblewrap", **homes, **environment},
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_a_person_is_asked_for_packages_that_a_run_lacks(
    tmp_path: Path, answer: str, code: int
) -> None:
    house, project = tmp_path / "house", tmp_path / "project"
    project.mkdir()
    write(project, "main.py", "import greet_kit\nprint(greet_kit.HELLO)\n")
    write(project, "requirements.txt", "greet-kit\n")
    write_wheel(house, "greet-kit", "1.0", {"greet_kit.py": "HELLO = 'hello'\n"})
    with serve_index(house) as index:
        done = asked(tmp_path, answer, "run", "main.py", PIP_INDEX_URL=index.url)
    assert done.returncode == code, done.stderr
    assert "greet-kit (requirements.txt:1)" in done.stderr
    assert done.stdout == ("hello\n" if answer == "y" else "")
    assert bool(list((tmp_path / "cache").glob("fixwright/layers/*"))) == (answer == "y")


@pytest.mark.skipif(goroot() is None, reason="Go is not on this machine")
def test_a_person_is_asked_for_modules_of_go(tmp_path: Path) -> None:
    house, project = tmp_path / "house", tmp_path / "project"
    project.mkdir()
    code = 'package greet\n\nconst Hello = "hello"\n'
    write(project, "go.sum", publish_to_go(house, "example.com/greet", "v1.0.0", code))
    write(project, "go.mod", "module mine\n\ngo 1.21\n\nrequire example.com/greet v1.0.0\n")
    main = 'package main\n\nimport "example.com/greet"\n\nfunc main() { print(greet.Hello) }\n'
    write(project, "main.go", main)
    with serve_index(house) as index:
        proxy = {"GOPROXY": index.url.removesuffix("/simple"), "GOSUMDB": "off"}
        done = asked(tmp_path, "y", "run", "main.go", **proxy)
    assert "example.com/greet@v1.0.0 (go.mod:5)" in done.stderr
    assert done.returncode == 0, done.stderr
    told = asked(tmp_path, "", "sandbox", "deps", "main.go", "--install", "--json")
    assert json.loads(told.stdout)["installed"] == [
        {"name": "example.com/greet", "version": "v1.0.0"}
    ]


@pytest.mark.skipif(shutil.which("cargo") is None, reason="Cargo is not on this machine")
def test_a_person_is_asked_for_crates(tmp_path: Path) -> None:
    house, project, home = tmp_path / "house", tmp_path / "project", tmp_path / "home"
    house.mkdir()
    home.mkdir()
    (project / "src").mkdir(parents=True)
    write(
        project,
        "Cargo.toml",
        '[package]\nname = "mine"\nversion = "0.1.0"\n\n[dependencies]\ngreet-kit = "1"\n',
    )
    write(project, "src/main.rs", 'fn main() { println!("{}", greet_kit::HELLO); }\n')
    with serve_index(house) as index:
        address = index.url.removesuffix("/simple")
        code = 'pub const HELLO: &str = "hello";\n'
        mine = publish_to_cargo(house, address, "greet-kit", code)
        config = f'[source.crates-io]\nreplace-with = "mine"\n[source.mine]\nregistry = "{mine}"\n'
        write(home, "config.toml", config)
        done = asked(tmp_path, "y", "run", "src/main.rs", CARGO_HOME=str(home))
    assert "greet-kit 1 (Cargo.toml:6)" in done.stderr
    assert "There is no Cargo.lock" in done.stderr
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 4), ("", 4)])
def test_without_a_sandbox_a_person_is_asked(tmp_path: Path, answer: str, code: int) -> None:
    write(tmp_path, "main.py", "import os\nopen('ran', 'w')\nprint(os.getcwd())\n")
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [sys.executable, "-m", "fixwright", "run", "main.py"],
            cwd=tmp_path,
            env={
                **os.environ,
                "FIXWRIGHT_SANDBOX_BACKEND": "docker",
                "DOCKER_HOST": "unix:///nonexistent/docker.sock",
            },
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == code, done.stderr
    assert "By its text it may write files (line 2)." in done.stderr
    assert bool(done.stdout) == (answer == "y")
    assert not (tmp_path / "ran").exists(), "it runs in a copy even so"
