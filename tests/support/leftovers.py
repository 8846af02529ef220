"""What a server leaves on the machine: processes, containers, temporary files."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fixwright_sandbox.backends.docker import LABEL, OWNER_LABEL
from fixwright_sandbox.backends.engine import Engine
from fixwright_sandbox.owner import Owner

PATIENCE = 20.0
_MARK = "FIXWRIGHT_TEST_MARK"


@dataclass(frozen=True)
class Trail:
    """Marks a server's environment and its programs, to find afterwards what is left of them."""

    temporary: Path
    mark: str = field(default_factory=lambda: str(10**9 + uuid.uuid4().int % 10**9))

    @property
    def environment(self) -> dict[str, str]:
        """For the server."""
        self.temporary.mkdir(exist_ok=True)
        return {_MARK: self.mark, "TMPDIR": str(self.temporary)}

    def program(self, first: str = "started") -> str:
        """A Python program that says something and then waits in a process of its own."""
        return (
            f"import subprocess\nprocess = subprocess.Popen(['sleep', '{self.mark}'])\n"
            f"print({first!r}, flush=True)\nprocess.wait()\n"
        )

    def processes(self) -> list[str]:
        """Command lines of the server, of whatever it started, and of programs it runs."""
        found: list[str] = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                arguments = (process / "cmdline").read_bytes()
                environment = (process / "environ").read_bytes()
            except OSError:  # it has just ended
                continue
            named = self.mark.encode() in arguments.split(b"\0")
            if named or f"{_MARK}={self.mark}".encode() in environment.split(b"\0"):
                found.append(arguments.replace(b"\0", b" ").decode(errors="replace"))
        return found

    def programs(self) -> list[str]:
        """Only the programs: `sleep` with the mark."""
        return [each for each in self.processes() if f"sleep {self.mark}" in each]

    def files(self) -> list[Path]:
        """Temporary files."""
        return sorted(self.temporary.rglob("*"))


def containers_of(pid: int) -> list[str]:
    """Containers that belong to a process."""
    engine = Engine(None)
    try:
        owners = {
            each.id: Owner.parse(each.labels.get(OWNER_LABEL, ""))
            for each in engine.labelled(LABEL)
        }
    finally:
        engine.close()
    return [key for key, owner in owners.items() if owner is not None and owner.pid == pid]


async def until_programs(trail: Trail) -> None:
    """Poll: for a moment after its parent knows that it has started, a process has no arguments."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(trail.programs):  # noqa: ASYNC110  # as below
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError("no program was started") from None


async def until_none(what: Callable[[], list[str]] | Callable[[], list[Path]]) -> None:
    """Poll, since nobody tells when a process of somebody else's has ended."""
    try:
        async with asyncio.timeout(PATIENCE):
            while await asyncio.to_thread(what):  # noqa: ASYNC110  # nothing of ours to wait on
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"left behind: {what()}") from None
