"""The index at growing sizes: building, warm, one change, typing meanwhile, memory; and its peers.

    python benchmarks/index_scale.py CORPUS... [--files 1000,10000,100000] [--ty PROGRAM]
                                     [--json FILE]

Makes a workspace of each size from the source files of the corpora (see `index.py` for how to come
by some) that are smaller than 12 kB: each as often as needed, with another number of empty lines at
its end, so that no two are alike. Then, in the same run:

- building, warm and one file changed, beside the bare parse, universal-ctags and ripgrep;
- the first answer to `workspace/symbol`, a function of the file that changed last, from the start
  of the server, beside that of ty, which reads Python alone (`pip install ty` into an environment
  of its own): give it a Python corpus;
- a keystroke in a file of 1,000 to 100,000 lines, to its selection ranges (parsed) and to its
  symbols, while the workspace is being read and afterwards;
- the memory of server, index and workers, each page that several of them share counted in parts.

CPU counts all processes that were started. Machines differ: read the ratios. In brackets stands
what `baseline_index.json` has; write a new one with `--json benchmarks/baseline_index.json`.
100,000 files take some minutes, and half a gigabyte of disk.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import count, cycle
from pathlib import Path
from typing import Any, cast

import index_peers as peers
from fixwright.index.catalog.reading import read_source
from fixwright.index.workspace_index import WorkspaceIndex
from index_peers import Cost
from main_job import Row, row, shown
from wire import FIXWRIGHT, Wire, initialize_params

BASELINE = Path(__file__).parent / "baseline_index.json"
LARGEST = 12_000
FOLDER = 100
LINES = (1_000, 10_000, 100_000)
"""Of the file that is typed into."""
KEYS = 60
SYMBOL_COUNT = "symbols"
_UNIT = "def f{n}(a):\n    b = a\n\n    return b\n"
MARK = "fixwright_benchmark_mark"


# ---- a workspace --------------------------------------------------------------------------


def sources(corpora: list[Path]) -> list[tuple[str, bytes]]:
    """The small source files of the corpora: the end of each name, and its bytes."""
    found: list[tuple[str, bytes]] = []
    for corpus in corpora:
        for parent, folders, names in os.walk(corpus):
            folders.sort()
            for name in sorted(names):
                source = read_source(f"{parent}/{name}")
                if source is None or source.language is None or len(source.data) > LARGEST:
                    continue
                if source.verdict.policy.is_parsed and source.data.strip():
                    found.append((Path(name).suffix or f"_{name}", source.data))
    return found


def make(folder: Path, files: int, of: list[tuple[str, bytes]]) -> Path:
    """A workspace of so many files; the last one defines `MARK`."""
    root = folder / f"work{files}"
    turns = (turn for turn in count() for _ in of)
    for number, turn, (suffix, data) in zip(range(files - 1), turns, cycle(of), strict=False):
        parent = root / f"folder{number // FOLDER}"
        if number % FOLDER == 0:
            parent.mkdir(parents=True)
        (parent / f"file{number}{suffix}").write_bytes(data + b"\n" * (turn + 1))
    (root / "mark.py").write_text(f"def {MARK}():\n    return 0\n")
    return root


# ---- building, and a change ---------------------------------------------------------------


async def start(root: Path, cache: Path) -> dict[str, Any]:
    """One start of the index until it is fresh, and its figures then."""
    index = await WorkspaceIndex.start([root], cache=cache)
    await index.wait_fresh()
    stats = await index.stats()
    await index.close()
    return dict(stats)


async def changes(root: Path, cache: Path, times: int) -> list[float]:
    """Milliseconds from the news of a changed file until its new definition is found."""
    index = await WorkspaceIndex.start([root], cache=cache)
    await index.wait_fresh()
    taken: list[float] = []
    try:
        for number in range(times):
            name = f"{MARK}_{number}"
            (root / "mark.py").write_text(f"def {MARK}():\n    return 0\n\ndef {name}(): ...\n")
            before = time.perf_counter()
            index.changed([root / "mark.py"])
            await index.wait_fresh()
            found = [hit async for part in index.symbols(name, 10) for hit in part]
            taken.append(1000 * (time.perf_counter() - before))
            assert any(hit.name == name for hit in found)
    finally:
        await index.close()
    return taken


def costs(
    group: str, name: str, cost: Cost | None, against: Cost | None = None, peer: str = "bare parse"
) -> Iterator[Row]:
    """A row of CPU and one of wall time, with their ratios to a peer's."""
    if cost is None:
        return
    for kind, value, other in (
        ("CPU", cost.cpu, against and against.cpu),
        ("wall", cost.wall, against and against.wall),
    ):
        each = row(group, f"{name}, {kind}", [1000 * value])
        yield replace(each, against=peer, ratio=value / other) if other else each


def building(root: Path, cache: Path, files: int) -> Iterator[Row]:
    group = f"{files} files"
    parse, _, size = peers.bare_parse(root)
    yield from costs(group, "bare parse", parse)
    yield Row(group, "source", "MB", size / 1e6, size / 1e6)
    stats: dict[str, Any] = {}
    cold = peers.spent(lambda: stats.update(asyncio.run(start(root, cache))))
    yield from costs(group, "cold", cold, parse)
    symbols = float(stats["symbols"])
    yield Row(group, SYMBOL_COUNT, "", symbols, symbols)
    yield from costs(group, "warm", peers.spent(lambda: asyncio.run(start(root, cache))), parse)
    yield row(group, "one file changed, to found", asyncio.run(changes(root, cache, 20)))
    yield from costs(group, "universal-ctags", peers.ctags(root), parse)
    yield from costs(group, "ripgrep for one name", peers.ripgrep(root, MARK), parse)


def first_answers(root: Path, cache: Path, files: int, ty: str | None) -> Iterator[Row]:
    group = f"{files} files"
    other = None
    if ty is not None:
        other = peers.first_symbol((ty, "server"), root, MARK, dict(os.environ))
        yield from costs(group, "first symbol, ty", other)
    for name in ("first symbol, cold", "first symbol, again"):
        ours = peers.first_symbol(FIXWRIGHT, root, MARK, environment(cache / "first"))
        yield from costs(group, name, ours, other, "ty")


# ---- typing -------------------------------------------------------------------------------


class Editor(Wire):
    """A client that sees when the workspace has been read."""

    is_reading = True

    def read(self) -> dict[str, Any]:
        message = super().read()
        if message.get("method") == "$/progress":
            value = cast("dict[str, Any]", message["params"]["value"])
            self.is_reading = self.is_reading and value["kind"] != "end"
        return message


@dataclass
class Typist:
    """Types into one line of a file, and asks for what must be read anew."""

    wire: Editor
    uri: str
    line: int
    version: int = 1

    def press(self, method: str) -> float:
        """Milliseconds from a key to the answer."""
        self.version += 1
        place = {"line": self.line, "character": 0}
        change = {"range": {"start": place, "end": place}, "text": "x"}
        document = {"uri": self.uri, "version": self.version}
        parameters: dict[str, object] = {"textDocument": {"uri": self.uri}}
        if method.endswith("selectionRange"):
            parameters["positions"] = [place]
        before = time.perf_counter()
        self.wire.notify(
            "textDocument/didChange", {"textDocument": document, "contentChanges": [change]}
        )
        assert self.wire.request(method, parameters)
        return 1000 * (time.perf_counter() - before)


PARSED, SYMBOLS = "textDocument/selectionRange", "textDocument/documentSymbol"


def typing(root: Path, cache: Path, files: int, lines: int) -> Iterator[Row]:
    """Keystrokes during a cold start of the server and after it; then who holds how much memory."""
    path = root / "typed.py"
    path.write_text("".join(_UNIT.format(n=n) for n in range(lines // 4)))
    wire = Editor(FIXWRIGHT, environment(cache / f"typing-{lines}"))
    try:
        parameters = initialize_params(root)
        parameters["capabilities"] = {"window": {"workDoneProgress": True}}
        wire.request("initialize", parameters)
        wire.notify("initialized", {})
        uri = path.as_uri()
        document = {"uri": uri, "languageId": "python", "version": 1, "text": path.read_text()}
        wire.notify("textDocument/didOpen", {"textDocument": document})
        typist = Typist(wire, uri, lines // 2)
        during: dict[str, list[float]] = {PARSED: [], SYMBOLS: []}
        typist.press(SYMBOLS)
        workers: dict[int, int] = {}
        while wire.is_reading:
            for method, taken in during.items():
                taken.append(typist.press(method))
            workers |= {child: pss(child) for child in grandchildren(wire.process.pid)}
        idle = {method: [typist.press(method) for _ in range(KEYS)] for method in during}
        of = "" if lines == LINES[0] else f" of {lines:,} lines"
        for method, what in ((PARSED, "key to parsed"), (SYMBOLS, "key to symbols")):
            name = what + of
            after = row("", "", idle[method])
            yield replace(after, group=f"{files} files", name=f"{name}, idle")
            meanwhile = row(f"{files} files", f"{name}, while reading", during[method])
            yield replace(meanwhile, against="idle", ratio=meanwhile.p50 / after.p50)
        if lines == LINES[0]:
            yield from memory(wire.process.pid, workers, files)
    finally:
        wire.process.kill()
        wire.process.wait()
        path.unlink()


# ---- memory -------------------------------------------------------------------------------


def memory(server: int, workers: dict[int, int], files: int) -> Iterator[Row]:
    """Of the server and its index after reading, and of the workers at the last look at them."""
    index = max((pss(child) for child in children(server)), default=0)
    group = f"{files} files"
    for name, held in (
        ("memory, server", pss(server)),
        ("memory, index", index),
        ("memory, a worker", int(statistics.median(workers.values())) if workers else 0),
    ):
        yield Row(group, name, "MB", held / 1e6, held / 1e6)


def pss(process: int) -> int:
    """Bytes of a process; of what several have, its part. 0 for one that has ended."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("Pss:"))


def children(process: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
        return [int(each) for path in threads for each in (path / "children").read_text().split()]
    except OSError:
        return []


def grandchildren(process: int) -> list[int]:
    return [each for child in children(process) for each in children(child)]


def growth(rows: list[Row], symbols: dict[int, int]) -> Iterator[Row]:
    """What the index's memory grows by, from the smallest to the largest workspace."""
    ours = [each for each in rows if each.name == "memory, index"]
    held = {int(each.group.split()[0]): each.p50 for each in ours}
    if len(held) > 1:
        low, high = min(held), max(held)
        more = held[high] - held[low]
        per_file = 1000 * more / (high - low)
        per_symbol = 1e6 * more / (symbols[high] - symbols[low])
        yield Row("index grows by", "memory per 1,000 files", "MB", per_file, per_file)
        yield Row("index grows by", "memory per 1,000,000 symbols", "MB", per_symbol, per_symbol)


# ---- all ----------------------------------------------------------------------------------


def environment(cache: Path) -> dict[str, str]:
    return {**os.environ, "FIXWRIGHT_MODEL_PROVIDER": "none", "FIXWRIGHT_INDEX_CACHE": str(cache)}


def as_installed(folder: Path) -> None:
    """Our modules are compiled once, as those of an installed package are."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(folder / "compiled")
    root = make(folder / "first", 2, [(".py", b"x = 1\n")])
    asyncio.run(start(root, folder / "first" / "cache"))
    peers.first_symbol(FIXWRIGHT, root, MARK, environment(folder / "first" / "cache"))


def measured(corpora: list[Path], sizes: list[int], ty: str | None) -> Iterator[Row]:
    of = sources(corpora)
    rows: list[Row] = []
    symbols: dict[int, int] = {}
    for files in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            as_installed(folder)
            root = make(folder, files, of)
            for part in (
                building(root, folder / "built", files),
                first_answers(root, folder, files, ty),
                *(typing(root, folder, files, lines) for lines in LINES),
            ):
                for each in part:
                    if each.name == SYMBOL_COUNT:
                        symbols[files] = int(each.p50)
                    rows.append(each)
                    yield each
    yield from growth(rows, symbols)


def baseline() -> dict[tuple[str, str], Row]:
    if not BASELINE.is_file():
        return {}
    rows = (Row(**each) for each in json.loads(BASELINE.read_text()))
    return {(each.group, each.name): each for each in rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpus", nargs="+", type=Path)
    parser.add_argument("--files", default="1000,10000,100000", help="sizes, with commas")
    parser.add_argument("--ty", help="the ty to start beside: a path")
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    options = parser.parse_args()
    before = baseline()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(f"{'':<65} {'p50':>9} {'p99':>9}")
    rows: list[Row] = []
    sizes = [int(each) for each in options.files.split(",")]
    for each in measured([path.resolve() for path in options.corpus], sizes, options.ty):
        rows.append(each)
        print(shown(each, before.get((each.group, each.name))), flush=True)
        if options.json:
            options.json.write_text(json.dumps([asdict(each) for each in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
