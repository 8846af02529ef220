"""What a test needs of the machine: missing here, it is skipped; missing in CI, it fails."""

from __future__ import annotations

import asyncio
import functools
import os

import pytest

from fixwright_sandbox import SandboxSettings, SandboxUnavailable, open_sandbox


def needs(backend: str) -> None:
    """Skip (in CI: fail) unless the sandbox backend works here."""
    why = _missing(backend)
    if why is None:
        return
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@functools.cache
def _missing(backend: str) -> str | None:
    async def probe() -> None:
        settings = SandboxSettings(backend="docker" if backend == "docker" else "bubblewrap")
        await (await open_sandbox(settings)).close()

    import threading

    failure: list[str] = []

    def run() -> None:  # a thread of its own: tests run inside a loop
        try:
            asyncio.run(probe())
        except SandboxUnavailable as error:
            failure.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return failure[0] if failure else None
