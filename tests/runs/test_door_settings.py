"""The settings of the sandbox reach it."""

from __future__ import annotations

import pytest

from fixwright.config import SandboxConfig
from fixwright.runs.door import Door
from fixwright_sandbox import Blob, Request, RunFile
from support.needs import needs

SYSTEM_PYTHON = "/usr/bin/python3"


@pytest.mark.bubblewrap
async def test_the_embedded_sandbox_runs_the_python_of_the_settings() -> None:
    needs("bubblewrap")
    door = Door(SandboxConfig(backend="bubblewrap", python=SYSTEM_PYTHON))
    try:
        sandbox = await door.open()
        tree = {"a.py": Blob(b"import sys; print(sys.prefix)\n")}
        result = await sandbox.start("door", Request("python", RunFile("a.py"), tree)).wait()
    finally:
        await door.close()
    assert result.stdout.data == b"/usr\n", result.message
