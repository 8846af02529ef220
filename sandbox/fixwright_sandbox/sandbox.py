"""The door: open a sandbox, start runs in it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from .execution import Execution, Recording
from .settings import Request, SandboxSettings, SandboxUnavailable


class Sandbox:
    """Environments that run untrusted code; an async context manager."""

    def __init__(self, settings: SandboxSettings, backend: str, image: str | None) -> None:
        self.backend = backend
        self.image = image
        self._settings = settings

    async def prepare(self, workspace: str) -> None:
        """Start an environment for the workspace before it is needed."""
        del workspace

    def start(self, workspace: str, request: Request) -> Execution:
        """Start a run. `workspace` is an opaque key; environments are never shared."""
        del workspace, request
        return Execution(Recording(self._settings, backend=self.backend, image=self.image))

    async def release(self, workspace: str) -> None:
        """Stop what runs for the workspace and forget its files."""
        del workspace

    async def close(self) -> None:
        """Stop everything; leaves no container, process or file."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


async def open_sandbox(settings: SandboxSettings | None = None) -> Sandbox:
    """Open the backend that the settings name; `SandboxUnavailable` says why it can't be."""
    del settings
    message = "No backend is built yet."
    raise SandboxUnavailable(message)
