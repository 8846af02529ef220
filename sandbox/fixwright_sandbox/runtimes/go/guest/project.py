"""What belongs to a Go program: its module, its package, the files that go into its binary."""

from __future__ import annotations

import functools
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_SOURCES = (".go", ".s", ".S", ".h", ".c", ".syso")
_SKIPPED = {"node_modules", "testdata", "vendor"}
_LARGEST = 32 << 20
_PACKAGE = re.compile(r"^\s*package\s+(?P<name>\w+)", re.MULTILINE)
_MAIN = re.compile(r"^func\s+main\s*\(\s*\)", re.MULTILINE)
_ALONE = re.compile(r"^//go:build\s+ignore\b", re.MULTILINE)
_IMPORTS = re.compile(r"^import\s*(?:\((?P<several>[^)]*)\)|(?P<one>[^\n(]*))", re.MULTILINE)
_QUOTED = re.compile(r"[\"`]([^\"`\n]+)[\"`]")
_MODULE = re.compile(r"^module\s+\"?(?P<path>[^\s\"]+)", re.MULTILINE)
_ELSEWHERE = re.compile(r"=>\s*\"?\.{1,2}/|=>\s*\"?/")


class Module(NamedTuple):
    """A module of the tree: its folder, absolute, and the path that imports name it by."""

    folder: str
    path: str

    def folder_of(self, package: str) -> str | None:
        """Return the folder of a package of this module or of what it vendors."""
        if package == self.path:
            return self.folder
        if package.startswith(self.path + "/"):
            return os.path.join(self.folder, package[len(self.path) + 1 :])
        vendored = os.path.join(self.folder, "vendor", package)
        return vendored if os.path.isdir(vendored) else None


@functools.lru_cache(maxsize=256)
def text_of(path: str) -> str:
    """Return a source's text; empty where it can't be read. Read once a run."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_LARGEST)
    except OSError:
        return ""


def module_of(folder: str, root: str) -> Module | None:
    """Return the module that a folder is in, looking no higher than the root."""
    while True:
        file = os.path.join(folder, "go.mod")
        if os.path.isfile(file):
            named = _MODULE.search(text_of(file))
            return Module(folder, named["path"] if named else "")
        if os.path.samefile(folder, root) or os.path.dirname(folder) == folder:
            return None
        folder = os.path.dirname(folder)


def package_of(path: str) -> str:
    """Return the name in a file's package clause."""
    named = _PACKAGE.search(_without_comments(text_of(path)))
    return named["name"] if named else ""


def has_main(path: str) -> bool:
    """Tell whether a file has the function where a program starts."""
    return _MAIN.search(text_of(path)) is not None


def go_files(folder: str) -> list[str]:
    """Return the names of a folder's Go files in order, those that Go itself ignores left out."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [name for name in names if name.endswith(".go") and name[0] not in "._"]


def companions(path: str) -> list[str] | None:
    """Return the files to build together with one; None for its whole package.

    In a folder of many small programs each has its own `main`; a file then goes with the
    siblings of its package that have none.
    """
    folder, name = os.path.split(path)
    if _ALONE.search(text_of(path)):
        return [path]
    own = package_of(path)
    siblings = [
        os.path.join(folder, each)
        for each in go_files(folder)
        if each != name and not each.endswith("_test.go")
    ]
    siblings = [each for each in siblings if not _ALONE.search(text_of(each))]
    alike = [each for each in siblings if package_of(each) == own]
    if len(alike) == len(siblings) and not (has_main(path) and any(map(has_main, siblings))):
        return None
    if not has_main(path):
        return [path, *alike]
    return [path, *(each for each in alike if not has_main(each))]


def test_folders(folder: str) -> Iterator[str]:
    """Return the folders at or below one that hold test files, in order."""
    for current, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if name[0] not in "._" and name not in _SKIPPED
        )
        if any(name.endswith("_test.go") and name[0] not in "._" for name in files):
            yield current


def digest(
    root: str, module: Module | None, start: Iterable[str], extra: Iterable[str], *, tests: bool
) -> str:
    """Return the hash of everything in the tree that decides what is built.

    Args:
        root: the tree.
        module: the module that is built.
        start: the files or folders (packages) to build.
        extra: what else decides: flags, the toolchain.
        tests: whether test files of the packages in `start` count.
    """
    parts = [text.encode() for text in extra]
    for path in _inputs(root, module, list(start), tests=tests):
        parts.append(os.path.relpath(path, root).encode("utf-8", "surrogateescape"))
        try:
            with open(path, "rb") as file:
                parts.append(hashlib.sha256(file.read()).digest())
        except OSError:
            parts.append(b"missing")
    digester = hashlib.sha256()
    for part in parts:
        digester.update(len(part).to_bytes(8, "big") + part)
    return digester.hexdigest()


def _inputs(root: str, module: Module | None, start: list[str], *, tests: bool) -> list[str]:
    found = dict.fromkeys(_manifests(root, module))
    if any(os.path.basename(each) == "go.work" for each in found) or (
        module is not None and _ELSEWHERE.search(text_of(os.path.join(module.folder, "go.mod")))
    ):
        # Modules of the tree that use each other: where imports lead is not ours to work out.
        found.update(dict.fromkeys(_all_sources(root)))
    waiting, seen = list(start), set(start)
    while waiting:
        each = waiting.pop()
        files = [each] if each.endswith(".go") else list(_package_files(each))
        found.update(dict.fromkeys(files))
        for file in files:
            if not file.endswith("_test.go") or (tests and each in start):
                found.update(dict.fromkeys(_embedded(file)))
                further = _imported(file, module)
                waiting += [folder for folder in further if folder not in seen]
                seen.update(further)
    return list(found)


def _manifests(root: str, module: Module | None) -> Iterator[str]:
    for folder in sorted({root} if module is None else {root, module.folder}):
        for name in ("go.mod", "go.sum", "go.work", "go.work.sum", "vendor/modules.txt"):
            if os.path.isfile(os.path.join(folder, name)):
                yield os.path.join(folder, name)


def _embedded(file: str) -> Iterator[str]:
    if file.endswith(".go") and "//go:embed" in text_of(file):
        yield from _everything(os.path.dirname(file))


def _imported(file: str, module: Module | None) -> set[str]:
    """Return the folders of the tree that a source imports."""
    if module is None or not file.endswith(".go"):
        return set()
    folders = {module.folder_of(package) for package in imports_of(text_of(file))}
    return {folder for folder in folders if folder is not None}


def imports_of(text: str) -> list[str]:
    """Return the import paths of a source."""
    found: list[str] = []
    for match in _IMPORTS.finditer(text):
        found.extend(_QUOTED.findall(match["several"] or match["one"] or ""))
    return found


def _package_files(folder: str) -> Iterator[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        if name.endswith(_SOURCES) and name[0] not in "._":
            yield os.path.join(folder, name)


def _all_sources(root: str) -> Iterator[str]:
    for current, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        for name in sorted(files):
            if name.endswith((*_SOURCES, ".mod", ".sum", ".work", "modules.txt")):
                yield os.path.join(current, name)


def _everything(folder: str) -> Iterator[str]:
    for current, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            yield os.path.join(current, name)


def _without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text[:65536], flags=re.DOTALL)
