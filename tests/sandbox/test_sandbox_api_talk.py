"""Talking to a run while it goes: standard input, signals; and what it cost."""

from __future__ import annotations

import asyncio

import pytest

from fixwright_sandbox import Execution, Limits, Request, RunCommand, RunFile
from fixwright_sandbox.tree import Blob
from support.sandboxes import PATIENCE, Bench

pytestmark = pytest.mark.asyncio(loop_scope="module")


def talk(bench: Bench, code: str, stdin: bytes = b"") -> Execution:
    tree = {"main.py": Blob(code.encode())}
    request = Request("python", RunFile("main.py"), tree, Limits(), stdin, interactive=True)
    return bench.sandbox.start("talk", request)


async def heard(run: Execution, wanted: bytes) -> None:
    """Wait until the run has written this."""
    said = b""
    async with asyncio.timeout(PATIENCE):
        async for event in run:
            said += event.data if event.kind == "stdout" else b""
            if wanted in said:
                return
    raise AssertionError(said)


async def test_a_conversation(bench: Bench) -> None:
    run = talk(bench, "while name := input('who? '):\n    print('hello', name)\n", b"first\n")
    await heard(run, b"hello first")
    await run.write("Ada\n")
    await heard(run, b"hello Ada")
    await run.write(b"Bob\n\n")
    result = await run
    assert result.status == "passed"
    assert result.stdout.data.endswith(b"hello Bob\nwho? ")


async def test_input_may_be_written_before_the_start(bench: Bench) -> None:
    run = talk(bench, "import sys; print(len(sys.stdin.read()))")
    await run.write("abc")
    run.close_stdin()
    assert (await run).stdout.data == b"3\n"


async def test_much_input_waits_for_its_reader(bench: Bench) -> None:
    run = talk(bench, "import sys\nprint('on')\nsys.stdin.readline()\nprint(len(sys.stdin.read()))")
    await heard(run, b"on")
    writing = asyncio.create_task(run.write(b"\n" + b"x" * (8 << 20)))
    async with asyncio.timeout(PATIENCE):
        await writing
    run.close_stdin()
    assert (await run).stdout.data == b"on\n8388608\n"


async def test_input_that_nobody_reads_holds_its_writer_until_the_run_ends(bench: Bench) -> None:
    run = talk(bench, "print('on')\nimport time\ntime.sleep(60)")
    await heard(run, b"on")
    writing = asyncio.create_task(run.write(b"x" * (8 << 20)))
    await asyncio.sleep(0)
    run.kill()
    with pytest.raises(BrokenPipeError, match="reads no more"):
        async with asyncio.timeout(PATIENCE):
            await writing
    assert (await run).signal == "SIGKILL"
    with pytest.raises(BrokenPipeError):
        await run.write("more")


async def test_a_run_that_closes_its_input_is_told_from_one_that_reads(bench: Bench) -> None:
    run = talk(bench, "import os\nos.close(0)\nprint('closed')\nimport time\ntime.sleep(60)")
    await heard(run, b"closed")
    with pytest.raises(BrokenPipeError):
        async with asyncio.timeout(PATIENCE):
            while True:
                await run.write(b"x" * 65536)
    await run.cancel()


async def test_an_input_that_is_not_open_can_not_be_written(bench: Bench) -> None:
    run = bench.start("pass")
    with pytest.raises(ValueError, match="not started interactive"):
        await run.write("x")
    with pytest.raises(ValueError, match="not started interactive"):
        run.close_stdin()
    assert (await run).status == "passed"


async def test_an_interrupt_is_a_keyboard_interrupt(bench: Bench) -> None:
    run = bench.start(
        "import time\ntry: print('on'), time.sleep(60)\nexcept KeyboardInterrupt: print('caught')"
    )
    await heard(run, b"on\n")
    run.interrupt()
    result = await run
    assert (result.status, result.stdout.data) == ("passed", b"on\ncaught\n")


async def test_an_interrupt_before_the_first_line_is_the_programs_too(bench: Bench) -> None:
    for _ in range(5):
        run = bench.start("import time; time.sleep(60)")
        run.interrupt()
        result = await run
        assert (result.status, result.exit_code) == ("failed", 130), result
        assert result.reports[0]["kind"] == "KeyboardInterrupt"


async def test_an_interrupt_reaches_the_foreground_of_a_script(bench: Bench) -> None:
    run = bench.start("trap 'echo caught' INT\necho on\nsleep 60\necho after $?", runtime="bash")
    await heard(run, b"on")
    while True:  # it may be between the two commands still
        run.interrupt()
        try:
            async with asyncio.timeout(0.5):
                await heard(run, b"after")
            break
        except TimeoutError:
            continue
    assert b"caught\nafter" in (await run).stdout.data


async def test_signals_by_name(bench: Bench) -> None:
    run = bench.start(RunCommand(("sleep", "60")))
    run.signal("SIGTERM")
    assert (await run).signal == "SIGTERM"
    with pytest.raises(ValueError, match="SIGNOTHING"):
        run.signal("SIGNOTHING")
    run.interrupt()  # after the end: nothing to do


async def test_a_run_that_is_left_is_cancelled(bench: Bench) -> None:
    async with bench.start("import time; time.sleep(60)") as run:
        pass
    assert (await run).status == "cancelled"


async def test_what_a_run_cost(bench: Bench) -> None:
    burn = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass\n"
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])\n"
    code = f"{child}{burn}print('x' * 999)"
    result = await bench.run(code)
    assert result.cpu_user is not None
    assert result.cpu_system is not None
    assert 0.35 < result.cpu_user + result.cpu_system < 30
    assert result.bytes_out >= 1000
    assert result.bytes_in > len(code)
    again = await bench.run("pass")
    assert again.cpu_user is not None
    assert again.cpu_user < result.cpu_user


async def test_reports_are_events_as_they_come(bench: Bench) -> None:
    bench.tree["test_it.py"] = Blob(b"def test_good(): pass\n\ndef test_bad(): assert 0\n")
    from fixwright_sandbox import RunTests

    kinds = [event async for event in bench.start(RunTests()) if event.kind == "report"]
    ids = [event.report["id"] for event in kinds if event.report and event.report["type"] == "test"]
    assert ids == ["test_it.py::test_good", "test_it.py::test_bad"]
    del bench.tree["test_it.py"]
