"""Which names of a file others can use, and which names it has from others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixwright.index.facts import Definition, FileFacts

ImportRow = tuple[str, str, str, int, str]
"""An import without its place: module, name, alias, level, kind."""

# Names inside of these are seen from outside.
_OPEN = frozenset({
    "class", "struct", "interface", "trait", "enum", "namespace", "module", "implementation",
})  # fmt: skip


def is_local(definitions: Sequence[Definition], number: int) -> bool:
    """Whether a definition lies in a function, so that nobody can name it from outside.

    Args:
        definitions: all of the file.
        number: which of them.
    """
    around = definitions[number].container
    while around is not None:
        if definitions[around].kind not in _OPEN:
            return True
        around = definitions[around].container
    return False


def binding_imports(facts: FileFacts, name: str) -> set[ImportRow]:
    """The imports by which a file knows something by a name; `import a.b` binds `a`."""
    return {
        (each.module, each.name, each.alias, each.level, each.kind)
        for each in facts.imports
        if (each.bound or each.module.partition(".")[0]) == name
    }
