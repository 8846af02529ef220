"""The definitions of a whole workspace, for those who look for a name: the fixers.

Files are read by a worker process and kept in memory until their size or time changes; open
documents are read as the editor shows them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from fixwright.index.extract import Extract
from fixwright.index.languages import language_for
from fixwright.index.signatures import Parameter, parameters_of
from fixwright.index.worker_client import Worker, WorkerFailed
from fixwright.workspace.files import FileEntry
from fixwright.workspace.paths import canonical, path_to_uri
from fixwright.workspace.position import Range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fixwright.workspace.document import Document
    from fixwright.workspace.snapshot import Snapshot

LARGEST_FILE = 1 << 20
"""Bytes; larger files are generated, and nobody means their names."""

DEADLINE = 5.0
"""Seconds that one file may take."""


@dataclass(frozen=True)
class Definition:
    """Something that a file of the workspace defines.

    Attributes:
        kind: as a Symbol's.
        container: the classes around it, "A.B"; "" at the file's top level.
        signature: a function's parameters or a class's bases as they are written; "" without.
        module: the dotted name under which the file can be imported from the folder's root; "" for
            other languages than Python.
    """

    name: str
    kind: str
    uri: str
    range: Range
    container: str
    signature: str
    module: str

    @cached_property
    def parameters(self) -> tuple[Parameter, ...] | None:
        """A function's parameters; None for anything else."""
        if self.kind not in {"function", "method"} or not self.signature:
            return None
        return parameters_of(self.signature)


@dataclass(frozen=True)
class Definitions:
    """The definitions of a workspace at one moment."""

    extracts: Mapping[str, Extract]
    """By canonical URI."""
    modules: Mapping[str, str]
    """The dotted names of the Python files, by canonical URI."""

    @cached_property
    def all(self) -> tuple[Definition, ...]:
        """Every definition, file by file."""
        return tuple(
            definition
            for uri, extract in self.extracts.items()
            for definition in _definitions(uri, extract, self.modules.get(uri, ""))
        )

    @cached_property
    def _by_name(self) -> Mapping[str, list[Definition]]:
        found: dict[str, list[Definition]] = {}
        for definition in self.all:
            found.setdefault(definition.name, []).append(definition)
        return found

    def named(self, name: str) -> tuple[Definition, ...]:
        """Those of that name, whatever they are and wherever."""
        return tuple(self._by_name.get(name, ()))

    def names(self) -> tuple[str, ...]:
        """All names, each once."""
        return tuple(self._by_name)

    def inside(self, uri: str) -> tuple[Definition, ...]:
        """Those of one document."""
        key = canonical(uri)
        return tuple(
            _definitions(key, self.extracts.get(key, Extract()), self.modules.get(key, ""))
        )

    @cached_property
    def _imports(self) -> Mapping[str, Counter[str]]:
        found: dict[str, Counter[str]] = {}
        for extract in self.extracts.values():
            for module, name, alias in extract.imports:
                if module.startswith("."):
                    continue
                bound = alias or name or module.partition(".")[0]
                source = f"from {module} import {name}" if name else f"import {module}"
                statement = f"{source} as {alias}" if alias else source
                found.setdefault(bound, Counter())[statement] += 1
        return found

    def imported_as(self, name: str) -> tuple[str, ...]:
        """The import statements with which the workspace's files bind a name, most used first."""
        return tuple(statement for statement, _ in self._imports.get(name, Counter()).most_common())

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


EMPTY = Definitions({}, {})
"""Those of an empty workspace."""


class WorkspaceDefinitions:
    """Keeps the definitions of a workspace; one worker process. `close` it at the end."""

    def __init__(self, deadline: float = DEADLINE) -> None:
        self._worker = Worker(deadline)
        self._lock = asyncio.Lock()
        self._files: dict[str, tuple[tuple[int, int], Extract]] = {}
        self._open: dict[str, tuple[Document, Extract]] = {}

    async def of(self, snapshot: Snapshot) -> Definitions:
        """The definitions of a snapshot's folders and open documents.

        A file on which the worker fails counts as empty until it changes.

        Raises:
            UnknownDocument: a document of a folder is lost, so what the user sees is not known.
        """
        async with self._lock:
            found = await asyncio.to_thread(_files_of, snapshot)
            extracts: dict[str, Extract] = {}
            for uri, source in found.sources.items():
                extracts[uri] = await self._extract(uri, source)
            self._files = {uri: kept for uri, kept in self._files.items() if uri in extracts}
            self._open = {uri: kept for uri, kept in self._open.items() if uri in extracts}
            return Definitions(extracts, found.modules)

    async def close(self) -> None:
        """Ends the worker."""
        await self._worker.stop()

    async def _extract(self, uri: str, source: FileEntry | Document) -> Extract:
        if isinstance(source, FileEntry):
            stamp = (source.size, source.mtime_ns)
            kept = self._files.get(uri)
            if kept is None or kept[0] != stamp:
                kept = (stamp, await self._ask(str(source.source), path=str(source.source)))
                self._files[uri] = kept
            return kept[1]
        shown = self._open.get(uri)
        if shown is None or shown[0].text is not source.text:
            shown = (source, await self._ask(uri, text=source.text.value, as_id=source.language))
            self._open[uri] = shown
        return shown[1]

    async def _ask(self, name: str, *, as_id: str | None = None, **what: str) -> Extract:
        language = language_for(as_id, name)
        if language is None:
            return Extract()
        try:
            return await self._worker.extract({"language": min(language.ids), **what})
        except WorkerFailed:
            return Extract()


@dataclass
class _Found:
    sources: dict[str, FileEntry | Document]
    modules: dict[str, str]


def _files_of(snapshot: Snapshot) -> _Found:
    """What to read: each file once, by canonical URI. I/O."""
    found = _Found({}, {})
    for folder in snapshot.folders:
        for entry in snapshot.files(folder):
            language = language_for(None, entry.path)
            if entry.document is not None:
                language = language_for(entry.document.language, entry.path)
            if language is None or entry.size > LARGEST_FILE:
                continue
            uri = canonical(path_to_uri(entry.source))
            found.sources[uri] = entry if entry.document is None else entry.document
            if language.name == "python":
                found.modules[uri] = module_name(entry.path)
    for uri, document in snapshot.documents.items():
        if language_for(document.language, uri) is not None:
            found.sources.setdefault(uri, document)
    return found


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


def _definitions(uri: str, extract: Extract, module: str) -> Iterator[Definition]:
    for name, kind, line, column, end_line, end_column, container, signature in extract.definitions:
        place = Range.of(line, column, end_line, end_column)
        yield Definition(name, kind, uri, place, container, signature, module)
