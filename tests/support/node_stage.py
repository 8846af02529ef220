"""Stages for the Node driver: one that runs the tools here, one that plays them back."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixwright_sandbox.runtimes.node import guest
from support.compiled_stage import Done, HostStage, ReplayStage

GUEST = Path(guest.__file__).parent
TOOLS = Path(os.environ.get("FIXWRIGHT_NODE_TOOLS", Path.home() / ".cache/fixwright/node"))
"""A folder with bin/esbuild and bin/tsc, and with a project for each of vitest, jest and mocha."""


def node() -> str | None:
    return os.environ.get("FIXWRIGHT_NODE") or shutil.which("node")


def environment(home: Path) -> dict[str, str]:
    folders = [str(Path(node() or "/usr/bin/node").parent), f"{TOOLS}/bin", "/usr/bin", "/bin"]
    return {"PATH": ":".join(folders), "HOME": str(home), "LANG": "C.UTF-8"}


@dataclass
class NodeStage(HostStage):
    """Runs the tools; what the hook wrote down is recorded with what they said."""

    def _folders(self) -> dict[str, str]:
        return {**super()._folders(), "{guest}": str(GUEST)}

    def data(self, name: str) -> str:
        return str(GUEST / name)

    def _ended(
        self,
        call: str,
        argv: Sequence[str],
        cwd: str | None,
        env: Mapping[str, str] | None,
        stdin: bytes,
        timeout: float | None,
    ) -> Done:
        done = super()._ended(call, argv, cwd, env, stdin, timeout)
        if call == "program":
            written: dict[str, str] = {}
            for file in sorted(Path(self.scratch).iterdir()):
                if file.name.startswith("records") or file.suffix == ".json":
                    written[file.name] = file.read_text(encoding="utf-8")
            self.calls[-1]["written"] = written
        return done


@dataclass
class NodeReplay(ReplayStage):
    """Plays back what the tools said and what the hook wrote down."""

    def _folders(self) -> dict[str, str]:
        return {**super()._folders(), "{guest}": str(GUEST)}

    def data(self, name: str) -> str:
        return str(GUEST / name)

    def _ended(
        self,
        call: str,
        argv: Sequence[str],
        cwd: str | None,
        env: Mapping[str, str] | None,
        stdin: bytes,
        timeout: float | None,
    ) -> Done:
        written = self.calls[0].get("written", {}) if self.calls else {}
        done = super()._ended(call, argv, cwd, env, stdin, timeout)
        names = [name for name in argv if name.startswith("--outdir=")]
        if names and done.exit == 0:
            for made in (one.split("=")[0] for one in argv if "=/" in one and one[0] != "-"):
                Path(names[0].removeprefix("--outdir="), f"{made}.js").write_bytes(b"")
        for name in written:
            for mark, folder in self._folders().items():
                written[name] = written[name].replace(mark, folder)
            Path(self.scratch, name).write_text(written[name], encoding="utf-8")
        return done


def run_job(driver: Callable[[dict[str, Any], Any], int], job: object, stage: HostStage) -> int:
    """Run a job of the driver's as the sandbox would: in the tree."""
    before = Path.cwd()
    os.chdir(stage.root)
    try:
        return driver(json.loads(json.dumps(job)), stage)
    finally:
        os.chdir(before)
