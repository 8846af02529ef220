"""The face without async."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import fixwright_sandbox
from fixwright_sandbox import Blob, Request, RunFile, SandboxUnavailable, sync
from support.leftovers import until_none
from support.needs import needs
from support.sandboxes import PATIENCE, backends, settings_for


@pytest.fixture(scope="module", params=backends("docker", "bubblewrap"))
def workspace(request: pytest.FixtureRequest) -> Iterator[sync.Workspace]:
    needs(request.param)
    files = {"main.py": "print('hello')"}
    with sync.open_sandbox(settings_for(request.param)) as sandbox:
        with sandbox.create(files=files) as workspace:
            yield workspace
        assert _threads()
    assert not _threads()


def _threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("fixwright")]


def test_every_public_name_is_there() -> None:
    for name in ("Sandbox", "Workspace", "Execution"):
        there, here = getattr(fixwright_sandbox, name), getattr(sync, name)
        public = {each for each in vars(there) if not each.startswith("_")}
        public -= {"layers"}  # installing asks its questions where there is a loop
        assert public - set(vars(here)) == set(), name
        for each in public:
            if inspect.isfunction(vars(there)[each]) and (name, each) != ("Sandbox", "start"):
                wanted = inspect.signature(vars(there)[each]).parameters
                assert inspect.signature(vars(here)[each]).parameters == wanted, (name, each)


def test_a_session_keeps_its_state(workspace: sync.Workspace) -> None:
    session = workspace.session()
    assert session.run("x = 20").wait().status == "passed"
    assert session.run("print(x + 1)").wait().stdout.data == b"21\n"
    assert session.state == "alive"
    session.restart()
    assert session.run("print(x)").wait().status == "failed"
    session.close()
    assert session.state == "closed"


def test_runs_and_files(workspace: sync.Workspace, tmp_path: Path) -> None:
    assert workspace.run(file="main.py").wait().stdout.data == b"hello\n"
    events = [event.kind for event in workspace.run(code="print(1)\nopen('x', 'w')")]
    assert events == ["start", "stdout", "file", "end"]
    workspace.write("a/b.txt", "x")
    workspace.snapshot("s")
    assert workspace.run("echo y > a/b.txt", keep=True).wait().kept
    assert workspace.read_text("a/b.txt") == "y\n"
    workspace.keep(workspace.run("echo z > a/b.txt").wait())
    assert workspace.read("a/b.txt") == b"z\n"
    assert workspace.download("a", tmp_path) == (tmp_path / "b.txt",)
    assert workspace.upload(tmp_path, "up") == ("up/b.txt",)
    assert [file.path for file in workspace.files("up")] == ["up/b.txt"]
    workspace.reset("s")
    workspace.remove("a")
    assert list(workspace.tree) == ["main.py"]
    assert [each.name for each in workspace.snapshots] == ["s"]


def test_a_conversation_and_signals(workspace: sync.Workspace) -> None:
    with workspace.run(code="print(input())\nprint(input())", interactive=True) as run:
        run.write("one\n")
        for event in run:
            if event.kind == "stdout":
                break
        run.write("two\n")
        run.close_stdin()
        assert run.wait().stdout.data == b"one\ntwo\n"
    with workspace.run("sleep 60") as run:
        run.kill()
        assert run.wait().signal == "SIGKILL"
    with workspace.run(code="import time; time.sleep(60)") as run:
        run.interrupt()
        assert run.wait().exit_code == 130
    with workspace.run("sleep 60") as run:
        run.signal("SIGTERM")
        assert run.wait().signal == "SIGTERM"
    with workspace.run("sleep 60") as run:
        pass
    assert run.wait().status == "cancelled"


def test_ctrl_c_cancels_the_run(workspace: sync.Workspace) -> None:
    run = workspace.run(code="print('on')\nimport time; time.sleep(60)")

    def press() -> None:
        for event in run:
            if event.kind == "stdout":
                break
        signal.raise_signal(signal.SIGINT)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    presser = threading.Thread(target=press)
    with pytest.raises(KeyboardInterrupt):
        presser.start()
        run.wait()
    presser.join(PATIENCE)
    result = run.wait()
    assert (result.status, result.stdout.data) == ("cancelled", b"on\n")
    assert workspace.run(code="print('next')").wait().stdout.data == b"next\n"


def test_the_whole_of_it_by_request() -> None:
    with sync.open_sandbox(settings_for("unconfined")) as sandbox:
        sandbox.prepare("w")
        run = sandbox.start("w", Request("python", RunFile("a"), {"a": Blob(b"print(1)")}))
        assert run.wait().stdout.data == b"1\n"
        sandbox.release("w")
        assert (sandbox.backend, sandbox.image) == ("unconfined", None)
    sandbox.close()  # the second time nothing happens
    with pytest.raises(RuntimeError, match="closed"):
        sandbox.prepare("w")


def test_what_can_not_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.enumerate()
    with pytest.raises(SandboxUnavailable):
        sync.open_sandbox(settings_for("docker", docker_host=f"unix://{tmp_path}/nothing"))
    assert threading.enumerate() == before


FORGETFUL = """
from fixwright_sandbox import sync
from fixwright_sandbox import SandboxSettings
sandbox = sync.open_sandbox(SandboxSettings(backend="unconfined", pool=0))
print(sandbox.create(files={"a.py": "print('ran')"}).run(file="a.py").wait().stdout.data.decode())
"""


def test_a_script_that_forgets_to_close_ends_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORGETFUL],
        capture_output=True, timeout=PATIENCE, check=False,
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == (b"ran\n\n", b"", 0), done.stderr.decode()
    asyncio.run(until_none(lambda: list(tmp_path.iterdir())))
