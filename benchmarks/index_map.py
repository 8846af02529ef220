"""The ranked map and the text search: after a start, after one edit, and against their peers.

    python benchmarks/index_map.py FOLDER... [--aider PYTHON] [--rounds N]

For each folder of real code: a map of 4,000 tokens from a new process on a warm index, again, and
after each of some edits to its best file (from the edit to the map, the parse included); then
searches, with `rg` over the same folder beside each where it is installed. `--aider` is the Python
of an environment in which aider is installed: its repo map of the same budget is made in a new
process without a cache, and again with it.

Prints JSON, one object a line: milliseconds of wall time, the median of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from fixwright.index.ranked_map import Focus, ranked_map
from fixwright.index.text_search import SearchEnd, TextQuery, search
from fixwright.index.workspace_index import WorkspaceIndex
from fixwright.models.tokens import estimate_tokens

BUDGET = 4000
QUERIES = (
    TextQuery("deprecated"),
    TextQuery("no such text anywhere"),
    TextQuery("return", ignore_case=True),
    TextQuery(r"def \w+_name\(", is_regex=True),
    TextQuery(r"\w+\.\w+\(\)$", is_regex=True),
)
LIMIT = 10_000_000
_AIDER = """
import sys, time, os
from pathlib import Path
from aider.repomap import RepoMap
class IO:
    def read_text(self, path, silent=False):
        try:
            return Path(path).read_text()
        except (OSError, UnicodeDecodeError):
            return None
    def tool_output(self, *a, **k): pass
    tool_warning = tool_error = tool_output
class Model:
    def token_count(self, text):
        return len(text.encode()) / 3.6
root = sys.argv[1]
files = [os.path.join(d, f) for d, _, fs in os.walk(root) for f in fs]
started = time.perf_counter()
found = RepoMap(map_tokens=4000, root=root, main_model=Model(), io=IO()).get_repo_map([], files)
print(round(1000 * (time.perf_counter() - started)), len(found or ""))
"""


async def maps(root: Path, cache: Path, rounds: int) -> dict[str, object]:
    index = await WorkspaceIndex.start([root], cache=cache)
    await index.wait_fresh()
    try:
        started = time.perf_counter()
        found = await ranked_map(index, Focus(), BUDGET, estimate_tokens)
        first = time.perf_counter() - started
        path = found.files[0].path
        text = _text(path)
        again: list[float] = []
        edited: list[float] = []
        for number in range(rounds):
            started = time.perf_counter()
            await ranked_map(index, Focus(), BUDGET, estimate_tokens)
            again.append(time.perf_counter() - started)
            started = time.perf_counter()
            index.show(path, None, f"{text}\n\n\n\n# {number}\n")
            await index.wait_fresh()
            await ranked_map(index, Focus(), BUDGET, estimate_tokens)
            edited.append(time.perf_counter() - started)
        index.hide(path)
        await index.wait_fresh()
        stats = await index.stats()
    finally:
        await index.close()
    return {
        "files": stats["files"],
        "symbols": stats["symbols"],
        "uses": stats["uses"],
        "tokens": found.size,
        "first": _ms([first]),
        "again": _ms(again),
        "afterAnEdit": _ms(edited),
    }


async def searches(root: Path, cache: Path, rounds: int) -> list[dict[str, object]]:
    index = await WorkspaceIndex.start([root], cache=cache)
    await index.wait_fresh()
    rows: list[dict[str, object]] = []
    try:
        for query in QUERIES:
            took: list[float] = []
            hits = 0
            for _ in range(rounds):
                started = time.perf_counter()
                hits = 0
                async for part in search(index, query, LIMIT):
                    hits += 0 if isinstance(part, SearchEnd) else len(part)
                took.append(time.perf_counter() - started)
            row = {"pattern": query.pattern, "hits": hits, "ms": _ms(took)}
            rows.append({**row, "ripgrepMs": ripgrep(root, query, rounds)})
    finally:
        await index.close()
    return rows


def ripgrep(root: Path, query: TextQuery, rounds: int) -> float | None:
    """The same search by `rg`, its output read; None where it is not installed."""
    program = shutil.which("rg")
    if program is None:
        return None
    options = ["--no-config", "--json", "--hidden"]
    options += [] if query.is_regex else ["--fixed-strings"]
    options += ["--ignore-case"] if query.ignore_case else []
    took: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        command = [program, *options, "-e", query.pattern, str(root)]
        subprocess.run(command, capture_output=True, check=False, timeout=300)
        took.append(time.perf_counter() - started)
    return _ms(took)


def aider(python: Path, root: Path) -> dict[str, float]:
    """Its repo map of a copy of the folder, without a cache and with it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        shutil.copytree(root, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        command = [str(python), "-c", _AIDER, str(copy)]
        runs = [
            subprocess.run(command, capture_output=True, text=True, check=True, timeout=900)
            for _ in range(2)
        ]
    cold, warm = (float(run.stdout.split()[-2]) for run in runs)
    return {"cold": cold, "warm": warm}


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8", errors="replace")


def _ms(seconds: list[float]) -> float:
    return round(1000 * statistics.median(seconds), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", nargs="+", type=Path)
    parser.add_argument("--aider", type=Path, metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for each in arguments.folder:
            root = each.resolve()
            asyncio.run(maps(root, Path(folder), 1))  # the index is built here
            report: dict[str, object] = {
                "corpus": root.name,
                "map": asyncio.run(maps(root, Path(folder), arguments.rounds)),
                "search": asyncio.run(searches(root, Path(folder), arguments.rounds)),
            }
            if arguments.aider is not None:
                report["aiderMap"] = aider(arguments.aider, root)
            print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
