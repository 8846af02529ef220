"""What the rules know of the workspace's names: who defines them, and who imports them how.

Rules are plain functions in a thread; where the answers come from, a `Lookup` says. Files are named
by their canonical URI.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from fixwright.index.signatures import Parameter, parameters_of
from fixwright.index.visibility import ImportRow, binding_imports, is_local
from fixwright.workspace.paths import canonical, relative_path, uri_to_path

if TYPE_CHECKING:
    from fixwright.index.facts import Definition as Fact
    from fixwright.index.facts import FileFacts

_CALLED = frozenset({"function", "method", "constructor"})


@dataclass(frozen=True)
class Definition:
    """Something that a file of the workspace defines, and that others can name.

    Attributes:
        kind: one of `index.facts.KINDS`.
        container: the classes around it, "A.B"; "" at the file's top level.
        signature: its head on one line, as `index.facts.Definition` has it.
    """

    name: str
    kind: str
    uri: str
    container: str
    signature: str

    @cached_property
    def parameters(self) -> tuple[Parameter, ...] | None:
        """The parameters of a Python function; None for anything else."""
        if self.kind not in _CALLED:
            return None
        head = re.search(rf"\bdef {re.escape(self.name)}\b", self.signature)
        return None if head is None else parameters_of(self.signature[head.end() :])


class Lookup(Protocol):
    """Where the answers come from. Called in a thread; it may wait."""

    def named(self, name: str) -> Sequence[Definition]:
        """The definitions of a name that others can use, those that matter most first."""
        ...

    def facts(self, uri: str) -> FileFacts | None:
        """The facts of a file; None where nothing is known of it."""
        ...

    def imported_as(self, name: str) -> Mapping[ImportRow, int]:
        """The imports by which Python files know something by a name, and in how many they are."""
        ...

    def python_files(self) -> Sequence[str]:
        """All Python files."""
        ...

    @property
    def doubt(self) -> str | None:
        """Why answers may have been incomplete, as a sentence; None where they were not."""
        ...


class Definitions:
    """The definitions of a workspace at one moment, for the rules."""

    def __init__(self, lookup: Lookup, folders: Sequence[Path]) -> None:
        """Nothing is asked yet.

        Args:
            lookup: where the answers come from.
            folders: the roots of the workspace, from which modules are named.
        """
        self._lookup = lookup
        self._folders = sorted(folders, key=lambda folder: len(folder.parts), reverse=True)

    @property
    def doubt(self) -> str | None:
        """Why answers may have been incomplete, as a sentence; None where they were not."""
        return self._lookup.doubt

    def named(self, name: str) -> Sequence[Definition]:
        """Those of that name, whatever they are and wherever."""
        return self._lookup.named(name)

    def members(self, owner: str) -> list[Definition]:
        """What the classes of a name define, "A.B" being one of the name "B"."""
        short = owner.rpartition(".")[2]
        files = dict.fromkeys(each.uri for each in self.named(short))
        return [
            each
            for uri in files
            for each in self.inside(uri)
            if each.container and each.container.rpartition(".")[2] == short
        ]

    def of_module(self, module: str) -> list[Definition]:
        """What can be imported from a module of the workspace, by its dotted name."""
        files = [uri for uri, name in self.modules.items() if name == module] if module else []
        return [each for uri in files for each in self.inside(uri) if not each.container]

    def inside(self, uri: str) -> list[Definition]:
        """Those of one file."""
        facts = self._lookup.facts(uri)
        return [] if facts is None else list(outline(uri, facts))

    def imported_as(self, name: str) -> tuple[str, ...]:
        """The import statements with which the workspace's files bind a name, most used first."""
        found: Counter[str] = Counter()
        for (module, taken, alias, level, _), count in self._lookup.imported_as(name).items():
            if level:
                continue  # it says where from only together with its own place
            source = f"from {module} import {taken}" if taken else f"import {module}"
            found[f"{source} as {alias}" if alias else source] += count
        return tuple(sorted(found, key=lambda statement: (-found[statement], statement)))

    @cached_property
    def modules(self) -> Mapping[str, str]:
        """The dotted names of the Python files, "" for those that can't be imported."""
        found: dict[str, str] = {}
        for uri in self._lookup.python_files():
            path = uri_to_path(uri)
            inside = None
            if path is not None:
                below = (relative_path(folder, path) for folder in self._folders)
                inside = next((each for each in below if each is not None), None)
            if inside is not None:
                found[uri] = module_name(inside)
        return found

    def import_name(self, uri: str, importer: str) -> str | None:
        """The module name of one document as another would import it; None where it cannot.

        A script's own folder is on its path: its neighbour is imported by its bare name, unless the
        folder is a package.
        """
        target, source = canonical(uri), canonical(importer)
        module = self.modules.get(target)
        if module is None or target == source:
            return None
        folder, _, name = target.rpartition("/")
        together = folder == source.rpartition("/")[0]
        if together and f"{folder}/__init__.py" not in self.modules:
            return PurePosixPath(name).stem
        return module or None


class Known:
    """A `Lookup` in facts that are at hand."""

    doubt = None

    def __init__(self, facts: Mapping[str, FileFacts]) -> None:
        """By canonical URI."""
        self.of = facts

    def named(self, name: str) -> list[Definition]:
        """See `Lookup`."""
        return [each for uri, facts in self.of.items() for each in outline(uri, facts, called=name)]

    def facts(self, uri: str) -> FileFacts | None:
        """See `Lookup`."""
        return self.of.get(canonical(uri))

    def imported_as(self, name: str) -> Counter[ImportRow]:
        """See `Lookup`."""
        files = (each for each in self.of.values() if each.language == "python")
        return Counter(row for facts in files for row in binding_imports(facts, name))

    def python_files(self) -> list[str]:
        """See `Lookup`."""
        return [uri for uri, facts in self.of.items() if facts.language == "python"]


def outline(uri: str, facts: FileFacts, called: str | None = None) -> Iterator[Definition]:
    """What of a file others can name.

    Args:
        uri: of the file.
        facts: of the file.
        called: only what has this name.
    """
    for number, each in enumerate(facts.definitions):
        if called in {None, each.name} and not is_local(facts.definitions, number):
            yield definition_of(uri, each)


def definition_of(uri: str, fact: Fact) -> Definition:
    """A definition as rules see it."""
    return Definition(fact.name, fact.kind, uri, fact.owner, fact.signature)


def module_name(path: str) -> str:
    """The dotted name of a Python file by its path in the folder: "src/a/b.py" is "a.b".

    Returns:
        "" where the path gives no importable name.
    """
    parts = list(PurePosixPath(path).with_suffix("").parts)
    if parts and parts[0] == "src":
        parts = parts[1:]
    if parts and parts[-1] in {"__init__", "__main__"}:
        parts = parts[:-1]
    return ".".join(parts) if all(part.isidentifier() for part in parts) else ""
