"""From a cache that holds no programs none can be started, where the engine can forbid it."""

from __future__ import annotations

import pytest

from fixwright_sandbox import Blob, Request, Result, RunCommand, RunFile
from fixwright_sandbox.runtimes import runtimes
from support.sandboxes import open_or_skip

pytestmark = [pytest.mark.docker, pytest.mark.slow]

START = "cp /bin/true /cache/program && /cache/program && echo started"
JAVA = 'class A { public static void main(String[] a) { System.out.println("hello"); } }'


@pytest.mark.parametrize(
    ("runtime", "started"), [("java", False), ("node", False), ("go", True), ("c", True)]
)
async def test_a_program_in_the_cache(runtime: str, started: bool) -> None:
    async with await open_or_skip("docker") as sandbox:
        request = Request(runtime, RunCommand(("bash", "-c", START)), {})
        result: Result = await sandbox.start("cache", request)
        if result.status == "image":
            pytest.skip(result.message)
        assert (result.stdout.data == b"started\n") is started, result
        assert ("Permission denied" in result.stderr.data.decode()) is not started


async def test_what_is_kept_in_such_a_cache_is_used() -> None:
    async with await open_or_skip("docker") as sandbox:
        request = Request("java", RunFile("A.java"), {"A.java": Blob(JAVA.encode())})
        for _ in range(2):
            result = await sandbox.start("cache", request)
            if result.status == "image":
                pytest.skip(result.message)
            assert result.stdout.data == b"hello\n", result


def test_whose_caches_hold_no_programs() -> None:
    told = {name for name, each in runtimes().items() if each.noexec_cache}
    assert told == {"java", "node"}
