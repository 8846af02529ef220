"""Sandboxes for tests: which backends this machine has, and a bench to run things on."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fixwright_sandbox import (
    Blob,
    Execution,
    HostFile,
    Job,
    Limits,
    Request,
    Result,
    RunCommand,
    RunFile,
    Sandbox,
    SandboxSettings,
    SandboxUnavailable,
    open_sandbox,
)

PATIENCE = 60.0


def backends(*names: str) -> list[Any]:
    """Parameters for a fixture: the named backends, each under its marker."""
    marks = {"docker": [pytest.mark.docker], "bubblewrap": [pytest.mark.bubblewrap]}
    return [pytest.param(name, marks=marks.get(name, []), id=name) for name in names]


def settings_for(backend: str, **changes: Any) -> SandboxSettings:
    """Settings without a spare, so that a test holds only what it asks for."""
    return SandboxSettings(backend=backend, **{"pool": 0, **changes})  # type: ignore[arg-type]  # parametrised


async def open_or_skip(backend: str, **changes: Any) -> Sandbox:
    """Open a sandbox; where it is missing skip the test, or in CI, that has to have it, fail."""
    try:
        return await open_sandbox(settings_for(backend, **changes))
    except SandboxUnavailable as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI has to have the sandbox backend {backend}: {error}")
        pytest.skip(f"the sandbox backend {backend} is missing: {error}")


def is_of_the_interpreter(path: str) -> bool:
    """Whether a path leads to the interpreter that bubblewrap shows, or lies in it.

    It may lie below /tmp: then its parent folders are there too, in memory and for one run.
    """
    below = Path("/tmp") in Path(path).parents
    homes = (Path(sys.prefix), Path(sys.base_prefix))
    return below and any(
        home.is_relative_to(path) or Path(path).is_relative_to(home) for home in homes
    )


@dataclass
class Bench:
    """A sandbox and a workspace to run things in."""

    sandbox: Sandbox
    workspace: str = "bench"
    tree: dict[str, Blob | HostFile] = field(default_factory=dict[str, Blob | HostFile])

    def start(
        self,
        code: str | Job,
        *,
        runtime: str = "python",
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        workspace: str | None = None,
        **limits: Any,
    ) -> Execution:
        """Start code (as the file `main`) or a job, over the bench's tree."""
        tree = dict(self.tree)
        if isinstance(code, str):
            name = "main.py" if runtime == "python" else "main.sh"
            tree[name] = Blob(code.encode())
            job: Job = RunFile(name)
        else:
            job = code
        bounds = Limits(**limits)
        request = Request(runtime, job, tree, bounds, stdin=stdin, env=env or {})
        return self.sandbox.start(workspace or self.workspace, request)

    async def run(self, code: str | Job, **options: Any) -> Result:
        """Run to the end."""
        return await asyncio.wait_for(self.start(code, **options).wait(), PATIENCE)

    async def listing(self) -> set[str]:
        """Every path under the workspace, as a run finds it."""
        found = await self.run(RunCommand(("find", ".", "-mindepth", "1", "-printf", "%y %P\\0")))
        assert found.status == "passed", found
        entries = found.stdout.data.decode("utf-8", "surrogateescape").split("\0")
        return {entry for entry in entries if entry}
