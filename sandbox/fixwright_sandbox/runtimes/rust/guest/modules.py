"""The modules of a crate and its tests, read from the sources."""

from __future__ import annotations

import os
from typing import NamedTuple

from .places import Places
from .scan import Source

_TESTS = frozenset({"test", "rstest", "test_case", "quickcheck", "test_log"})
_ITEMS = frozenset({"mod", "fn", "struct", "enum", "impl", "trait", "use", "static", "type"})
_MOST_FILES = 5_000


class Test(NamedTuple):
    """A test function: its name as libtest gives it, and where it stands (zero-based line)."""

    name: str
    id: str
    path: str
    line: int


class Crate:
    """The files that a crate root pulls in, and the tests in them.

    Attributes:
        root: path of the crate root, relative to the tree.
        files: the module path of each file, `()` for the root.
        tests: by libtest's name.
    """

    def __init__(self, root: str, places: Places) -> None:
        self.root = root
        self.files: dict[str, tuple[str, ...]] = {}
        self.tests: dict[str, Test] = {}
        self._places = places
        waiting: list[tuple[str, tuple[str, ...]]] = [(root, ())]
        while waiting and len(self.files) < _MOST_FILES:
            path, module = waiting.pop()
            if path not in self.files:
                self.files[path] = module
                waiting += _File(path, module, places, self.tests, own=path == root).read()

    def id_of(self, name: str) -> str:
        """Return a test's id; one that a macro made counts as the root's."""
        test = self.tests.get(name)
        return test.id if test is not None else f"{self.root}::{name}"

    def names(self, path: str, below: str) -> list[str]:
        """Return the names of a file's tests whose id within the file is `below`, or under it."""
        prefix = f"{path}::{below}"
        return [
            test.name
            for test in self.tests.values()
            if test.path == path
            and (not below or test.id == prefix or test.id.startswith(prefix + "::"))
        ]


class _File:
    """Reads one file's modules and tests."""

    def __init__(
        self,
        path: str,
        module: tuple[str, ...],
        places: Places,
        tests: dict[str, Test],
        *,
        own: bool,
    ) -> None:
        self._path = path
        self._module = module
        self._places = places
        self._tests = tests
        self._found: list[tuple[str, tuple[str, ...]]] = []
        self._inner: list[tuple[str, int]] = []
        self._is_test = False
        self._given_path: str | None = None
        folder, name = os.path.split(path)
        stem = name.removesuffix(".rs")
        self._here = folder
        self._below = folder if own or stem == "mod" else os.path.join(folder, stem)

    def read(self) -> list[tuple[str, tuple[str, ...]]]:
        """Note the tests; return the files of the modules."""
        source = self._places.source(os.path.join(self._places.sources.root, self._path))
        tokens = source.tokens
        depth = index = 0
        while index < len(tokens):
            if source.is_punct(index, "#") and source.is_punct(index + 1, "["):
                index = self._attribute(source, index + 2)
                continue
            if source.is_punct(index, "{"):
                depth += 1
            elif source.is_punct(index, "}"):
                depth -= 1
                if self._inner and self._inner[-1][1] == depth:
                    self._inner.pop()
            elif index + 1 < len(tokens) and tokens[index + 1].kind == "ident":
                self._item(source, index, depth)
            index += 1
        return self._found

    def _attribute(self, source: Source, index: int) -> int:
        """Take `test` and `path` from the attribute whose name is at `index`; return its end."""
        end = source.group_end(index - 1)
        self._is_test = self._is_test or _is_test(source, index, end)
        value = index + 2
        if source.tokens[index].text == "path" and value < end:
            self._given_path = source.tokens[value].text.strip('"')
        return end

    def _item(self, source: Source, index: int, depth: int) -> None:
        word, name = source.tokens[index].text, source.tokens[index + 1]
        inner = [outer for outer, _ in self._inner]
        if word == "mod":
            if source.is_punct(index + 2, "{"):
                self._inner.append((name.text, depth))
            else:
                self._found += self._file_of(inner, name.text, self._given_path)
            self._given_path = None
        elif word == "fn" and self._is_test:
            self._note(inner, name.text, source.place(name.start)[0])
        if word in _ITEMS:
            self._is_test = False

    def _note(self, inner: list[str], name: str, line: int) -> None:
        full = "::".join([*self._module, *inner, name])
        identity = "::".join([self._path, *inner, name])
        self._tests[full] = Test(full, identity, self._path, line)

    def _file_of(
        self, inner: list[str], name: str, given: str | None
    ) -> list[tuple[str, tuple[str, ...]]]:
        folder = os.path.join(self._below, *inner)
        candidates = (
            [os.path.join(self._here, given)]
            if given
            else [os.path.join(folder, f"{name}.rs"), os.path.join(folder, name, "mod.rs")]
        )
        root = self._places.sources.root
        for candidate in candidates:
            path = os.path.normpath(candidate)
            if os.path.isfile(os.path.join(root, path)):
                return [(path, (*self._module, *inner, name.removeprefix("r#")))]
        return []


def _is_test(source: Source, start: int, end: int) -> bool:
    name = ""
    for index in range(start, end):
        token = source.tokens[index]
        if token.kind == "ident":
            name = token.text
        elif not source.is_punct(index, "::"):
            break
    return name in _TESTS
