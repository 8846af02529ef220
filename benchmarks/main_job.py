"""The figures of the main job, each beside its peers in the same run.

    python benchmarks/main_job.py [--quick] [--json FILE]

Machines differ and are noisy: read the ratios. In brackets stands what `baseline.json` has; write
a new one with `--json benchmarks/baseline.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from wire import BARE_PYGLS, FIXWRIGHT, Wire, initialize_params, serving

IMAGE = "fixwright/python:1"
BASELINE = Path(__file__).parent / "baseline.json"


@dataclass(frozen=True)
class Row:
    """One measured thing. `ratio` is its median over that of `against`."""

    group: str
    name: str
    unit: str
    p50: float
    p99: float
    against: str = ""
    ratio: float | None = None


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each of `times` calls, after one that is not counted."""
    work()
    taken: list[float] = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return taken


def row(group: str, name: str, values: list[float], unit: str = "ms") -> Row:
    ordered = sorted(values)
    last = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return Row(group, name, unit, statistics.median(ordered), last)


def beside(rows: list[Row], base: str) -> list[Row]:
    """Each row with its ratio to the row named `base`."""
    median = next(each.p50 for each in rows if each.name == base)
    return [
        each if each.name == base else replace(each, against=base, ratio=each.p50 / median)
        for each in rows
    ]


# ---- a warm run -------------------------------------------------------------------------


def runs(folder: Path, environment: dict[str, str], times: int) -> Iterator[Row]:
    """`pass` from the command to its report, against a container of its own and bare Python."""
    (folder / "empty.py").write_text("pass\n")
    (folder / "broken.py").write_text("print(nope)\n")
    rows = [row("run", "python -c pass", timed(_bare_python, times))]
    if _engine():
        rows.append(row("run", "docker run --rm", timed(_docker_run, max(3, times // 5))))
    for backend in _backends():
        env = {**environment, "FIXWRIGHT_SANDBOX_BACKEND": backend}
        with serving(folder, env) as wire:
            empty = {"uri": _open(wire, folder / "empty.py")}
            broken = {"uri": _open(wire, folder / "broken.py")}
            taken = timed(partial(wire.command, "fixwright.runFile", empty), times)
            rows.append(row("run", f"fixwright, {backend}: pass to report", taken))
            taken = _first_diagnostics(wire, broken, times)
            rows.append(row("run", f"fixwright, {backend}: run to first diagnostic", taken))
    yield from beside(rows, "docker run --rm" if _engine() else "python -c pass")


def _first_diagnostics(wire: Wire, argument: object, times: int) -> list[float]:
    """Milliseconds from the command to what the editor can show; the report comes after that."""
    taken: list[float] = []
    command = {"command": "fixwright.runFile", "arguments": [argument]}
    for _ in range(times + 1):
        start = time.perf_counter()
        number = wire.ask("workspace/executeCommand", command)
        wire.notified("textDocument/publishDiagnostics")
        taken.append((time.perf_counter() - start) * 1000)
        wire.answer(number)
    return taken[1:]


def _bare_python() -> None:
    subprocess.run([sys.executable, "-c", "pass"], check=True)


def _docker_run() -> None:
    command = ["docker", "run", "--rm", "--network=none", IMAGE, "python3", "-c", "pass"]
    subprocess.run(command, check=True, capture_output=True)


def _engine() -> bool:
    if shutil.which("docker") is None:
        return False
    command = ["docker", "image", "inspect", IMAGE]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _backends() -> list[str]:
    found = ["docker"] if _engine() else []
    return [*found, "bubblewrap"] if shutil.which("bwrap") else found


# ---- a keystroke ------------------------------------------------------------------------


def keystrokes(folder: Path, environment: dict[str, str], times: int) -> Iterator[Row]:
    """didChange to fresh document symbols, with a run going on."""
    (folder / "busy.py").write_text("while True:\n    pass\n")
    for lines in (1_000, 10_000, 100_000):
        with serving(folder, environment) as wire:
            busy = {"uri": _open(wire, folder / "busy.py")}
            path = folder / f"lines{lines}.py"
            path.write_text(_module(lines))
            uri = _open(wire, path)
            command = {"command": "fixwright.runFile", "arguments": [busy]}
            going_on = wire.ask("workspace/executeCommand", command)
            typist = _Typist(wire, uri, lines // 2 // 5 * 5 + 1)
            typist.symbols()
            yield row("keystroke to symbols", f"{lines} lines", timed(typist.press, times))
            wire.command("fixwright.cancel", {})
            wire.answer(going_on)


@dataclass
class _Typist:
    """Types `x` into one line, again and again."""

    wire: Wire
    uri: str
    line: int
    version: int = 1

    def press(self) -> None:
        self.version += 1
        place = {"line": self.line, "character": 4}
        change = {"range": {"start": place, "end": place}, "text": "x"}
        document = {"uri": self.uri, "version": self.version}
        parameters = {"textDocument": document, "contentChanges": [change]}
        self.wire.notify("textDocument/didChange", parameters)
        self.symbols()

    def symbols(self) -> None:
        parameters = {"textDocument": {"uri": self.uri}}
        assert self.wire.request("textDocument/documentSymbol", parameters)


def _module(lines: int) -> str:
    """Functions of three lines and two empty ones."""
    bodies = (
        f"def function_{n}(a, b):\n    value = a + b * {n}\n    return value\n\n\n"
        for n in range(lines // 5)
    )
    return "".join(bodies)


# ---- start and memory -------------------------------------------------------------------


def starts(environment: dict[str, str], times: int) -> Iterator[Row]:
    """From starting the process to the answer to `initialize`, turn by turn."""
    taken: dict[str, list[float]] = {"bare pygls": [], "fixwright serve": []}
    for turn in range(times + 1):
        for name, command in (("bare pygls", BARE_PYGLS), ("fixwright serve", FIXWRIGHT)):
            start = time.perf_counter()
            wire = Wire(command, environment)
            wire.request("initialize", initialize_params(None))
            if turn:
                taken[name].append((time.perf_counter() - start) * 1000)
            wire.process.kill()
            wire.process.wait()
    rows = [row("start to initialize", name, values) for name, values in taken.items()]
    yield from beside(rows, "bare pygls")


def memory(folder: Path, environment: dict[str, str]) -> Iterator[Row]:
    """Resident memory when idle, and with a workspace of 3,000 files open after a run in it."""
    with serving(None, environment, BARE_PYGLS) as wire:
        rows = [row("memory", "bare pygls", [wire.memory() / 2**20], "MiB")]
    with serving(None, environment) as wire:
        wire.command("fixwright.status", {})
        rows.append(row("memory", "fixwright, idle", [wire.memory() / 2**20], "MiB"))
    for number in range(3000):
        package = folder / f"package{number % 30}"
        package.mkdir(exist_ok=True)
        (package / f"module{number}.py").write_text(_module(100))
    (folder / "a.py").write_text("import os\nprint(os.getcwd())\n")
    with serving(folder, environment) as wire:
        wire.command("fixwright.runFile", {"uri": _open(wire, folder / "a.py")})
        name = "fixwright, 3000 files, after a run"
        rows.append(row("memory", name, [wire.memory() / 2**20], "MiB"))
    yield from beside(rows, "bare pygls")


def _open(wire: Wire, path: Path) -> str:
    item = {"uri": path.as_uri(), "languageId": "python", "version": 1, "text": path.read_text()}
    wire.notify("textDocument/didOpen", {"textDocument": item})
    return path.as_uri()


# ---- all --------------------------------------------------------------------------------


def measured(*, quick: bool) -> Iterator[Row]:
    environment = {**os.environ, "FIXWRIGHT_MODEL_PROVIDER": "none"}
    times = 10 if quick else 40
    with tempfile.TemporaryDirectory() as name:
        yield from runs(Path(name), environment, times)
    with tempfile.TemporaryDirectory() as name:
        yield from keystrokes(Path(name), environment, times if quick else 100)
    yield from starts(environment, times // 2)
    with tempfile.TemporaryDirectory() as name:
        yield from memory(Path(name), environment)


def baseline() -> dict[tuple[str, str], Row]:
    """The rows of an earlier run that was worth keeping."""
    if not BASELINE.is_file():
        return {}
    rows = (Row(**each) for each in json.loads(BASELINE.read_text()))
    return {(each.group, each.name): each for each in rows}


def shown(each: Row, before: Row | None) -> str:
    ratio = f"{each.ratio:.2f} x {each.against}" if each.ratio is not None else ""
    values = f"{each.p50:>9.1f} {each.p99:>9.1f} {each.unit}"
    if before is None:
        was = ""
    elif before.ratio is not None:
        was = f"(was {before.ratio:.2f} x)"
    else:
        was = f"(was {before.p50:.1f} {before.unit})"
    return f"{each.group:<22} {each.name:<42} {values:<24} {ratio} {was}".rstrip()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    options = parser.parse_args()
    before = baseline()
    rows: list[Row] = []
    print(f"{'':<22} {'':<42} {'p50':>9} {'p99':>9}")
    for each in measured(quick=options.quick):
        rows.append(each)
        print(shown(each, before.get((each.group, each.name))), flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
