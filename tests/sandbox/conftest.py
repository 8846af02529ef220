"""One sandbox a backend and module; each test gets a workspace of its own name."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from fixwright_sandbox import Sandbox
from support.sandboxes import Bench, backends, open_or_skip


@pytest_asyncio.fixture(
    loop_scope="module", scope="module", params=backends("docker", "bubblewrap", "unconfined")
)
async def everywhere(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """A sandbox of each backend."""
    async with await open_or_skip(request.param) as sandbox:
        yield sandbox


@pytest_asyncio.fixture(
    loop_scope="module", scope="module", params=backends("docker", "bubblewrap")
)
async def confined(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """A sandbox of each backend that isolates."""
    async with await open_or_skip(request.param) as sandbox:
        yield sandbox


@pytest.fixture
def bench(everywhere: Sandbox) -> Bench:
    """A bench on each backend. Its environment is the one that earlier tests used."""
    return Bench(everywhere)


@pytest.fixture
def safe_bench(confined: Sandbox) -> Bench:
    """A bench on each backend that isolates."""
    return Bench(confined)
