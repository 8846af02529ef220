"""Run guest code as the sandbox's runner does, in any interpreter of the machine."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixwright.failures import Failure, TestCounts, failures_of, test_counts
from fixwright.workspace.position import Range
from fixwright_sandbox import bundle, jobs
from fixwright_sandbox.events import Captured, Result
from fixwright_sandbox.runtimes.bash.guest import job as bash_job

DRIVER = Path(__file__).with_name("driver.py")
VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
EXACT = (3, 11)
"""The version from which on the interpreter knows columns."""


@dataclass(frozen=True)
class Outcome:
    """What came of a run, as the host sees it."""

    status: int
    stdout: str
    stderr: str
    reports: tuple[dict[str, Any], ...]
    job_path: str | None

    @property
    def result(self) -> Result:
        return Result(
            status="failed" if self.status else "passed",
            message="",
            exit_code=self.status if self.status >= 0 else None,
            signal=None,
            started_at=0.0,
            duration=0.0,
            stdout=Captured(self.stdout.encode(), b"", len(self.stdout.encode())),
            stderr=Captured(self.stderr.encode(), b"", len(self.stderr.encode())),
            reports=self.reports,
            files=(),
            peak_memory=None,
            backend="none",
            image=None,
        )

    @property
    def failures(self) -> tuple[Failure, ...]:
        return failures_of(self.result, self.job_path)

    @property
    def failure(self) -> Failure:
        """The only one."""
        assert len(self.failures) == 1, (self.failures, self.stderr)
        return self.failures[0]

    @property
    def tests(self) -> TestCounts | None:
        return test_counts(self.result)


@dataclass(frozen=True)
class Marked:
    """A source with `«…»` around the range that is expected to be blamed."""

    text: str
    range: Range

    def line_range(self) -> Range:
        """The same on whole lines: what an interpreter without columns can tell."""
        line = self.range.start.line
        text = self.text.split("\n")[line]
        return Range.of(line, len(text) - len(text.lstrip()), line, len(text.rstrip()))


def marked(source: str) -> Marked:
    text = textwrap.dedent(source).lstrip("\n")
    start = text.index("«")
    text = text.replace("«", "", 1)
    end = text.index("»")
    text = text.replace("»", "", 1)

    def at(offset: int) -> tuple[int, int]:
        before = text[:offset]
        return before.count("\n"), offset - (before.rfind("\n") + 1)

    return Marked(text, Range.of(*at(start), *at(end)))


@functools.cache
def guest_package() -> str:
    """A folder with the package as it is inside: what the modules of the host become there."""
    folder = tempfile.TemporaryDirectory(prefix="fixwright-guest-")
    atexit.register(folder.cleanup)
    for name, source in bundle.guest("python", "bash").modules.items():
        parts = (
            [*name.split("."), "__init__"] if name in ("", "python", "bash") else name.split(".")
        )
        file = Path(folder.name, *parts)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".py").write_text(source, encoding="utf-8")
    return folder.name


@functools.cache
def interpreter(version: str) -> str | None:
    """The path of a Python of that version: this one, pyenv's, or one on the PATH."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for folder in sorted(root.glob(f"{version}.*"), reverse=True):
        if (folder / "bin" / "python").exists():
            return str(folder / "bin" / "python")
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    probe = subprocess.run([found, "-c", ""], check=False, capture_output=True, timeout=30)
    return found if probe.returncode == 0 else None


def write_tree(root: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(data)


def run_python(
    root: Path,
    job: jobs.Job,
    *,
    python: str = sys.executable,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> Outcome:
    with tempfile.TemporaryFile() as reports:
        descriptor = reports.fileno()
        command = [python, *options, str(DRIVER), guest_package(), str(descriptor)]
        ended = subprocess.run(
            [*command, json.dumps(jobs.to_wire(job))],
            cwd=root,
            check=False,
            capture_output=True,
            input=stdin.encode(),
            pass_fds=[descriptor],
            timeout=60,
            env={
                "PATH": os.environ["PATH"],
                "LANG": "C.UTF-8",
                "PYTHONUNBUFFERED": "1",
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # they cost a second each time
                **(env or {}),
            },
        )
        reports.seek(0)
        lines = reports.read().splitlines()
    return Outcome(
        ended.returncode,
        ended.stdout.decode(),
        ended.stderr.decode(),
        tuple(json.loads(line) for line in lines),
        getattr(job, "path", None),
    )


def run_bash(
    root: Path, job: jobs.RunFile | jobs.RunChunks, scratch: Path, *, stdin: str = ""
) -> Outcome:
    wire: dict[str, Any] = json.loads(json.dumps(jobs.to_wire(job)))
    before = Path.cwd()
    os.chdir(root)
    try:
        argv, extra = bash_job.command(wire, str(scratch))
    finally:
        os.chdir(before)
    ended = subprocess.run(
        argv,
        cwd=root,
        check=False,
        capture_output=True,
        input=stdin.encode(),
        timeout=60,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **extra},
    )
    reports = bash_job.reports(wire, str(scratch), ended.returncode, ended.stderr[-8_192:])
    return Outcome(
        ended.returncode, ended.stdout.decode(), ended.stderr.decode(), tuple(reports), job.path
    )
