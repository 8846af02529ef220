"""What the index is measured beside: the bare parse, universal-ctags, ripgrep and ty's server."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tree_sitter

from fixwright.index.catalog.discovery import discover
from fixwright.index.catalog.reading import read_source
from wire import Wire, initialize_params

if TYPE_CHECKING:
    from collections.abc import Callable

CTAGS_LANGUAGES = "Python,JavaScript,TypeScript,Go,Rust,Java,C,C++,Sh"
_PATIENCE = 120.0


@dataclass(frozen=True)
class Cost:
    """Seconds."""

    cpu: float
    wall: float


def bare_parse(root: Path) -> tuple[Cost, int, int]:
    """Reads and parses every file that the index parses, on one processor, and keeps nothing.

    Returns:
        What it cost, how many files they were, and of how many bytes.
    """
    with tempfile.TemporaryDirectory() as empty:
        paths = sorted(discover([root], Path(empty, "empty.git")).sources)
    parsers: dict[str, tree_sitter.Parser] = {}
    size = files = 0
    before, started = time.process_time(), time.perf_counter()
    for path in paths:
        source = read_source(path)
        if source is None or source.language is None or not source.verdict.policy.is_parsed:
            continue
        parser = parsers.get(source.language.name)
        if parser is None:
            parser = parsers[source.language.name] = source.language.parser()
        parser.parse(source.data)
        size += len(source.data)
        files += 1
    cost = Cost(time.process_time() - before, time.perf_counter() - started)
    return cost, files, size


def children_cpu() -> float:
    """Seconds of all processes that were started here and have ended."""
    times = os.times()
    return times.children_user + times.children_system


def spent(work: Callable[[], object]) -> Cost:
    """What something costs that other processes do."""
    before, started = children_cpu(), time.perf_counter()
    work()
    return Cost(children_cpu() - before, time.perf_counter() - started)


def ctags(root: Path) -> Cost | None:
    """Universal-ctags over a folder; None where it is not installed."""
    options = ["-R", f"--languages={CTAGS_LANGUAGES}", "-f", "-"]
    return _run("ctags", [*options, str(root)])


def ripgrep(root: Path, name: str) -> Cost | None:
    """The lines that have a name as a word; None where ripgrep is not installed."""
    return _run("rg", ["--no-config", "-w", "-F", "-e", name, str(root)])


def _run(program: str, arguments: list[str]) -> Cost | None:
    path = shutil.which(program)
    if path is None:
        return None
    command = [path, *arguments]
    return spent(lambda: subprocess.run(command, capture_output=True, check=False, timeout=900))


def first_symbol(command: tuple[str, ...], root: Path, name: str, env: dict[str, str]) -> Cost:
    """From the start of a language server to its first symbol of the workspace with this name.

    Raises:
        RuntimeError: it did not find it within two minutes.
    """
    before, started = children_cpu(), time.perf_counter()
    wire = Wire(command, env)
    try:
        wire.request("initialize", initialize_params(root))
        wire.notify("initialized", {})
        while not any(
            each["name"] == name for each in wire.request("workspace/symbol", {"query": name}) or ()
        ):
            if time.perf_counter() - started > _PATIENCE:
                raise RuntimeError(f"{command[0]} did not find {name!r}")
            time.sleep(0.01)  # a client that asks again and again would take what the server needs
        wall = time.perf_counter() - started
        wire.request("shutdown", None)
        wire.notify("exit", None)
        wire.process.wait(30)
    finally:
        wire.process.kill()
        wire.process.wait()
    return Cost(children_cpu() - before, wall)
