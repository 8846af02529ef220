"""A file runs in the guest as `python FILE` runs it, whatever it does to its surroundings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fixwright.workspace.position import Range
from fixwright_sandbox.jobs import RunFile
from guest.harness import EXACT, VERSIONS, interpreter, run_python, write_tree

TRACEBACKS = {
    "plain": "def f():\n    return 1 / 0\nf()\n",
    "chain": ("try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('x') from e\n"),
    "context": "try:\n    nope\nexcept NameError:\n    [].nope\n",
    "syntax": "x = (1 2)\n",
    "import of a broken module": "import broken\n",
    "message": "import sys\nsys.exit('told')\n",
    "status": "import sys\nsys.exit(300)\n",
    "a hook of its own": (
        "import sys\nsys.excepthook = lambda *a: print('mine', a[0], file=sys.stderr)\n1/0\n"
    ),
    "atexit and threads": (
        "import atexit, threading, time\n"
        "atexit.register(print, 'at exit')\n"
        "threading.Thread(target=lambda: (time.sleep(0.05), print('thread'))).start()\n"
        "class D:\n    def __del__(self): print('deleted')\n"
        "d = D()\nprint('end')\n"
    ),
    "surroundings": (
        "import sys, os\n"
        "print(__name__, os.path.relpath(__file__), sys.argv, os.path.relpath(sys.path[0]))\n"
        "print(__package__, __spec__, __doc__, sorted(k for k in globals() if k[:2] != '__'))\n"
        "print(sys.modules['__main__'].__dict__ is globals(), open(__file__).readline())\n"
    ),
    "pickle": ("import pickle\nclass A:\n    x = 1\nprint(pickle.loads(pickle.dumps(A())).x)\n"),
    "input": "print(input('? '))\nprint(input())\n",
    "latin-1": "# -*- coding: latin-1 -*-\nprint('\xe9')\n1/0\n",
}


@pytest.mark.parametrize("name", TRACEBACKS)
@pytest.mark.parametrize(
    "version",
    [pytest.param(v, marks=[] if v == "3.11" else [pytest.mark.slow]) for v in VERSIONS],
)
def test_output_and_status_are_those_of_the_interpreter(
    name: str, version: str, tmp_path: Path
) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version}")
    source = TRACEBACKS[name]
    encoding = "latin-1" if name == "latin-1" else "utf-8"
    write_tree(tmp_path, {"src/main.py": source.encode(encoding), "src/broken.py": "x = = 1\n"})
    plain = subprocess.run(
        [python, "src/main.py", "a", "b c"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        input=b"typed\nmore\n",
        timeout=60,
    )
    outcome = run_python(
        tmp_path, RunFile("src/main.py", ("a", "b c")), python=python, stdin="typed\nmore\n"
    )
    assert outcome.stdout == plain.stdout.decode()
    assert outcome.stderr == plain.stderr.decode()
    assert outcome.status == plain.returncode


META = """\
class Meta(type):
    __module__ = __qualname__ = property(lambda cls: 1 / 0)
class Error(Exception, metaclass=Meta):
    pass
raise Error
"""


def _run(tmp_path: Path, source: str, **files: str):
    write_tree(tmp_path, {"main.py": source, **{f"{k}.py": v for k, v in files.items()}})
    return run_python(tmp_path, RunFile("main.py"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    outcome = run_python(tmp_path, RunFile("gone.py"))
    assert outcome.status == 2
    assert outcome.failure.kind == "FileNotFoundError"
    assert "gone.py" in outcome.stderr


def test_a_syntax_error_in_a_module_lies_in_the_module(tmp_path: Path) -> None:
    failure = _run(tmp_path, "import other\n", other="def f(:\n").failure
    assert (failure.kind, failure.path) == ("SyntaxError", "other.py")
    assert failure.range == Range.of(0, 6, 0, 7)
    assert [frame.path for frame in failure.frames] == ["main.py"]


def test_null_bytes_and_bad_encodings_are_syntax_errors(tmp_path: Path) -> None:
    write_tree(tmp_path, {"main.py": b"x = 1\n\0\n", "bad.py": b"x = '\xff'\n"})
    null = run_python(tmp_path, RunFile("main.py")).failure
    assert (null.kind, null.path) == ("SyntaxError", "main.py")
    assert "null bytes" in null.message
    bad = run_python(tmp_path, RunFile("bad.py")).failure
    assert (bad.kind, bad.path) == ("SyntaxError", "bad.py")


def test_threads_and_tasks_that_nobody_waits_for(tmp_path: Path) -> None:
    source = """\
import asyncio, threading
def work():
    1 / 0
thread = threading.Thread(target=work, name="worker")
thread.start()
thread.join()
async def job():
    raise ValueError("in a task")
async def main():
    task = asyncio.create_task(job(), name="the task")
    await asyncio.sleep(0)
    del task
asyncio.run(main())
"""
    outcome = _run(tmp_path, source)
    assert outcome.status == 0
    first, second = outcome.failures
    assert (first.kind, first.notes) == ("ZeroDivisionError", ("in worker",))
    assert first.range == Range.of(2, 4, 2, 9)
    assert (second.kind, second.notes) == ("ValueError", ("in the task",))
    assert second.range == Range.of(7, 4, 7, 33)


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("import os\nos._exit(7)\n", 7),
        ("import sys, os\nsys.stdout.close()\nos.close(1)\n1/0\n", 1),
        ("import linecache as l, sys\ndel sys.modules['linecache']\nl.__dict__.clear()\n1/0\n", 1),
        ("import sys\nsys.modules.clear()\n1/0\n", 1),
        ("import builtins\nbuiltins.open = None\nbuiltins.repr = None\n1/0\n", 1),
        ("import os\nos.path.realpath = None\n1/0\n", 1),
        ("import sys\ndef hook(*a):\n    raise ValueError\nsys.excepthook = hook\n1/0\n", 1),
        ("import sys\nsys.excepthook = None\n1/0\n", 1),
        ("import os\nos.chdir('/')\n1/0\n", 1),
        ("import os\nos.closerange(3, 50)\n1/0\n", 1),
        ("import sys\nsys.settrace(lambda *a: None)\n1/0\n", 1),
        ("class E(Exception):\n    __class__ = property(lambda self: 1 / 0)\nraise E\n", 1),
        (META, 1),
        ("class E(Exception):\n    __notes__ = property(lambda self: 1 / 0)\nraise E\n", 1),
        ("class N(NameError):\n    name = property(lambda self: 1 / 0)\nraise N\n", 1),
        ("e = ValueError('a')\ne.__cause__ = e\nraise e\n", 1),
        ("raise SyntaxError('mine', ('x', -1, 'a', None))\n", 1),
        ("raise SyntaxError\n", 1),
        ("raise ValueError('\\ud800' + 'x' * 10**6)\n", 1),
        ("raise KeyError\n", 1),
        ("raise AttributeError('a', name=3, obj=4)\n", 1),
        ("raise ImportError(3, name=4, path=5)\n", 1),
    ],
)  # fmt: skip
def test_a_program_cannot_break_us(source: str, status: int, tmp_path: Path) -> None:
    outcome = _run(tmp_path, source)
    assert outcome.status == status, outcome.stderr
    failures = outcome.failures
    assert len(failures) == 1
    assert failures[0].path == "main.py"
    if "_exit" not in source and "closerange" not in source:
        assert failures[0].kind != "ExitStatus", outcome.stderr
    assert all(len(failure.message) < 20_000 for failure in failures)


def test_a_fork_of_the_program_reports_nothing(tmp_path: Path) -> None:
    source = (
        "import os\npid = os.fork()\nif pid == 0:\n    1/0\nos.waitpid(pid, 0)\nprint('parent')\n"
    )
    outcome = _run(tmp_path, source)
    assert (outcome.status, outcome.stdout, outcome.reports) == (0, "parent\n", ())
    assert "ZeroDivisionError" in outcome.stderr


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method: str, tmp_path: Path) -> None:
    source = f"""\
import multiprocessing as mp
def double(x):
    return 2 * x
if __name__ == "__main__":
    with mp.get_context("{method}").Pool(2) as pool:
        print(pool.map(double, [1, 2, 3]))
"""
    outcome = _run(tmp_path, source)
    assert (outcome.status, outcome.stdout) == (0, "[2, 4, 6]\n"), outcome.stderr


def test_what_is_reported_of_a_deep_recursion_is_bounded(tmp_path: Path) -> None:
    source = "import sys\nsys.setrecursionlimit(3000)\ndef f(n):\n    f(n + 1)\nf(0)\n"
    failure = _run(tmp_path, source).failure
    assert len(failure.frames) == 100
    assert failure.range == Range.of(3, 4, 3, 12)
    assert any("are left out" in note for note in failure.notes)


def test_the_place_in_the_tree_survives_a_deep_recursion_outside(tmp_path: Path) -> None:
    deep = "import copy\nx = []\nfor _ in range(100000):\n    x = [x]\ncopy.deepcopy(x)\n"
    failure = _run(tmp_path, deep).failure
    assert (failure.kind, failure.range) == ("RecursionError", Range.of(4, 0, 4, 16))


def test_facts_call_no_code_of_the_program(tmp_path: Path) -> None:
    source = """\
class Loud:
    def __getattr__(self, name): print("getattr", name); raise AttributeError(name)
    def __getattribute__(self, name): print("getattribute"); return super().__getattribute__(name)
    def __dir__(self): print("dir"); return []
    def __eq__(self, other): print("eq"); return True
    def __hash__(self): print("hash"); return 1
    def __repr__(self): print("repr"); return "x"
class Keys(dict):
    def __getitem__(self, key): raise KeyError(key)
    def __iter__(self): print("iter"); return super().__iter__()
loud = Loud()
d = {loud: 1, "a": 2}
def go(loud, keys):
    try:
        keys["b"]
    except KeyError:
        d["b"], loud
print("start")
go(loud, Keys())
"""
    outcome = _run(tmp_path, source)
    before, _, after = outcome.stdout.partition("start\n")
    assert (before, after) == ("hash\n", "")
    assert outcome.failure.facts["candidates"] == ["'a'"]


def test_names_of_a_fixwright_are_not_in_the_way(tmp_path: Path) -> None:
    outcome = _run(
        tmp_path,
        "import python, job, bounds\nprint(job.x, bounds.x)\n",
        python="",
        job="x = 1",
        bounds="x = 2",
    )
    assert outcome.stdout == "1 2\n"


def test_this_interpreter_is_one_that_knows_columns() -> None:
    assert sys.version_info >= EXACT
