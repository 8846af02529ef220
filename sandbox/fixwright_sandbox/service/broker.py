"""The sandboxes of all tokens, from their creation to their end."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncGenerator
from http import HTTPStatus

from fixwright_sandbox import (
    Blob,
    InvalidTreeError,
    Sandbox,
    SandboxUnavailable,
    SessionRefused,
)
from fixwright_sandbox.runtimes import UnknownRuntimeError
from fixwright_sandbox.session import IDLE_SECONDS

from .accounts import Account, Held, Kept, Run, check_files
from .counting import Counts
from .problems import Problem, invalid
from .settings import ServiceSettings
from .wire import (
    CellSent,
    FileSent,
    RunSent,
    SandboxSent,
    SessionSent,
    bytes_of,
    limits_of,
)


class Broker:
    """Makes sandboxes and runs for accounts within what they may have."""

    def __init__(self, sandbox: Sandbox, settings: ServiceSettings, counts: Counts) -> None:
        self.sandbox = sandbox
        self.counts = counts
        self.stopping = False
        self._settings = settings
        self._held: dict[str, tuple[Account, Held]] = {}

    async def create(self, account: Account, sent: SandboxSent) -> Held:
        """Create a sandbox. Raises `Problem`."""
        self._check_running()
        check_files(len(sent.files))
        files = {path: _blob(path, item) for path, item in sent.files.items()}
        account.check_room(sum(len(blob.data) for blob in files.values()))
        limits = limits_of(sent.limits, self._settings.sandbox.limits, account.allowance)
        with account.creating():
            try:
                workspace = await self.sandbox.create(
                    uuid.uuid4().hex,
                    files=files,
                    runtime=sent.runtime,
                    limits=limits,
                    env=sent.env,
                )
            except InvalidTreeError as error:
                raise invalid(str(error), "files") from error
            except UnknownRuntimeError as error:
                raise invalid(str(error), "runtime") from error
            except SandboxUnavailable as error:
                raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), "runtime") from error
            held = Held(workspace, sent.label)
            account.sandboxes[held.id] = held
            self._held[held.id] = (account, held)
            self._count()
        if self.stopping:  # meanwhile
            await self.terminate(account, held)
            self._check_running()
        return held

    def start(self, account: Account, held: Held, sent: RunSent) -> Run:
        """Start a run. Raises `Problem`."""
        self._check_running()
        account.check_run()
        if sent.keep:
            account.check_room(0)
        limits = limits_of(sent.limits, held.workspace.limits, account.allowance)
        account.check_timeout(sent.timeout)
        chosen = [name for name in ("command", "code", "file", "tests") if _has(sent, name)]
        if len(chosen) != 1 or sent.command == []:
            raise invalid("Name exactly one of command, code, file and tests to run.", "command")
        if sent.file is not None and sent.file not in held.workspace.tree:
            raise invalid(f"There is no {sent.file} in the sandbox.", "file")
        if sent.args and chosen[0] not in {"file", "code"}:
            raise invalid("Only a file or code takes arguments.", "args")
        try:
            execution = held.workspace.run(
                sent.command,
                code=sent.code,
                file=sent.file,
                tests=sent.tests,
                args=sent.args,
                runtime=sent.runtime,
                stdin=sent.stdin,
                interactive=sent.interactive,
                timeout=sent.timeout,
                limits=limits,
                env=sent.env,
                keep=sent.keep,
            )
        except UnknownRuntimeError as error:
            raise invalid(str(error), "runtime") from error
        except ValueError as error:
            raise invalid(str(error), chosen[0]) from error
        return account.started(held, execution)

    def open_session(self, account: Account, held: Held, sent: SessionSent) -> Kept:
        """Open a session. Raises `Problem`."""
        self._check_running()
        account.check_session()
        limits = limits_of(sent.limits, held.workspace.limits, account.allowance)
        try:
            session = held.workspace.session(
                runtime=sent.runtime,
                limits=limits,
                env=sent.env,
                idle_seconds=min(self._settings.idle_seconds, IDLE_SECONDS),
            )
        except (SessionRefused, UnknownRuntimeError) as error:
            raise invalid(str(error), "runtime") from error
        kept = Kept(session)
        held.sessions[kept.id] = kept
        return kept

    def start_cell(self, account: Account, held: Held, kept: Kept, sent: CellSent) -> Run:
        """Start a cell. Raises `Problem`."""
        self._check_running()
        account.check_run()
        account.check_timeout(sent.timeout)
        if sent.path is not None and sent.path not in held.workspace.tree:
            raise invalid(f"There is no {sent.path} in the sandbox.", "path")
        try:
            execution = kept.session.run(
                sent.code,
                path=sent.path,
                line=sent.line,
                column=sent.column,
                stdin=sent.stdin,
                interactive=sent.interactive,
                timeout=sent.timeout,
            )
        except SessionRefused as error:
            raise Problem(HTTPStatus.CONFLICT, str(error), "session") from error
        return account.started(held, execution)

    async def terminate(self, account: Account, held: Held) -> None:
        """End it with all that runs in it."""
        account.sandboxes.pop(held.id, None)
        self._held.pop(held.id, None)
        self._count()
        await held.workspace.close()

    async def sweep(self) -> None:
        """Terminate what nobody used for long; goes on until it is cancelled."""
        limit = self._settings.idle_seconds
        while True:
            await asyncio.sleep(min(30.0, limit / 2))
            now = time.monotonic()
            for account, held in list(self._held.values()):
                if not held.running and now - held.used_at > limit:
                    await self.terminate(account, held)

    async def stop(self) -> None:
        """Take nothing new and end every run, so that whoever listens is told."""
        self.stopping = True
        runs = [run for _, held in self._held.values() for run in held.runs.values()]
        await asyncio.gather(*(run.execution.cancel() for run in runs if not run.has_ended))

    def metrics(self) -> str:
        """Of the sandbox and of the service."""
        return self.sandbox.metrics() + self.counts.text()

    @contextlib.asynccontextmanager
    async def sweeping(self) -> AsyncGenerator[None]:
        """While inside, what is idle is terminated."""
        task = asyncio.create_task(self.sweep())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    def _check_running(self) -> None:
        if self.stopping:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE, "The service is stopping.", retry_after=10
            )

    def _count(self) -> None:
        self.counts.sandboxes.set(to=len(self._held))


def _has(sent: RunSent, name: str) -> bool:
    return getattr(sent, name) is not None


def _blob(path: str, item: str | FileSent) -> Blob:
    if isinstance(item, str):
        return Blob(item.encode())
    data = bytes_of(item.data, item.encoding, f"files.{path}.data")
    return Blob(data, executable=item.executable)
