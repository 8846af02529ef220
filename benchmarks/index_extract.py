"""What is read of a file against the bare parse of the same bytes, language by language.

    python benchmarks/index_extract.py FOLDER... [--language NAME] [--json]

Takes 3 MB of each language at random from the folders, and for each file measures one after the
other the bare parse, all of `extract` and its parts, `exact`, the uses of one name, and `skim`;
`query` is what the walk would cost as a tree-sitter query, run in C and its captures not looked at.
Figures are CPU seconds of this process as multiples of the parse, so that what else the machine
does counts little.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fixwright.index.extraction import exact, extract, uses_of
from fixwright.index.heads import skim
from fixwright.index.identifiers import count_identifiers
from fixwright.index.imports import imports_of
from fixwright.index.languages import all_languages, language_for
from fixwright.index.queries import captures
from fixwright.index.source import Source
from fixwright.index.walk import Walk

if TYPE_CHECKING:
    from fixwright.index.languages import Language

SAMPLE = 3_000_000
LARGEST = 1_000_000
ROUNDS = 3
PARTS = ("walk", "query", "identifiers", "imports", "extract", "exact", "uses", "skim")


def sample(language: Language, folders: list[Path]) -> list[bytes]:
    """Texts of one language, of about `SAMPLE` bytes; always the same of the same folders."""
    paths = [path for folder in folders for path in _paths(folder) if _is_of(language, path)]
    random.Random(1).shuffle(paths)
    found: list[bytes] = []
    size = 0
    for path in paths:
        try:
            data = Path(path).read_bytes()
            data.decode()
        except (OSError, UnicodeDecodeError):
            continue
        if 0 < len(data) <= LARGEST:
            found.append(data)
            size += len(data)
        if size > SAMPLE:
            break
    return found


def _paths(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if each != ".git")
        yield from (f"{parent}/{name}" for name in sorted(files))


def _is_of(language: Language, path: str) -> bool:
    found = language_for(None, path)
    return found is not None and found.name == language.name


def measured(language: Language, texts: list[bytes]) -> dict[str, float]:
    """CPU seconds of each part for all texts, the least of some rounds."""
    rounds = [_round(language, texts) for _ in range(ROUNDS)]
    return {part: min(each[part] for each in rounds) for part in rounds[0]}


def _round(language: Language, texts: list[bytes]) -> dict[str, float]:
    spent: dict[str, float] = dict.fromkeys(("parse", *PARTS), 0.0)
    parser = language.parser()

    def timed(part: str, work: Callable[[], object]) -> None:
        before = time.process_time()
        work()
        spent[part] += time.process_time() - before

    for data in texts:
        timed("parse", lambda data=data: parser.parse(data))
        root = parser.parse(data).root_node
        walk = Walk(data, language)
        timed("walk", lambda walk=walk, root=root: walk.collect([root]))
        timed("query", lambda root=root: captures(language, "definitions", root))
        timed("identifiers", lambda data=data: count_identifiers(language, data))
        source = Source(data)
        nodes = walk.imports
        timed("imports", lambda n=nodes, s=source: list(imports_of(n, s, language)))
        for part, work in (("extract", extract), ("exact", exact), ("skim", skim)):
            timed(part, lambda work=work, data=data: work(language, data))
        timed("uses", lambda data=data: uses_of(language, data, "name"))
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", nargs="+", type=Path)
    parser.add_argument("--language", action="append", help="Only this one; repeatable.")
    parser.add_argument("--json", action="store_true", help="One object a line.")
    arguments = parser.parse_args()
    gc.freeze()
    gc.disable()
    if not arguments.json:
        heads = "".join(f"{part:>12}" for part in PARTS)
        print(f"{'':11} {'files':>5} {'MB':>4} {'parse MB/s':>10}{heads}")
    for language in all_languages():
        if arguments.language and language.name not in arguments.language:
            continue
        texts = sample(language, arguments.folder)
        if not texts:
            continue
        spent = measured(language, texts)
        size = sum(map(len, texts)) / 1e6
        ratios = {part: round(spent[part] / spent["parse"], 3) for part in PARTS}
        speed = round(size / spent["parse"], 1)
        if arguments.json:
            row = {"language": language.name, "files": len(texts), "megabytes": round(size, 1)}
            print(json.dumps({**row, "parseMBps": speed, "overParse": ratios}), flush=True)
        else:
            figures = "".join(f"{ratios[part]:12.2f}" for part in PARTS)
            print(
                f"{language.name:11} {len(texts):5} {size:4.1f} {speed:10.1f}{figures}", flush=True
            )


if __name__ == "__main__":
    main()
