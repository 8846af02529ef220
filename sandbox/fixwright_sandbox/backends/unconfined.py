"""No isolation: a process of the user's own, in a folder of its own.

Opened only where a person asked for it by name.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

from fixwright_sandbox import bundle
from fixwright_sandbox.owner import Owner
from fixwright_sandbox.runtimes import runtime as find_runtime

from .base import Channel, Shape
from .interpreter import Interpreter, find_interpreter
from .labels import FOLDER
from .process import start_process
from .toolchain import find_toolchain


class Unconfined:
    """Runs with all the rights of the user; limits and cleaning up work as far as they can."""

    name = "unconfined"

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter

    @classmethod
    async def open(cls, python: str | None) -> Unconfined:
        """Find the interpreter. Raises `BackendError`."""
        return cls(await asyncio.to_thread(find_interpreter, python))

    def image(self, runtime: str) -> None:
        """None: it runs on what the machine has."""
        del runtime

    async def start(self, shape: Shape) -> tuple[Channel, dict[str, object]]:
        """Start an environment; its limits are held by the runner alone."""
        toolchain = await asyncio.to_thread(find_toolchain, find_runtime(shape.runtime), os.environ)
        making = asyncio.ensure_future(asyncio.to_thread(_make_folder))
        try:
            folder = await asyncio.shield(making)
        except asyncio.CancelledError:
            await _remove(await making)
            raise
        python = str(Path(self._interpreter.executable).parent)
        path = ":".join((*toolchain.path, python, os.environ.get("PATH", os.defpath)))

        channel = await start_process(
            bundle.arguments(self._interpreter.executable),
            env={"PATH": path, "LANG": "C.UTF-8"},
            after=lambda: _remove(folder),
        )
        return channel, {
            "variables": dict(toolchain.variables),
            "root": str(folder / "workspace"),
            "tmp": str(folder / "tmp"),
            "cleaned": [str(folder / "tmp")],
            "bounded": [],
            "cache": str(folder / "cache") if shape.cache else None,
            "temporary": str(folder),
            "contained": False,
            "limit_data": not find_runtime(shape.runtime).sparse,
            "limit_processes": False,
            "refusals_counted": False,
            "calls": None,
            "most_files": None,
        }

    async def close(self) -> None:
        """Nothing is held."""


def _make_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{Owner.current().tag}-"))
    (folder / "workspace").mkdir()
    (folder / "tmp").mkdir()
    (folder / "cache").mkdir()
    return folder


async def _remove(folder: Path) -> None:
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
