"""Which files a Rust `use` or `mod` means: a crate's tree of modules, and the workspace's crates.

As Rust 2018 has it: `mod x;` in `a/mod.rs`, `a/lib.rs` or `a/main.rs` is `a/x.rs` or `a/x/mod.rs`;
in another `a/b.rs` it is `a/b/x.rs` or `a/b/x/mod.rs`.
"""

from __future__ import annotations

import posixpath
import tomllib
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from fixwright.index.facts import Import
    from fixwright.index.filetree import FileTree

_ROOTS = frozenset({"lib.rs", "main.rs", "mod.rs", "build.rs"})
_CRATE_ROOTS = ("src/lib.rs", "src/main.rs", "lib.rs", "main.rs")


def resolve(imported: Import, path: str, files: FileTree) -> list[str]:
    """The file of the module, or of the longest part of the path that is a module."""
    if imported.kind == "module":
        return _module(_inside(path), [imported.module], files)
    parts = [part.removeprefix("r#") for part in imported.module.split("::") if part]
    if imported.name not in {"", "*"}:
        parts.append(imported.name)
    if not parts:
        return []
    if parts[0] == "crate":
        root = _crate_root(path, files)
        return [] if root is None else _path(root, parts[1:], files)
    if parts[0] in {"self", "super"}:
        return _relative(path, parts, files)
    for manifest in files.named.get("Cargo.toml", ()):
        if parts[0] in files.kept("Cargo.toml", manifest, _names):
            folder = posixpath.dirname(manifest)
            root = files.first(posixpath.join(folder, name) for name in _CRATE_ROOTS)
            return _path(root[0], parts[1:], files) if root else []
    # Since 2018 a path can begin with a module of this file.
    return _module(_inside(path), parts, files)


def _inside(path: str) -> str:
    """The folder of the modules that a file declares."""
    folder, name = posixpath.split(path)
    return folder if name in _ROOTS else posixpath.join(folder, posixpath.splitext(name)[0])


def _relative(path: str, parts: list[str], files: FileTree) -> list[str]:
    inside = _inside(path)
    here = path
    rest = parts
    while rest and rest[0] in {"self", "super"}:
        if rest[0] == "super":
            inside = posixpath.dirname(inside)
            found = files.first([
                posixpath.join(inside, "mod.rs"), f"{inside}.rs",
                posixpath.join(inside, "lib.rs"), posixpath.join(inside, "main.rs"),
            ])  # fmt: skip
            here = found[0] if found else here
        rest = rest[1:]
    return _module(inside, rest, files) or [here]


def _crate_root(path: str, files: FileTree) -> str | None:
    manifest = files.above(path, "Cargo.toml")
    folder = posixpath.dirname(manifest) if manifest is not None else posixpath.dirname(path)
    root = files.first(posixpath.join(folder, name) for name in _CRATE_ROOTS)
    return root[0] if root else None


def _path(root: str, parts: list[str], files: FileTree) -> list[str]:
    """A path from a crate's root; what is no module of its own is in the root's file."""
    return _module(posixpath.dirname(root), parts, files) or [root]


def _module(folder: str, parts: list[str], files: FileTree) -> list[str]:
    """The file of the longest part of the path that is a module."""
    for length in range(len(parts), 0, -1):
        base = posixpath.join(folder, *parts[:length])
        found = files.first([f"{base}.rs", posixpath.join(base, "mod.rs")])
        if found:
            return found
    return []


def _names(data: bytes) -> frozenset[str]:
    """The names under which code imports the crate of a manifest."""
    try:
        manifest = tomllib.loads(data.decode("utf-8", "replace"))
    except tomllib.TOMLDecodeError:
        return frozenset()
    found: set[str] = set()
    for table in ("package", "lib"):
        section = cast("object", manifest.get(table))
        if isinstance(section, dict):
            name = cast("dict[str, object]", section).get("name")
            if isinstance(name, str):
                found.add(name.replace("-", "_"))
    return frozenset(found)
