"""Others that run code in a box: Docker's own commands and packages, where they are installed."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

IMAGE = "fixwright/python:1"
DOCKER_RUN = ["docker", "run", "--rm", "--network=none", IMAGE]
_PASS = ["python3", "-c", "pass"]

Figures = Iterator[tuple[str, list[float]]]


def timed_command(argv: list[str], times: int) -> list[float]:
    """Milliseconds of each turn after the first; none where the command is missing or fails."""
    if shutil.which(argv[0]) is None:
        return []

    def once() -> None:
        subprocess.run(argv, check=True, capture_output=True, timeout=120)

    try:
        return timed(once, times)
    except subprocess.SubprocessError as error:
        print(f"{argv[0]}: {error}", file=sys.stderr)
        return []


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each of `times` turns, after one that is not counted."""
    work()
    values: list[float] = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        values.append((time.perf_counter() - start) * 1000)
    return values


def cold(times: int) -> Figures:
    """From nothing to the end of a run of nothing."""
    yield from _known("docker run", timed_command([*DOCKER_RUN, *_PASS], times))
    if _installed("llm_sandbox"):
        yield "llm-sandbox", timed(_llm_sandbox_cold, 2)
    if _installed("epicbox"):
        yield "epicbox", timed(_epicbox, times)


def warm(times: int) -> Figures:
    """A run of nothing in what lives already; one-shot peers start anew, as they do."""
    yield from _known("bare python", timed_command([sys.executable, "-c", "pass"], times))
    yield from _known("docker run", timed_command([*DOCKER_RUN, *_PASS], max(3, times // 4)))
    yield from _known("docker exec", _docker_exec(max(3, times // 2)))
    if _installed("llm_sandbox"):
        yield "llm-sandbox", _llm_sandbox_warm(max(3, times // 4))
    if _installed("epicbox"):
        yield "epicbox", timed(_epicbox, max(3, times // 4))


def _known(name: str, values: list[float]) -> Figures:
    if values:
        yield name, values


def _package(name: str) -> Any:
    """A peer's package, which nobody has to have."""
    return importlib.import_module(name)


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _docker_exec(times: int) -> list[float]:
    if shutil.which("docker") is None:
        return []
    name = f"fixwright-bench-{uuid.uuid4().hex[:8]}"
    idle = ["docker", "run", "-d", "--rm", "--name", name, "--network=none", IMAGE, "sleep", "600"]
    if subprocess.run(idle, capture_output=True, check=False).returncode != 0:
        return []
    try:
        return timed_command(["docker", "exec", name, *_PASS], times)
    finally:
        subprocess.run(["docker", "kill", name], capture_output=True, check=False)


def _llm_sandbox_cold() -> None:
    with _package("llm_sandbox").SandboxSession(
        image=IMAGE, lang="python", skip_environment_setup=True
    ) as session:
        session.run("pass")


def _llm_sandbox_warm(times: int) -> list[float]:
    with _package("llm_sandbox").SandboxSession(
        image=IMAGE, lang="python", skip_environment_setup=True
    ) as session:
        return timed(lambda: session.run("pass"), times)


def _epicbox() -> None:
    epicbox = _package("epicbox")
    epicbox.configure(profiles=[epicbox.Profile("python", IMAGE)])
    files = [{"name": "a.py", "content": b"pass"}]
    epicbox.run("python", "python3 a.py", files=files, limits={"cputime": 5, "memory": 128})
