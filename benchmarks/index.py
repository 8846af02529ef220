"""The index: cold and warm, against the bare parse and universal-ctags; search among a million.

    python benchmarks/index.py CORPUS... [--quick]

Each CORPUS is a folder of real source code; the figures are of the machine that runs it, and the
ratios are of one run. Corpora that most machines have, each copied to a folder of its own so that
no git above it says what is ignored:

    cp -r "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" py
    cp -r /usr/include c
    cp -r node_modules js                                  # of any project
    cp -r "$(go env GOROOT)/src" go
    apt-get source redis                                   # with deb-src lines

Prints JSON, one object a line. On a machine that does other things, compare the CPU seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

import numpy as np

import index_peers as peers
from fixwright.index.catalog.building import from_records, merged
from fixwright.index.catalog.record import Record, pack
from fixwright.index.catalog.search import query_classes, search
from fixwright.index.facts import Definition, FileFacts
from fixwright.index.workspace_index import WorkspaceIndex
from index_peers import Cost
from index_scale import as_installed

QUERIES = 400


async def build(root: Path, cache: Path) -> dict[str, object]:
    """One start of the index until it is fresh, and when it could first answer."""
    before, started = peers.children_cpu(), time.perf_counter()
    first = 0.0
    index = await WorkspaceIndex.start([root], cache=cache)
    while not first:
        async for part in index.symbols("e", 1):
            first = first or (time.perf_counter() - started if part else 0.0)
        await asyncio.sleep(0.005)
    await index.wait_fresh()
    wall = time.perf_counter() - started
    latencies: list[float] = []
    for query in ("main", "getvalue", "initparser", "e", "read_file", "xq"):
        asked = time.perf_counter()
        async for _ in index.symbols(query, 100):
            pass
        latencies.append(1000 * (time.perf_counter() - asked))
    stats = await index.stats()
    await index.close()
    workers = cast("list[dict[str, int]]", stats["workers"])
    memory = [cast("int", stats["memoryBytes"]), *(each["memoryBytes"] for each in workers)]
    return {
        "first": round(first, 2),
        "wall": round(wall, 2),
        "cpu": round(peers.children_cpu() - before, 2),
        "symbols": stats["symbols"],
        "uses": stats["uses"],
        "memoryMB": [round(each / 1e6) for each in memory],
        "arraysMB": round(cast("int", stats["arrayBytes"]) / 1e6, 1),
        "diskMB": round(cast("int", stats["diskBytes"]) / 1e6, 1),
        "queryMs": [round(each, 1) for each in latencies],
    }


def million(names: list[str], symbols: int) -> dict[str, object]:
    """A fuzzy search among a million definitions, whose names are pairs of real ones: CPU ms."""
    generator = random.Random(1)
    distinct: set[str] = set()
    while len(distinct) < symbols // 2:
        joint = generator.choice(["_", "", ""])
        second = generator.choice(names)
        distinct.add(generator.choice(names) + joint + generator.choice([second, second.title()]))
    pool = sorted(distinct)
    parts: list[tuple[int, Record]] = []
    for number in range(symbols // 1000):
        chosen = generator.choices(pool, k=1000)
        definitions = tuple(
            Definition(name, "function", (n, 0, n + 1, 0), (n, 4, n, 9))
            for n, name in enumerate(chosen)
        )
        parts.append((number, pack(FileFacts("python", definitions=definitions))))
    segments = [from_records(parts[start : start + 50]) for start in range(0, len(parts), 50)]
    started = time.thread_time()
    segment = merged(segments, range(len(parts)))
    merging = time.thread_time() - started
    assert segment.bits
    took: list[float] = []
    for _ in range(QUERIES):
        query = random_query(generator, pool)
        before = time.thread_time()  # one thread does all of it, and other programs none
        search(segment.lengths, segment.bits, query_classes(query), 200)
        took.append(1000 * (time.thread_time() - before))
    return {
        "symbols": segment.symbol_count,
        "names": len(segment.name_hashes),
        "bytesPerSymbol": round(segment.byte_count / segment.symbol_count),
        "mergeSeconds": round(merging, 2),
        "p50": round(float(np.percentile(took, 50)), 1),
        "p95": round(float(np.percentile(took, 95)), 1),
        "p99": round(float(np.percentile(took, 99)), 1),
        "max": round(max(took), 1),
    }


def random_query(generator: random.Random, names: list[str]) -> str:
    """A prefix, a substring or a subsequence of a name, of one to ten characters."""
    name, size = generator.choice(names), generator.randint(1, 10)
    kind = generator.randrange(3)
    if kind == 0:
        return name[:size]
    if kind == 1:
        start = generator.randrange(len(name))
        return name[start : start + size]
    chosen = sorted(generator.sample(range(len(name)), min(size, len(name))))
    return "".join(name[index] for index in chosen)


async def real_names(root: Path, cache: Path) -> list[str]:
    index = await WorkspaceIndex.start([root], cache=cache)
    await index.wait_fresh()
    found: set[str] = set()
    for letter in "abcdefghijklmnoprstuvwz":
        async for part in index.symbols(letter, 2000):
            found.update(hit.name for hit in part)
    await index.close()
    return sorted(name for name in found if name.isidentifier())


def rounded(cost: Cost | None) -> dict[str, float] | None:
    return None if cost is None else {"cpu": round(cost.cpu, 2), "wall": round(cost.wall, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("corpus", nargs="+", type=Path)
    parser.add_argument(
        "--quick", action="store_true", help="100,000 symbols in place of a million"
    )
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        as_installed(Path(folder))
        cache = Path(folder, "cache")
        for corpus in arguments.corpus:
            root = corpus.resolve()
            parse, files, size = peers.bare_parse(root)
            cold = asyncio.run(build(root, cache))
            warm = asyncio.run(build(root, cache))
            tags = peers.ctags(root)
            spent = cast("float", cold["cpu"])
            report: dict[str, object] = {
                "corpus": corpus.name,
                "files": files,
                "megabytes": round(size / 1e6, 1),
                "parse": rounded(parse),
                "cold": cold,
                "warm": warm,
                "ctags": rounded(tags),
                "coldOverParse": {
                    "cpu": round(spent / parse.cpu, 2),
                    "wall": round(cast("float", cold["wall"]) / (parse.wall / cores), 2),
                },
                "coldOverCtags": round(spent / tags.cpu, 2) if tags else None,
            }
            print(json.dumps(report))
            sys.stdout.flush()
        names = asyncio.run(real_names(arguments.corpus[0].resolve(), cache))
        print(json.dumps({"million": million(names, 100_000 if arguments.quick else 1_000_000)}))


if __name__ == "__main__":
    main()
