"""The one way to a sandbox: opened on first use, closed with the server."""

from __future__ import annotations

import asyncio

from fixwright.config import SandboxConfig
from fixwright_sandbox import Limits, Sandbox, SandboxSettings, SandboxUnavailable, open_sandbox


def limits_of(config: SandboxConfig) -> Limits:
    """The limits of every run, from the settings."""
    return Limits(
        wall_seconds=config.timeout,
        memory_bytes=config.memory,
        processes=config.pids,
        output_bytes=config.output,
    )


class Door:
    """Opens the sandbox that the settings ask for, once."""

    def __init__(self, config: SandboxConfig) -> None:
        self._config = config
        self._opening: asyncio.Task[Sandbox] | None = None
        self._unconfined: Sandbox | None = None

    async def open(self) -> Sandbox:
        """The sandbox.

        Raises:
            SandboxUnavailable: there is none; the message says what to install.
        """
        if self._config.backend == "none":
            raise SandboxUnavailable(
                'The sandbox is turned off (sandbox.backend is "none"), so nothing is run.'
            )
        if self._opening is None or _failed(self._opening):
            self._opening = asyncio.create_task(open_sandbox(self._settings()))
        return await asyncio.shield(self._opening)

    async def open_unconfined(self) -> Sandbox:
        """No sandbox at all. Only after the user has said yes to that, for their own run."""
        if self._unconfined is None:
            settings = SandboxSettings(backend="unconfined", limits=limits_of(self._config))
            self._unconfined = await open_sandbox(settings)
        return self._unconfined

    @property
    def opened(self) -> Sandbox | None:
        """The sandbox, if it is open."""
        task = self._opening
        if task is None or not task.done() or _failed(task):
            return None
        return task.result()

    async def close(self) -> None:
        """Close what was opened."""
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.cancel()
            (outcome,) = await asyncio.gather(opening, return_exceptions=True)
            if isinstance(outcome, Sandbox):
                await outcome.close()
        unconfined, self._unconfined = self._unconfined, None
        if unconfined is not None:
            await unconfined.close()

    def _settings(self) -> SandboxSettings:
        backend = self._config.backend
        assert backend != "none"
        return SandboxSettings(
            backend=backend,
            isolation=self._config.isolation,
            image=self._config.image,
            images=self._config.images,
            python=self._config.python,
            pool=self._config.pool,
            cpus=self._config.cpus,
            limits=limits_of(self._config),
            install_network=self._config.install_network,
        )


def _failed(task: asyncio.Task[Sandbox]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
