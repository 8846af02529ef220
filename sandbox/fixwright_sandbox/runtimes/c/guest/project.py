"""Which sources make the program of a file, where no build system is asked.

A file brings with it the sources whose headers it includes (`#include "list.h"` brings `list.c`,
beside the header or in the usual folders), and those bring theirs. What is still missing when the
program is linked is looked for in the other sources beside it that have no `main` of their own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from fixwright_sandbox.guest.sources import Sources
from fixwright_sandbox.guest.spans import Code

C_ENDINGS = (".c",)
CPP_ENDINGS = (".cc", ".cpp", ".cxx", ".c++", ".C")
HEADER_ENDINGS = (".h", ".hh", ".hpp", ".hxx")
SOURCE_ENDINGS = C_ENDINGS + CPP_ENDINGS
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*\"(?P<path>[^\"\n]+)\"", re.MULTILINE)
_MAIN = re.compile(r"\bmain[ \t]*\([^;{}]*\)\s*\{")
_USUAL = ("", "include", "src", "inc", "lib")


class Project:
    """The sources and headers of a tree; all paths are relative to its root."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._codes: dict[str, Code] = {}

    def code(self, path: str) -> Code:
        """Return a file's text."""
        code = self._codes.get(path)
        if code is None:
            code = self._codes[path] = Code(self._sources.lines(path))
        return code

    def has_main(self, path: str) -> bool:
        """Tell whether a source has the function where a program starts."""
        return _MAIN.search(self.code(path).bare) is not None

    def folders(self, path: str) -> list[str]:
        """Return the folders where the headers of a file may lie, nearest first."""
        own = os.path.dirname(path)
        found: list[str] = []
        for base in (own, os.path.dirname(own), ""):
            for name in _USUAL:
                folder = os.path.normpath(os.path.join(base, name))
                folder = "" if folder == "." else folder
                if folder not in found and os.path.isdir(self._absolute(folder)):
                    found.append(folder)
        return found

    def program(self, path: str) -> list[str]:
        """Return the sources that a file's includes bring, itself first."""
        found, waiting = [path], [path]
        seen = {path}
        folders = self.folders(path)
        while waiting:
            for header in self._included(waiting.pop(), folders):
                if header in seen:
                    continue
                seen.add(header)
                waiting.append(header)
                source = self._source_of(header, folders)
                if source is not None and source not in seen:
                    seen.add(source)
                    found.append(source)
                    waiting.append(source)
        return found

    def defining(self, names: Sequence[str], path: str, known: Sequence[str]) -> list[str]:
        """Return other sources near a file that seem to define one of these functions."""
        plain = {name.partition("(")[0].rpartition("::")[2] for name in names}
        found: list[str] = []
        for source in self._near(path):
            if source in known or self.has_main(source):
                continue
            bare = self.code(source).bare
            if any(re.search(rf"\b{re.escape(name)}\b\s*[(=;\[]", bare) for name in plain):
                found.append(source)
        return found

    def _included(self, path: str, folders: list[str]) -> Iterator[str]:
        for match in _INCLUDE.finditer(self.code(path).text):
            for folder in (os.path.dirname(path), *folders):
                header = os.path.normpath(os.path.join(folder, match["path"]))
                if not header.startswith("..") and os.path.isfile(self._absolute(header)):
                    yield header
                    break

    def _source_of(self, header: str, folders: list[str]) -> str | None:
        stem = os.path.splitext(os.path.basename(header))[0]
        for folder in (os.path.dirname(header), *folders):
            for ending in SOURCE_ENDINGS:
                source = os.path.join(folder, stem + ending)
                if os.path.isfile(self._absolute(source)) and not self.has_main(source):
                    return source
        return None

    def _near(self, path: str) -> Iterator[str]:
        for folder in dict.fromkeys((os.path.dirname(path), *self.folders(path))):
            try:
                names = sorted(os.listdir(self._absolute(folder)))
            except OSError:
                continue
            for name in names:
                if name.endswith(SOURCE_ENDINGS):
                    yield os.path.join(folder, name)

    def _absolute(self, path: str) -> str:
        return os.path.join(self._sources.root, path)
