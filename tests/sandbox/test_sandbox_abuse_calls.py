"""System calls that ways out of a sandbox begin with are refused; those of ordinary work are not.

The calls are made by number, with arguments that a kernel without the filter answers otherwise.
"""

from __future__ import annotations

import errno
import platform
import struct

import pytest

from fixwright_sandbox import Blob, RunCommand, RunTests
from fixwright_sandbox.backends.seccomp import filter_for
from fixwright_sandbox.backends.seccomp_calls import REFUSED, architecture
from support.sandboxes import Bench

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERE = architecture(platform.machine())
CALL = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    ctypes.set_errno(0)
    result = libc.syscall(*map(ctypes.c_long, arguments))
    return result if result >= 0 else -ctypes.get_errno()
"""


OTHER_INTERFACES = {
    "x32": "call(0x40000000 + 39)",  # getpid
    # mov eax, 20 (getpid); int 0x80; ret
    "i386": "import mmap\n"
    "page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)\n"
    "page.write(bytes.fromhex('b814000000cd80c3'))\n"
    "address = ctypes.addressof(ctypes.c_char.from_buffer(page))\n"
    "ctypes.CFUNCTYPE(ctypes.c_int)(address)()",
}


async def still_works(bench: Bench) -> None:
    result = await bench.run("print('next')")
    assert (result.status, result.stdout.data) == ("passed", b"next\n"), result


async def answers(bench: Bench, *calls: tuple[int, ...]) -> list[int]:
    """What each call returns, an error as its number below zero."""
    result = await bench.run(f"{CALL}\nfor each in {calls!r}: print(call(*each))")
    assert result.status == "passed", result
    return [int(line) for line in result.stdout.data.split()]


async def test_what_no_run_needs_is_refused(safe_bench: Bench) -> None:
    assert HERE is not None
    expected = {
        name: -number for number, names in REFUSED.items() for name in names if name in HERE.calls
    }
    found = await answers(safe_bench, *((HERE.calls[name],) for name in expected))
    assert dict(zip(expected, found, strict=True)) == expected
    await still_works(safe_bench)


async def test_new_namespaces_are_refused(safe_bench: Bench) -> None:
    assert HERE is not None
    clone, clone3 = HERE.calls["clone"], HERE.calls["clone3"]
    kinds = [1 << bit for bit in (17, 25, 26, 27, 28, 29, 30)]
    found = await answers(safe_bench, *((clone, kind | 17, 0, 0, 0, 0) for kind in kinds))
    assert found == [-errno.EPERM] * len(kinds)
    assert await answers(safe_bench, (clone3, 0, 0)) == [-errno.ENOSYS]
    result = await safe_bench.run(RunCommand(("unshare", "--user", "id")))
    assert (result.status, result.message) == ("failed", "Failed with exit code 1.")
    assert b"Operation not permitted" in result.stderr.data
    await still_works(safe_bench)


async def test_only_sockets_of_the_network_namespace_can_be_made(safe_bench: Bench) -> None:
    result = await safe_bench.run(
        "import errno, socket\n"
        "made = []\n"
        "for family in range(64):\n"
        "    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):\n"
        "        try: socket.socket(family, kind).close()\n"
        "        except OSError as error: assert error.errno != errno.EPERM, family\n"
        "        else: made.append(family)\n"
        "print(sorted(set(made)))"
    )
    assert result.status == "passed", result
    assert result.stdout.data in (b"[1, 2, 10, 16]\n", b"[1, 2, 16]\n")  # without IPv6
    await still_works(safe_bench)


async def test_nobody_can_be_made_to_type(safe_bench: Bench) -> None:
    assert HERE is not None
    number = HERE.calls["ioctl"]
    result = await safe_bench.run(
        f"{CALL}\nimport os\n_, terminal = os.openpty()\n"
        "for what in (0x5412, 0x541C, 1 << 32 | 0x5412):\n"
        f"    print(call({number}, terminal, what, 0))\n"
        "print(os.isatty(terminal))"
    )
    assert result.stdout.data.split() == [str(-errno.EPERM).encode()] * 3 + [b"True"], result
    await still_works(safe_bench)


async def test_a_personality_that_turns_protections_off_is_refused(safe_bench: Bench) -> None:
    assert HERE is not None
    number = HERE.calls["personality"]
    no_random_addresses = 0x40000
    found = await answers(safe_bench, (number, 0xFFFFFFFF), (number, no_random_addresses))
    assert found == [0, -errno.EPERM]
    await still_works(safe_bench)


async def test_calls_of_a_newer_kernel_are_unknown(safe_bench: Bench) -> None:
    assert await answers(safe_bench, (467,), (999,), (0x3FFFFFFF,)) == [-errno.ENOSYS] * 3
    await still_works(safe_bench)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other processors have no such ABI")
@pytest.mark.parametrize("name", ["x32", "i386"])
async def test_other_interfaces_to_the_kernel_end_the_run(safe_bench: Bench, name: str) -> None:
    result = await safe_bench.run(f"{CALL}\n{OTHER_INTERFACES[name]}\nprint('passed by')")
    assert (result.status, result.stdout.data) == ("failed", b""), result
    # A kernel that was built without i386 says so before any filter.
    assert result.signal == "SIGSYS" or (name, result.signal) == ("i386", "SIGSEGV")
    assert result.message == f"Ended by the signal {result.signal}."
    await still_works(safe_bench)


WORK = {
    "threads": "import threading\n"
    "t = threading.Thread(target=print, args=(1,)); t.start(); t.join()",
    "subprocess": "import subprocess\nprint(subprocess.run(['echo', '1'], check=True).returncode)",
    "processes": "import multiprocessing as m\nif __name__ == '__main__':\n"
    "    for kind in ('fork', 'spawn', 'forkserver'):\n"
    "        with m.get_context(kind).Pool(2) as pool: print(pool.map(abs, [-1, -2]))",
    "shared memory": "from multiprocessing import shared_memory as s\n"
    "m = s.SharedMemory(create=True, size=10); m.buf[0] = 7; m.close(); m.unlink()",
    "asyncio": "import asyncio\n"
    "async def main():\n"
    "    server = await asyncio.start_server(lambda r, w: w.close(), '127.0.0.1', 0)\n"
    "    r, w = await asyncio.open_connection(*server.sockets[0].getsockname())\n"
    "    print(await r.read())\n"
    "    p = await asyncio.create_subprocess_exec('true'); print(await p.wait())\n"
    "asyncio.run(main())",
    "mapping": "import mmap\nm = mmap.mmap(-1, 10_000); m[:2] = b'ab'; print(m[:2])",
    "copying": "import shutil\nopen('a', 'w').write('x'); shutil.copy2('a', 'b')\n"
    "shutil.copytree('.', '/tmp/copy')",
    "terminal": "import pty\npty.spawn(['tty'])",
    "clock": "import time\nprint(time.time(), time.monotonic(), time.process_time())",
    "sqlite": "import sqlite3\nc = sqlite3.connect('d.db'); c.execute('pragma journal_mode=wal')\n"
    "c.execute('create table t (x)'); c.commit(); c.close()",
}


@pytest.mark.parametrize("name", WORK)
async def test_ordinary_work_goes_on(safe_bench: Bench, name: str) -> None:
    result = await safe_bench.run(WORK[name], wall_seconds=30)
    assert (result.status, result.stderr.data) == ("passed", b""), result


async def test_ordinary_programs_work(safe_bench: Bench) -> None:
    shell = await safe_bench.run(
        "set -euo pipefail\n"
        "sleep 0 & wait\n"
        "cat <(echo one) | tr a-z A-Z | grep ONE\n"
        "tar cf - /etc/passwd 2>/dev/null | tar tf -\n"
        "cp -a /etc/passwd copied; timeout 5 cat copied > /dev/null\n",
        runtime="bash",
    )
    assert shell.status == "passed", shell
    safe_bench.tree["test_a.py"] = Blob(
        b"def test_a(tmp_path, capfd):\n    assert tmp_path.is_dir()"
    )
    tests = await safe_bench.run(RunTests(framework="pytest"))
    assert tests.status == "passed", tests
    if (await safe_bench.run("which git", runtime="bash")).status == "passed":
        git = "git init -q . && git add . && git -c user.name=a -c user.email=b commit -qm c"
        assert (await safe_bench.run(git, runtime="bash")).status == "passed"


ALLOWED, KILLED, FAILS = 0x7FFF0000, 0x80000000, 0x00050000


def answer(program: bytes, number: int, abi: int, *arguments: int) -> int:
    """What a filter answers to a call, as the kernel would find out."""
    data = struct.pack("=iIQ6Q", number, abi, 0, *arguments, *[0] * (6 - len(arguments)))
    steps = list(struct.iter_unpack("=HBBI", program))
    word, at = 0, 0
    while True:
        operation, if_true, if_false, value = steps[at]
        if operation == 0x06:
            return value
        if operation == 0x20:
            (word,) = struct.unpack_from("=I", data, value)
            at += 1
        else:
            comparison = {
                0x15: word == value,
                0x25: word > value,
                0x35: word >= value,
                0x45: bool(word & value),
            }[operation]
            at += 1 + (if_true if comparison else if_false)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
async def test_the_filter_of_each_machine(machine: str) -> None:
    program, known = filter_for(machine), architecture(machine)
    assert program is not None
    assert known is not None
    assert len(program) < 4096 * 8  # as many instructions as the kernel takes
    abi, calls = known.abi, known.calls
    refused = {
        calls[name]: number for number, names in REFUSED.items() for name in calls.keys() & names
    }
    for number in range(500):
        expected = ALLOWED
        if number > 466 or number == calls["clone3"]:
            expected = FAILS | errno.ENOSYS
        elif number in refused:
            expected = FAILS | refused[number]
        elif number == calls["socket"]:
            expected = FAILS | errno.EAFNOSUPPORT  # of family 0
        assert answer(program, number, abi) == expected, number
        assert answer(program, number, abi ^ 1) == KILLED
    assert answer(program, calls["socket"], abi, 40) == FAILS | errno.EAFNOSUPPORT
    assert answer(program, calls["socket"], abi, 2) == ALLOWED
    assert answer(program, calls["ioctl"], abi, 0, 0x5412) == FAILS | errno.EPERM
    assert answer(program, calls["clone"], abi, 0x10000011) == FAILS | errno.EPERM
    assert answer(program, calls["personality"], abi, 0x40000) == FAILS | errno.EPERM


async def test_there_is_no_filter_for_a_machine_that_is_not_known() -> None:
    assert filter_for("riscv64") is None
