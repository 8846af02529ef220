"""The ranked definitions of a workspace, as the index's process answers for maps."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from fixwright.index.catalog.edges import Node
from fixwright.index.catalog.policy import Policy
from fixwright.index.catalog.ranking import Interest
from fixwright.index.languages import language_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fixwright.index.catalog.holdings import Holdings
    from fixwright.index.facts import Definition, FileFacts

_QUIET = 0.1
"""The weight of tests and of what no person wrote."""

_TEST = re.compile(
    r"(^|/)(tests?|testing|__tests__|spec|testdata|fixtures?|examples?|benchmarks?)/"
    r"|(^|/)(test_[^/]*|conftest)\.\w+$|[._-](test|tests|spec)\.\w+$|Tests?\.java$",
)
_FAMILIES = (
    {"python"}, {"javascript", "typescript", "tsx"}, {"c", "cpp"}, {"go"}, {"rust"}, {"java"},
    {"bash"},
)  # fmt: skip


def nodes_of(holdings: Holdings, roots: Sequence[str]) -> list[Node]:
    """The files that can be on a map, sorted by path; of several that hold the same, the first."""
    found: dict[int, Node] = {}
    for path in sorted(holdings.shown_paths()):
        number = holdings.shown(path)
        if number is None or number in found:
            continue
        policy = holdings.contents[number].policy
        if policy.is_read:
            quiet = policy is Policy.GENERATED or _TEST.search(_inside(path, roots)) is not None
            family = _family(PurePosixPath(path).suffix)
            found[number] = Node(path, number, family, _QUIET if quiet else 1.0)
    return list(found.values())


def interest_of(
    nodes: Sequence[Node], files: Iterable[str], symbols: Iterable[str], words: Iterable[str]
) -> Interest:
    """What a map is for; what the index does not have counts for nothing."""
    wanted = frozenset(files)
    at = frozenset(number for number, node in enumerate(nodes) if node.path in wanted)
    last = (re.split(r"\.|::|#", symbol)[-1] for symbol in symbols)
    return Interest(at, frozenset(filter(None, last)), frozenset(filter(None, words)))


def chain(facts: FileFacts, ordinal: int) -> list[list[object]]:
    """A definition with those around it, outermost first: `ranked_map.MapEntry` as rows."""
    numbers = [ordinal]
    while (around := facts.definitions[numbers[-1]].container) is not None:
        numbers.append(around)
    numbers.reverse()
    return [_row(facts.definitions[at], at, depth) for depth, at in enumerate(numbers)]


def _row(each: Definition, ordinal: int, depth: int) -> list[object]:
    head = each.signature or each.name
    return [ordinal, head, each.kind, each.name_range[0], each.range[2], depth]


def _inside(path: str, roots: Sequence[str]) -> str:
    for root in roots:
        if path.startswith(root + "/"):
            return path[len(root) + 1 :]
    return path


@lru_cache(maxsize=1024)
def _family(suffix: str) -> int:
    """Of a file's language, by its extension; scripts without one are mostly for the shell."""
    language = language_for(None, f"a{suffix}") if suffix else language_for("shellscript", "")
    name = "bash" if language is None else language.name
    for number, family in enumerate(_FAMILIES):
        if name in family:
            return number
    return len(_FAMILIES) + sum(name.encode())  # languages that were added: each for itself
