"""Runs that go as they should: what they see, what they say, how they end."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from fixwright_sandbox import Blob, Event, RunCommand, RunFile
from support.sandboxes import PATIENCE, Bench, open_or_skip

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_python_says_hello(bench: Bench) -> None:
    result = await bench.run("print('hello')")
    assert (result.status, result.message, result.exit_code) == ("passed", "Passed.", 0)
    assert (result.stdout.data, result.stderr.data) == (b"hello\n", b"")
    assert result.backend == bench.sandbox.backend
    assert result.image == bench.sandbox.image
    assert result.peak_memory is not None
    assert result.peak_memory > 1 << 20


def _roundabout(path: str, folder: Path) -> str:
    return f"{folder}/{os.path.relpath(path, folder)}"


@pytest.mark.bubblewrap
async def test_an_interpreter_that_was_started_by_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", _roundabout(sys.executable, tmp_path))
    async with await open_or_skip("bubblewrap") as sandbox:
        result = await Bench(sandbox).run("import sys\nprint(sys.prefix)")
    assert result.stdout.data.decode().strip() == sys.prefix


async def test_bash_says_hello(bench: Bench) -> None:
    result = await bench.run("echo hello; echo oh >&2; exit 3", runtime="bash")
    assert (result.status, result.exit_code) == ("failed", 3)
    assert result.message == "Failed with exit code 3."
    assert (result.stdout.data, result.stderr.data) == (b"hello\n", b"oh\n")


async def test_arguments_input_and_environment_arrive(bench: Bench) -> None:
    bench.tree["pkg/tool.py"] = Blob(
        b"import os, sys, helper\nprint(sys.argv, sys.stdin.read(), os.environ['COLOUR'], helper.X)"
    )
    bench.tree["pkg/helper.py"] = Blob(b"X = 7")
    job = RunFile("pkg/tool.py", ("a b", "ü"))
    result = await bench.run(job, stdin=b"line\n" * 50_000, env={"COLOUR": "red"})
    assert result.status == "passed", result
    assert result.stdout.data.startswith(b"['pkg/tool.py', 'a b', '\xc3\xbc'] line\nline\n")
    assert result.stdout.data.endswith(b" red 7\n")


async def test_the_environment_is_clean(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "x")
    result = await bench.run(RunCommand(("env",)))
    names = {line.partition(b"=")[0] for line in result.stdout.data.splitlines()}
    assert b"SECRET_OF_THE_HOST" not in names
    assert (
        {b"PATH", b"HOME", b"LANG"}
        <= names
        <= {
            *(b"PATH", b"HOME", b"LANG", b"TMPDIR", b"PWD", b"SHLVL", b"_"),
            *(b"PYTHONUNBUFFERED", b"PYTHONDONTWRITEBYTECODE"),
        }
    )


async def test_descriptors_of_the_runner_stay_with_it(bench: Bench) -> None:
    program = RunCommand(("python3", "-c", "import os; print(sorted(os.listdir('/proc/self/fd')))"))
    result = await bench.run(program)
    assert result.stdout.data == b"['0', '1', '2', '3']\n"  # 3 is the listing's own
    forked = await bench.run("import os; print(len(os.listdir('/proc/self/fd')))")
    assert forked.stdout.data == b"5\n"  # 0, 1, 2, the reports', the listing's own


async def test_a_missing_program_is_named(bench: Bench) -> None:
    result = await bench.run(RunCommand(("no-such-program",)))
    assert (result.status, result.exit_code) == ("failed", 127)
    assert b"no-such-program: there is no such program" in result.stderr.data


async def test_a_module_of_the_tree_shadows_the_library(bench: Bench) -> None:
    bench.tree["random.py"] = Blob(b"X = 'mine'")
    assert (await bench.run("import random; print(random.X)")).stdout.data == b"mine\n"
    del bench.tree["random.py"]
    assert (await bench.run("import random; print(random.__doc__[:6])")).status == "passed"


ENDINGS = {
    "finalizers": "class A:\n    def __del__(self): print('gone', X)\nX = 7\na = A()",
    "cycle": "class A:\n    def __del__(self): print('gone', X)\nX = 7\na = A(); a.a = a",
    "weakref": "import weakref\nclass A: pass\na = A()\nf = weakref.finalize(a, print, 'final')",
    "atexit fails": "import atexit\natexit.register(lambda: 1 / 0)",
    "atexit exits": "import atexit, sys\natexit.register(lambda: sys.exit(5))",
    "pool": "import concurrent.futures as c\np = c.ThreadPoolExecutor()\np.submit(print, 'pooled')",
    "unflushed": "import sys\nf = open('out.txt', 'w')\nf.write('x')\nsys.stdout.write('y')",
    "closed": "import sys\nprint('x')\nsys.stdout.close()",
    "none": "import sys\nsys.stdout = None",
    "module": "import m",
    "daemon": "import threading, time\n"
    "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    "generator": "def g():\n    try: yield\n    finally: print('closed')\ni = g(); next(i)",
}


@pytest.mark.parametrize("name", ENDINGS)
async def test_a_run_ends_as_the_interpreter_does(bench: Bench, name: str) -> None:
    """The same program, forked here and started by its own interpreter, says the same."""
    bench.tree["m.py"] = Blob(b"class A:\n    def __del__(self): print('m', Y)\nY = 1\na = A()")
    bench.tree["main.py"] = Blob(ENDINGS[name].encode())
    forked = await bench.run(RunFile("main.py"))
    alone = await bench.run(RunCommand(("python3", "main.py")))
    assert (forked.exit_code, forked.stdout, forked.files) == (
        alone.exit_code,
        alone.stdout,
        alone.files,
    )
    assert forked.stderr.data.splitlines()[-1:] == alone.stderr.data.splitlines()[-1:]


async def test_the_interpreter_ends_as_by_itself(bench: Bench) -> None:
    result = await bench.run(
        "import atexit, threading, time\n"
        "atexit.register(print, 'atexit')\n"
        "threading.Thread(target=lambda: (time.sleep(.05), print('thread'))).start()\n"
        "print('main', end='')\n"
        "raise SystemExit(4)"
    )
    assert (result.exit_code, result.stdout.data) == (4, b"mainthread\natexit\n")


@pytest.mark.parametrize(
    ("code", "signal"),
    [("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"), ("os.abort()", "SIGABRT")],
)
async def test_a_signal_is_named(bench: Bench, code: str, signal: str) -> None:
    result = await bench.run(f"import os, signal\nprint('last words', end='')\n{code}")
    assert (result.status, result.signal, result.exit_code) == ("failed", signal, None)
    assert result.stdout.data == b"last words"


async def test_output_comes_while_it_runs(bench: Bench) -> None:
    execution = bench.start(
        "import os, time\n"
        "print('first', end='', flush=False)\n"
        "while not os.path.exists('/nowhere'): time.sleep(60)\n"
    )
    seen: list[Event] = []
    async with asyncio.timeout(PATIENCE):
        async for event in execution.events():
            seen.append(event)
            if event.kind == "stdout":
                break
        assert [event.kind for event in seen] == ["start", "stdout"]
        assert seen[1].data == b"first"
        assert (await execution.cancel()).status == "cancelled"


async def test_every_reader_gets_every_event_in_order(bench: Bench) -> None:
    execution = bench.start(
        "import sys\nfor i in range(500): print(i, file=(sys.stdout, sys.stderr)[i % 2])"
    )

    async def read() -> list[Event]:
        return [event async for event in execution.events()]

    early = await asyncio.gather(read(), read())
    late = await read()
    assert early[0] == early[1] == late
    result = await execution.wait()
    assert [late[0].kind, late[-1].kind] == ["start", "end"]
    assert late[-1].result == result
    for stream, first in (("stdout", 0), ("stderr", 1)):
        data = b"".join(event.data for event in late if event.kind == stream)
        assert data == b"".join(b"%d\n" % i for i in range(first, 500, 2))
        assert data == getattr(result, stream).data
    assert [event.t for event in late] == sorted(event.t for event in late)


async def test_no_last_output_is_lost(bench: Bench) -> None:
    result = await bench.run("import os\nos.write(1, b'x' * 60_000)\nos._exit(5)")
    assert (result.exit_code, result.stdout.total) == (5, 60_000)


async def test_cancelling_before_the_start_is_quiet_too(bench: Bench) -> None:
    execution = bench.start("print('never?')")
    result = await execution.cancel()
    assert result.status == "cancelled"
    assert (await bench.run("print('next')")).stdout.data == b"next\n"


@pytest.mark.parametrize(
    "path", ["../out.py", "/abs.py", "a//b.py", "a/./b.py", "n\0ul", "x" * 256]
)
async def test_a_bad_path_is_refused_with_a_sentence(bench: Bench, path: str) -> None:
    bench.tree[path] = Blob(b"")
    result = await bench.run("pass")
    assert result.status == "error"
    assert path[:20].replace("\0", "\\x00") in result.message
    del bench.tree[path]
    assert (await bench.run("pass")).status == "passed"


async def test_two_at_once_do_not_see_each_other(bench: Bench) -> None:
    code = (
        "import os, sys, time\n"
        "open('mine', 'x').close()\n"
        "print('here')\n"
        "sys.stdin.read()\n"
        "time.sleep(60)\n"
    )
    runs = [bench.start(code), bench.start(code)]
    async with asyncio.timeout(PATIENCE):
        for run in runs:
            async for event in run.events():
                if event.kind == "stdout":
                    assert event.data.startswith(b"here")
                    break
        third = bench.start("print('waited')")
        results = await asyncio.gather(*(run.cancel() for run in runs))
        assert {result.status for result in results} == {"cancelled"}
        assert (await third.wait()).stdout.data == b"waited\n"
