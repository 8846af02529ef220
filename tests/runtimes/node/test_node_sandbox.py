"""Every case once more in the sandbox itself, with the tools of its image."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from fixwright_sandbox import Blob, SandboxUnavailable
from support.compiled_cases import check, read_cases
from support.sandboxes import Bench, open_or_skip

CASES = Path(__file__).with_name("cases")

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]


async def test_every_case_in_a_container() -> None:
    wrong: list[str] = []
    async with await open_or_skip("docker") as sandbox:
        try:
            await sandbox.prepare("bench", "node")
        except SandboxUnavailable as error:
            pytest.skip(str(error))
        for case in read_cases(CASES):
            bench = Bench(sandbox)
            bench.tree.update({name: Blob(text.encode()) for name, text in case.files.items()})
            result = await bench.run(case.job, runtime="node")
            if result.status == "memory" and "OutOfMemory" in case.keys.get("kind", ()):
                continue  # the limit was met before Node's own; both are told
            status = result.exit_code
            if result.signal is not None:
                status = -int(signal.Signals[result.signal])
            assert status is not None, (case.name, result)
            try:
                check(case, status, [dict(r) for r in result.reports], result.stdout.data.decode())
            except AssertionError as error:
                wrong.append(f"{case.name}: {error}")
    assert not wrong, "\n".join(wrong)
