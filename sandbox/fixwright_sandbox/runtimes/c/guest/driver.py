"""Run a job in C or C++: build what it needs, run it, and report why it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fixwright_sandbox.guest.sources import Sources

from . import build
from .build import Build

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

_FAILED = 1
_NO_TOOL = 127


def main(job: dict[str, Any], stage: Stage) -> int:
    """Run a job and return its exit status; negative the signal that ended the program."""
    if job["kind"] == "tests":
        from .tests import run_tests  # here: a file that is run needs none of it

        return run_tests(list(job["targets"]), stage)
    path = str(job["path"])
    made = Build(stage, Sources(stage.root))
    missing = made.compiler.missing(cpp=build.is_cpp(path))
    if missing is not None:
        stage.say(f"There is no compiler `{missing}` in the sandbox.\n")
        return _NO_TOOL
    if job["kind"] == "chunks":
        from .chunks import compose  # here: as above

        text, runs = compose(path, list(job["chunks"]), made.sources)
        binary = made.program(path, text=text, runs=runs)
    else:
        runs = made.project.has_main(path)
        binary = made.program(path, runs=runs)
    if binary is None:
        return _FAILED
    if not runs:
        message = "it compiles, and there is no function main to run"
        stage.report({"type": "note", "message": message})
        stage.say(message + "\n")
        return 0
    return build.execute(binary, list(job.get("args") or ()), made, stage)
