"""Runs that mean harm: the host is as before, the next run too, and the result says what was."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fixwright_sandbox import Blob, RunCommand, RunTests
from fixwright_sandbox.backends.docker import LABEL, OWNER_LABEL, Docker
from fixwright_sandbox.backends.engine import Engine
from fixwright_sandbox.owner import Owner
from support.leftovers import until_none
from support.sandboxes import PATIENCE, Bench, open_or_skip

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1 << 20


async def still_works(bench: Bench) -> None:
    """The next run finds the tree as it is meant to be and no process but its own."""
    result = await bench.run(
        "import os\n"
        "print(sorted(os.listdir('.')), sum(name.isdigit() for name in os.listdir('/proc')))"
    )
    names = sorted({path.partition("/")[0] for path in bench.tree} | {"main.py"})
    assert (result.status, result.stdout.data.decode()) == ("passed", f"{names} 2\n"), result


# ---- memory that is nobody's


async def test_memory_of_system_v_that_is_let_go_counts(safe_bench: Bench) -> None:
    result = await safe_bench.run(
        "import ctypes, time\n"
        "libc = ctypes.CDLL(None); libc.shmat.restype = ctypes.c_void_p\n"
        "for _ in range(3):\n"
        "    where = libc.shmat(libc.shmget(0, 30 << 20, 0o1600), None, 0)\n"
        "    ctypes.memset(where, 1, 30 << 20)\n"
        "    libc.shmdt(ctypes.c_void_p(where))\n"
        "time.sleep(30)",
        memory_bytes=64 * MIB,
    )
    assert (result.status, result.signal) == ("memory", "SIGKILL"), result
    assert result.message == "Ended because it used more than 64 MiB, its memory limit."
    await still_works(safe_bench)


async def test_memory_without_a_mapping_can_not_be_had(safe_bench: Bench) -> None:
    result = await safe_bench.run("import os\nos.memfd_create('hoard')", memory_bytes=64 * MIB)
    assert (result.status, result.message) == ("failed", "Failed with exit code 1.")
    assert b"Function not implemented" in result.stderr.data
    await still_works(safe_bench)


# ---- files


async def test_input_that_fits_nowhere_is_refused(safe_bench: Bench) -> None:
    result = await safe_bench.run("pass", stdin=bytes(3 * MIB), disk_bytes=2 * MIB)
    assert result.status == "error", result
    assert result.message.startswith("The sandbox has no room for the 3145728 bytes that the run")
    assert result.message.endswith("No space left on device.")
    await still_works(safe_bench)


@pytest.mark.slow
@pytest.mark.parametrize("folder", [".", "/tmp", "/dev/shm"])
async def test_files_without_content_are_counted(safe_bench: Bench, folder: str) -> None:
    if safe_bench.sandbox.backend == "docker" and folder == "/dev/shm":
        return  # counts as the container's memory there
    result = await safe_bench.run(
        "import os\n"
        f"os.mkdir('{folder}/d'); open('{folder}/f', 'w').close()\n"
        f"for n in range(1_000_000): os.link('{folder}/f', f'{folder}/d/{{n}}')\n",
        wall_seconds=30,
    )
    assert result.status == "disk", result
    place = "/workspace" if folder == "." else folder
    if safe_bench.sandbox.backend == "docker":
        assert result.message.startswith(f"It failed when {place} was full")
    else:
        assert result.message.startswith(f"Ended because {place} held more than 200000 files")
    await still_works(safe_bench)


@pytest.mark.slow
async def test_a_hundred_thousand_files(safe_bench: Bench) -> None:
    result = await safe_bench.run(
        "import os\n"
        "for folder in range(100):\n"
        "    os.mkdir(f'd{folder}')\n"
        "    for name in range(1000): os.close(os.open(f'd{folder}/{name}', os.O_CREAT))\n",
        wall_seconds=50,
    )
    assert result.status == "passed", result
    assert result.message == "Passed. It changed 98000 more files than are listed."
    assert len(result.files) == 2000
    await still_works(safe_bench)


async def test_a_sparse_file_of_a_terabyte(safe_bench: Bench) -> None:
    code = "f = open('sparse', 'wb')\nf.truncate(1 << 40)"
    result = await safe_bench.run(code)
    assert (result.status, result.message) == ("failed", "Failed with exit code 1.")
    assert b"File too large" in result.stderr.data
    await still_works(safe_bench)


async def test_archives_are_only_bytes(safe_bench: Bench) -> None:
    result = await safe_bench.run(
        "import zipfile\n"
        "with zipfile.ZipFile('bomb.zip', 'w', zipfile.ZIP_DEFLATED) as z:\n"
        "    z.writestr('../../escape', bytes(100 << 20))\n"
    )
    assert result.status == "passed", result
    (file,) = result.files
    assert (file.path, file.change) == ("bomb.zip", "created")
    assert file.data is not None
    assert len(file.data) == file.size < MIB
    await still_works(safe_bench)


async def test_what_lies_outside_can_not_be_taken_in(safe_bench: Bench) -> None:
    safe_bench.tree["own"] = Blob(b"own")
    result = await safe_bench.run(
        "import os, stat\n"
        "def attempt(what, *arguments):\n"
        "    try: what(*arguments)\n"
        "    except OSError as error: print(type(error).__name__, error.errno)\n"
        "    else: print('done')\n"
        "attempt(os.link, '/etc/passwd', 'hard')\n"
        "attempt(os.mknod, 'null', 0o666 | stat.S_IFCHR, os.makedev(1, 3))\n"
        "attempt(os.mknod, 'disk', 0o666 | stat.S_IFBLK, os.makedev(8, 0))\n"
        "attempt(os.symlink, '/etc/passwd', 'link')\n"
        "attempt(open, '../../../../outside', 'w')\n"
    )
    lines = result.stdout.data.decode().splitlines()
    assert lines[3] == "done"  # a link is only a name: nobody follows it
    assert [line for number, line in enumerate(lines) if number != 3 and line == "done"] == []
    assert [(file.path, file.data) for file in result.files] == [("link", None)]
    await still_works(safe_bench)


async def test_marks_on_files_do_not_stay(safe_bench: Bench) -> None:
    safe_bench.tree["a"] = Blob(b"a")
    await safe_bench.run(
        "import os\n"
        "for path in ('a', '.', '/tmp'):\n"
        "    try: os.setxattr(path, 'user.mark', b'1')\n"
        "    except OSError as error: print(error)\n"
    )
    look = "import os; print([os.listxattr(path) for path in ('a', '.', '/tmp')])"
    assert (await safe_bench.run(look)).stdout.data == b"[[], [], []]\n"


async def test_message_queues_do_not_stay(safe_bench: Bench) -> None:
    opening = (
        "import ctypes\n"
        "try: library = ctypes.CDLL('librt.so.1')\n"
        "except OSError: library = ctypes.CDLL(None)\n"
        "print(library.mq_open(b'/left', {flags}, 0o600, None) >= 0)"
    )
    create, find = opening.format(flags="0o102"), opening.format(flags="0o2")
    assert (await safe_bench.run(create)).stdout.data == b"True\n"
    assert (await safe_bench.run(find)).stdout.data == b"False\n"


# ---- processes


async def test_what_was_told_to_outlive_does_not(safe_bench: Bench) -> None:
    result = await safe_bench.run(
        "trap '' TERM HUP INT\n"
        "nohup setsid sleep 600 > /dev/null 2>&1 &\n"
        "(setsid bash -c 'while :; do sleep 600; done' &) > /dev/null 2>&1\n"
        "sleep .1; exit 0",
        runtime="bash",
    )
    assert (result.status, result.message) == ("passed", "Passed.")
    await still_works(safe_bench)


async def test_the_runner_keeps_its_secrets(safe_bench: Bench) -> None:
    result = await safe_bench.run(
        "import os\n"
        "print(sorted(name for name in os.listdir('/proc') if name.isdigit())[0])\n"
        "for name in ('environ', 'fd', 'cwd', 'root', 'maps', 'mem'):\n"
        "    path = '/proc/1/' + name\n"
        "    try:\n"
        "        os.listdir(path) if name in ('fd', 'cwd', 'root') else open(path, 'rb').read(1)\n"
        "    except PermissionError: continue\n"
        "    print('read', name)\n"
    )
    assert (result.status, result.stdout.data) == ("passed", b"1\n"), result
    await still_works(safe_bench)


async def test_programs_that_give_rights_give_none(safe_bench: Bench) -> None:
    result = await safe_bench.run(
        "import os, shutil, subprocess\n"
        "shutil.copy('/usr/bin/id', 'id'); os.chmod('id', 0o6755)\n"
        "print(subprocess.run(['./id', '-u'], capture_output=True).stdout.decode().strip())\n"
        "for call in (os.setuid, os.setgid):\n"
        "    try: call(0)\n"
        "    except OSError: print('refused')\n"
        "for path in ('/bin/su', '/usr/bin/passwd', '/usr/bin/sudo'):\n"
        "    if os.path.exists(path): subprocess.run([path, '-S'], timeout=5,"
        " stdin=subprocess.DEVNULL, capture_output=True)\n"
        "print(os.getuid(), os.geteuid())"
    )
    expected = "10001\nrefused\nrefused\n10001 10001\n"
    assert (result.status, result.stdout.data.decode()) == ("passed", expected), result
    await still_works(safe_bench)


async def test_a_library_forced_on_programs_does_not_reach_the_runner(safe_bench: Bench) -> None:
    safe_bench.tree["evil.so"] = Blob(b"no library at all", executable=True)
    forced = {"LD_PRELOAD": "/workspace/evil.so", "PYTHONSTARTUP": "x", "PYTHONHOME": "/workspace"}
    result = await safe_bench.run(RunCommand(("true",)), env=forced)
    assert result.status == "passed", result
    assert b"cannot be preloaded" in result.stderr.data
    await still_works(safe_bench)


# ---- the interpreter, turned against itself


SPOILT = {
    "left at once": ("import os; os._exit(9)", "Failed with exit code 9."),
    "left at exit": ("import atexit, os; atexit.register(os._exit, 4)", "Failed with exit code 4."),
    "streams": ("import os; [os.close(n) for n in range(256)]; raise SystemExit(3)", "Failed"),
    "trace": ("import sys; sys.settrace(lambda *a: 1 / 0); (lambda: 1)()", "Failed with"),
    "hook": ("import sys; sys.excepthook = lambda *a: exec('1 / 0'); 1 / 0", "Failed with"),
    "depth": ("import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()", "Ended"),
    "import": ("import builtins; builtins.__import__ = None; import json", "Failed with"),
    "modules": ("import sys; sys.modules.clear(); print(undefined)", "Failed with"),
    "exceptions": (
        "class E(Exception):\n    def __str__(self): raise self\nraise E",
        "Failed with",
    ),
}


@pytest.mark.parametrize("name", SPOILT)
async def test_an_interpreter_that_is_spoilt_is_the_run_s_own(safe_bench: Bench, name: str) -> None:
    code, message = SPOILT[name]
    result = await safe_bench.run(code, wall_seconds=10, memory_bytes=256 * MIB)
    assert result.status in ("failed", "memory"), result
    assert result.message.startswith(message)
    await still_works(safe_bench)


async def test_a_workspace_that_spoils_the_start(safe_bench: Bench) -> None:
    safe_bench.tree |= {
        "sitecustomize.py": Blob(b"raise SystemExit('never')"),
        "usercustomize.py": Blob(b"1 / 0"),
        "conftest.py": Blob(b"import os\nos.kill(os.getpid(), 9)"),
        "test_a.py": Blob(b"def test_a(): pass"),
    }
    tests = await safe_bench.run(RunTests(framework="pytest"))
    assert (tests.status, tests.signal) == ("failed", "SIGKILL"), tests
    assert tests.message == "Ended by the signal SIGKILL."
    safe_bench.tree["conftest.py"] = Blob(b"def broken(:")
    tests = await safe_bench.run(RunTests(framework="pytest"))
    assert tests.status == "failed", tests
    assert b"SyntaxError" in tests.stdout.data + tests.stderr.data
    await still_works(safe_bench)


async def test_output_is_bytes_and_nothing_else(safe_bench: Bench) -> None:
    said = b"\x1b]0;title\x07\x1b[2J\0\xff\xfe" + "\u202egnp.exe\u2066".encode() + b"\r\x08\n"
    result = await safe_bench.run(f"import os\nos.write(1, {said!r})")
    assert (result.status, result.stdout.data) == ("passed", said)
    await still_works(safe_bench)


async def test_a_traceback_that_lies_is_only_output(safe_bench: Bench) -> None:
    lie = 'Traceback (most recent call last):\n  File "/etc/passwd", line 1\nRuntimeError: lie\n'
    result = await safe_bench.run(f"import sys\nsys.stderr.write({lie!r})\nsys.exit(0)")
    assert (result.status, result.reports) == ("passed", ())
    assert result.stderr.data.decode() == lie
    await still_works(safe_bench)


# ---- the network, and time


async def test_no_datagram_gets_out(safe_bench: Bench) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("", 0))
        listener.setblocking(False)
        port = listener.getsockname()[1]
        hosts = [info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)]
        result = await safe_bench.run(
            "import socket\n"
            f"for host in {[*hosts, '127.0.0.1', '255.255.255.255', '::1', 'ff02::1']!r}:\n"
            "    family = socket.AF_INET6 if ':' in host else socket.AF_INET\n"
            "    try: s = socket.socket(family, socket.SOCK_DGRAM)\n"
            "    except OSError: continue\n"
            "    try:\n"
            "        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)\n"
            f"        s.sendto(b'out', (host, {port}))\n"
            "    except OSError as error: print(host, error)\n"
        )
        assert result.status == "passed", result
        with pytest.raises(BlockingIOError):
            listener.recv(10)
    await still_works(safe_bench)


async def test_the_clock_can_not_be_set(safe_bench: Bench) -> None:
    result = await safe_bench.run("import time\ntime.clock_settime(time.CLOCK_REALTIME, 0)")
    assert (result.status, result.message) == ("failed", "Failed with exit code 1.")
    assert b"PermissionError: [Errno 1] Operation not permitted" in result.stderr.data
    await still_works(safe_bench)


@pytest.mark.slow
@pytest.mark.docker
async def test_a_container_that_is_paused_meets_its_time_limit() -> None:
    async with await open_or_skip("docker") as sandbox:
        bench = Bench(sandbox)
        run = bench.start("print('on', flush=True)\nwhile True: pass", wall_seconds=1)
        async with asyncio.timeout(PATIENCE):
            async for event in run.events():
                if event.kind == "stdout":
                    break
        engine = Engine(None)
        (container,) = engine.labelled(f"{OWNER_LABEL}={Owner.current()}")
        engine.close()
        await asyncio.to_thread(subprocess.run, ["docker", "pause", container.id], check=True)
        result = await asyncio.wait_for(run.wait(), PATIENCE)
        assert result.status == "timeout"
        assert result.message == (
            "Ended after 1 s, its time limit; the sandbox no longer answered."
        )
        await still_works(bench)


@pytest.mark.docker
async def test_containers_are_reaped_again_and_again() -> None:
    await (await open_or_skip("docker")).close()
    dead = Owner(Owner.current().host, 2**22 + 1, 2)
    engine = Engine(None)
    backend = await Docker.open(None, {}, 1.0, reap_every=0.01)
    try:
        for _ in range(2):
            labels = {LABEL: "1", OWNER_LABEL: str(dead)}
            options: dict[str, Any] = {"host_config": {}, "labels": labels}
            await asyncio.to_thread(engine.create, "fixwright/python:1", ["true"], options)
            await until_none(lambda: [each.id for each in engine.labelled(f"{OWNER_LABEL}={dead}")])
    finally:
        await backend.close()
        engine.close()


@pytest.mark.parametrize("path", ["/outside", "/escape", "/etc/hard"])
async def test_nothing_of_all_this_is_on_the_host(path: str) -> None:
    """What the runs above tried to make outside of their own folders."""
    assert not await asyncio.to_thread(Path(path).exists)
