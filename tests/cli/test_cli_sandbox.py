"""`fixwright sandbox …`, as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.needs import needs
from support.sandboxes import PATIENCE

pytestmark = pytest.mark.bubblewrap
CODE = "print(1)\nimport sys; print(2, file=sys.stderr)\nopen('new', 'w').write('x')\nsys.exit(7)"
WAITS = "print('on')\nimport time; time.sleep(99)"


@pytest.fixture(autouse=True)
def bubblewrap() -> None:
    needs("bubblewrap")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "fixwright", "sandbox", *arguments]


def fixwright(
    *arguments: str, stdin: bytes = b"", cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command(*arguments), input=stdin, capture_output=True, timeout=PATIENCE, check=False,
        cwd=cwd, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return fixwright("run", "--backend", "bubblewrap", *arguments, **options)


def test_a_command_code_and_a_file(tmp_path: Path) -> None:
    done = run("--", "echo", "a  b", "-n")
    assert (done.returncode, done.stdout) == (0, b"a  b -n\n")
    done = run("--code", CODE)
    assert (done.returncode, done.stdout) == (1, b"1\n")
    assert done.stderr == b"2\nfixwright: Failed with exit code 7. [bubblewrap]\n"
    (tmp_path / "hello.sh").write_text("echo $0; ls")
    done = run("--file", str(tmp_path / "hello.sh"))
    assert (done.returncode, done.stdout) == (0, b"hello.sh\nhello.sh\n")
    done = run("--runtime", "bash", "--code", "echo $((1+1))")
    assert done.stdout == b"2\n"


def test_a_folder_and_what_the_run_changed(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg/a.py").write_text("open('pkg/out.txt', 'w').write('out')")
    (tmp_path / "b.txt").write_text("b")
    done = run("--dir", ".", "--file", "pkg/a.py", "--changes", "changed", cwd=tmp_path)
    assert done.returncode == 0, done
    assert (tmp_path / "changed/pkg/out.txt").read_text() == "out"
    assert sorted(path.name for path in (tmp_path / "changed").rglob("*")) == ["out.txt", "pkg"]
    assert not (tmp_path / "pkg/out.txt").exists()


def test_standard_input_from_a_pipe_and_from_a_file(tmp_path: Path) -> None:
    code = "import sys; print(len(sys.stdin.buffer.read()))"
    assert run("--stdin", "--code", code, stdin=b"x" * 1_000_000).stdout == b"1000000\n"
    assert run("--code", code, stdin=b"not read").stdout == b"0\n"
    (tmp_path / "input").write_bytes(b"y" * 300_000)
    with (tmp_path / "input").open("rb") as file:
        done = subprocess.run(
            command("run", "--backend", "bubblewrap", "--stdin", "--code", code),
            stdin=file, capture_output=True, timeout=PATIENCE, check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
    assert done.stdout == b"300000\n"


def test_the_result_as_json() -> None:
    done = run("--json", "--timeout", "0.5", "--code", "print('on')\nwhile True: pass")
    told = json.loads(done.stdout)
    assert (done.returncode, told["status"], told["stdout"]) == (1, "timeout", "on\n")
    assert told["cpu_user"] > 0
    done = run("--json", "--code", CODE)
    told = json.loads(done.stdout)
    assert told["files"] == [{"path": "new", "change": "created", "bytes": 1}]
    assert (told["exit_code"], told["stderr"]) == (7, "2\n")


@pytest.mark.parametrize(
    "arguments",
    [(), ("--code", "1", "--", "ls"), ("--code", "1", "--timeout", "0"), ("--backend", "x"),
     ("--code", "1", "--runtime", "cobol"), ("--dir", "/nowhere", "--", "ls")],
)  # fmt: skip
def test_bad_usage(arguments: tuple[str, ...]) -> None:
    done = fixwright("run", *arguments)
    assert done.returncode == 2, done
    assert b"Error: " in done.stderr


def test_what_can_not_be_run() -> None:
    done = fixwright("run", "--backend", "bubblewrap", "--file", "/nowhere/a.py")
    assert done.returncode == 4
    assert done.stderr.startswith(b"fixwright: ")
    assert b"/nowhere/a.py" in done.stderr


def test_ctrl_c_cancels() -> None:
    process = subprocess.Popen(
        command("run", "--backend", "bubblewrap", "--code", WAITS),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"on\n"
    listed = json.loads(fixwright("ls", "--json").stdout)
    (mine,) = [each for each in listed if each["owner"] == process.pid]
    assert (mine["kind"], mine["backend"], mine["left"]) == ("process", "bubblewrap", False)
    table = fixwright("ls").stdout.decode()
    assert mine["environment"] in table
    used = json.loads(fixwright("stats", "--json").stdout)
    (mine,) = [each for each in used if each["owner"] == process.pid]
    assert mine["memory_bytes"] > 1 << 20
    assert mine["environment"] in fixwright("stats").stdout.decode()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said) == (4, b"fixwright: Stopped.\n")


def test_kill_ends_an_environment_and_its_owner_says_so() -> None:
    process = subprocess.Popen(
        command("run", "--backend", "bubblewrap", "--code", WAITS),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"on\n"
    listed = json.loads(fixwright("ls", "--json").stdout)
    (mine,) = [each["environment"] for each in listed if each["owner"] == process.pid]
    assert fixwright("kill", mine).returncode == 0
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 4
    again = fixwright("kill", mine)
    assert (again.returncode, mine.encode() in again.stderr) == (1, True)


def test_prune_says_what_it_does() -> None:
    assert fixwright("prune", "--dry-run").returncode == 0
    done = fixwright("prune", "--json")
    assert (done.returncode, type(json.loads(done.stdout))) == (0, list)
