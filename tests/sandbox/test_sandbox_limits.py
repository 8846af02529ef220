"""Every limit ends a run, is named, and leaves the next run alone."""

from __future__ import annotations

import asyncio

import pytest

from fixwright_sandbox import RunCommand
from support.sandboxes import PATIENCE, Bench, open_or_skip

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1 << 20


async def still_works(bench: Bench) -> None:
    result = await bench.run("print('next')")
    assert (result.status, result.stdout.data) == ("passed", b"next\n"), result


async def test_time(bench: Bench) -> None:
    result = await bench.run(
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('before', end='')\n"
        "while True: pass",
        wall_seconds=0.3,
    )
    assert (result.status, result.signal) == ("timeout", "SIGKILL")
    assert result.message.startswith("Ended after 0.3 s, its time limit.")
    assert result.stdout.data == b"before"
    assert result.duration >= 0.3
    await still_works(bench)


async def test_a_run_that_stops_itself_is_ended(bench: Bench) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"
    assert (await bench.run(code, wall_seconds=0.3)).status == "timeout"
    await still_works(bench)


@pytest.mark.slow
async def test_processor_time(bench: Bench) -> None:
    result = await bench.run("while True: pass", cpu_seconds=1)
    assert (result.status, result.signal) == ("timeout", "SIGXCPU")
    assert "processor time" in result.message
    await still_works(bench)


async def test_memory_asked_for_at_once(bench: Bench) -> None:
    result = await bench.run("x = bytearray(10**10)\nprint('unreachable')", memory_bytes=128 * MIB)
    if bench.sandbox.backend == "docker":
        assert (result.status, result.signal) == ("memory", "SIGKILL"), result
    else:  # held by a resource limit, too, so Python can say so, and where
        assert result.status == "failed"
        assert b"MemoryError" in result.stderr.data
    await still_works(bench)


async def test_memory_taken_bit_by_bit(bench: Bench) -> None:
    result = await bench.run(
        "kept = []\nwhile True: kept.append(bytearray(1 << 20))", memory_bytes=128 * MIB
    )
    assert (result.status, result.signal) == ("memory", "SIGKILL"), result
    assert "128 MiB, its memory limit" in result.message
    await still_works(bench)


async def test_memory_of_many_processes(bench: Bench) -> None:
    result = await bench.run(
        "import os, time\n"
        "for _ in range(8):\n"
        "    if os.fork() == 0:\n"
        "        x = bytearray(b'1') * (40 << 20)\n"
        "        time.sleep(60)\n"
        "time.sleep(60)",
        memory_bytes=200 * MIB,
    )
    assert (result.status, result.signal) == ("memory", "SIGKILL"), result
    assert result.peak_memory is not None
    assert result.peak_memory > 150 * MIB
    await still_works(bench)


async def test_shared_memory_is_counted_once(bench: Bench) -> None:
    result = await bench.run(
        "import os, time\n"
        "x = bytearray(b'1') * (60 << 20)\n"
        "children = [os.fork() for _ in range(3)]\n"
        "time.sleep(.3)\n"
        "if all(children): [os.waitpid(child, 0) for child in children]",
        memory_bytes=150 * MIB,
    )
    assert result.status == "passed", result


@pytest.mark.slow
@pytest.mark.parametrize(
    ("runtime", "code"),
    [
        ("bash", "bomb() { bomb | bomb & }; bomb; sleep 60"),
        ("python", "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"),
    ],
)
async def test_fork_bomb(safe_bench: Bench, runtime: str, code: str) -> None:
    result = await safe_bench.run(code, runtime=runtime, processes=64, wall_seconds=30)
    assert result.status == "processes", result
    assert "64 processes" in result.message
    await still_works(safe_bench)


async def test_too_many_threads(bench: Bench) -> None:
    result = await bench.run(
        "import threading, time\n"
        "for _ in range(100):\n"
        "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "time.sleep(60)",
        processes=32,
    )
    assert result.status == "processes", result
    await still_works(bench)


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["1", "2"])
async def test_output_of_a_gigabyte(bench: Bench, stream: str) -> None:
    result = await bench.run(
        f"import os\nblock = b'x' * (1 << 20)\nfor _ in range(1024): os.write({stream}, block)",
        wall_seconds=50,
    )
    assert result.status == "output", result
    assert "8 MiB of output" in result.message
    kept = result.stdout if stream == "1" else result.stderr
    assert kept.total == 8 * MIB
    assert len(kept.head) == len(kept.tail) == 256 * 1024
    await still_works(bench)


async def test_both_streams_flooded_together(bench: Bench) -> None:
    result = await bench.run(
        "yes out & yes err >&2 & wait", runtime="bash", output_bytes=1 * MIB, wall_seconds=50
    )
    assert result.status == "output"
    assert result.stdout.total + result.stderr.total == 1 * MIB
    await still_works(bench)


@pytest.mark.parametrize("folder", [".", "/tmp", "/dev/shm"])
async def test_disk(safe_bench: Bench, folder: str) -> None:
    result = await safe_bench.run(
        "for i in range(400):\n"
        f"    with open(f'{folder}/{{i}}', 'wb') as f: f.write(bytes(1 << 20))",
        disk_bytes=24 * MIB,
    )
    if folder == "/dev/shm":  # has a size of its own, and is no place to keep files
        assert result.status == "failed"
    else:
        assert result.status == "disk", result
        assert "a run may write 24 MiB there" in result.message
    assert b"No space left on device" in result.stderr.data
    await still_works(safe_bench)


async def test_size_of_a_file(bench: Bench) -> None:
    result = await bench.run(
        RunCommand(("dd", "if=/dev/zero", "of=big", "bs=1M", "count=9")), file_bytes=4 * MIB
    )
    assert (result.status, result.signal) == ("disk", "SIGXFSZ"), result
    assert "a file larger than 4 MiB" in result.message
    await still_works(bench)


async def test_open_files(bench: Bench) -> None:
    result = await bench.run("f = [open('/dev/null') for _ in range(100)]", open_files=50)
    assert result.status == "failed"
    assert b"Too many open files" in result.stderr.data


async def test_cancelled_within_a_second(bench: Bench) -> None:
    execution = bench.start(
        "import os, signal, time\n"
        "for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):\n"
        "    signal.signal(number, signal.SIG_IGN)\n"
        "os.fork()\n"
        "print('on', flush=True)\n"
        "while True: time.sleep(1)"
    )
    async with asyncio.timeout(PATIENCE):
        async for event in execution.events():
            if event.kind == "stdout":
                break
    async with asyncio.timeout(1):
        result = await execution.cancel()
    assert (result.status, result.message) == ("cancelled", "Cancelled.")
    await still_works(bench)


@pytest.mark.bubblewrap
async def test_events_are_bounded_and_say_so() -> None:
    async with await open_or_skip("bubblewrap", event_bytes=100_000, capture_bytes=1000) as sandbox:
        execution = Bench(sandbox).start(
            "import os\nfor _ in range(40): os.write(1, b'x' * 9999 + b'\\n')"
        )
        result = await execution.wait()
        events = [event async for event in execution.events()]
        passed_on = sum(len(event.data) for event in events)
        assert passed_on <= 100_000
        assert passed_on + sum(event.dropped for event in events) == result.stdout.total == 400_000
        assert result.stdout.omitted == 398_000


async def test_limits_that_no_run_can_keep_are_refused(bench: Bench) -> None:
    with pytest.raises(ValueError, match="wall_seconds must be more than 0"):
        await bench.run("pass", wall_seconds=0)


@pytest.mark.docker
async def test_processors_of_a_container() -> None:
    code = (
        "from pathlib import Path\n"
        "one, two = Path('/sys/fs/cgroup/cpu/cpu.cfs_quota_us'), Path('/sys/fs/cgroup/cpu.max')\n"
        "print(one.read_text() if one.exists() else two.read_text().split()[0])"
    )
    async with await open_or_skip("docker", cpus=0.5) as sandbox:
        result = await Bench(sandbox).run(code)
    assert result.stdout.data.split() == [b"50000"]
