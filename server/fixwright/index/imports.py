"""What a file imports, read by the `imports` section of its language's query file."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from fixwright.index.facts import Import
from fixwright.index.queries import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import tree_sitter

    from fixwright.index.languages import Language
    from fixwright.index.queries import Captures
    from fixwright.index.source import Source

_STATEMENT = "import"
_QUOTES = "\"'`<>"


def imports_of(
    nodes: Iterable[tree_sitter.Node], source: Source, language: Language
) -> Iterator[Import]:
    """The imports in nodes, in order; each name that is imported is one."""
    seen: set[Import] = set()
    for node in nodes:
        for captures in matches(language, "imports", node):
            for found in _imports(captures, source, language):
                if found not in seen:
                    seen.add(found)
                    yield found


def _imports(captures: Captures, source: Source, language: Language) -> Iterator[Import]:
    def text(name: str) -> str:
        return source.of(captures[name][0]) if name in captures else ""

    statement = next(name for name in captures if name.partition(".")[0] == _STATEMENT)
    kind = statement.partition(".")[2] or _STATEMENT
    place = source.place(captures[statement][0])
    if "tree" in captures and language.import_trees is not None:
        expand = importlib.import_module(language.import_trees).expand
        for module, name, alias in expand(text("tree")):
            yield Import(module, name, alias, 0, kind, place)
        return
    module, level = text("module").strip(_QUOTES), len(text("level"))
    name, alias = text("name").strip(_QUOTES), text("alias")
    if "default" in captures:
        name, alias = "default", text("default")
    yield Import(module, name, alias, level, kind, place)
