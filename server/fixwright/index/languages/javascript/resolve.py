"""Which files a JavaScript or TypeScript import means.

Relative paths with the extensions and index files that Node, TypeScript and bundlers add; the
`paths` and `baseUrl` of the nearest `tsconfig.json`; a package's own `#imports`; the packages of
the workspace by the `name`, `exports` and `main` of their `package.json`.
"""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from fixwright.index.filetree import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fixwright.index.facts import Import
    from fixwright.index.filetree import FileTree

_EXTENSIONS = (
    ".ts", ".tsx", ".mts", ".cts", ".d.ts", ".js", ".jsx", ".mjs", ".cjs", ".json", ".vue",
)  # fmt: skip
# TypeScript's own import of `./x.js` means `./x.ts`.
_SOURCES = {".js": (".ts", ".tsx"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}
_CONFIGS = ("tsconfig.json", "jsconfig.json")
# In this order: what is source beats what was built.
_CONDITIONS = ("source", "development", "import", "module", "node", "require", "default", "types")
_JSON_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/|,(?=\s*[}\]])', re.DOTALL)
_LONGEST_CHAIN = 8


def resolve(imported: Import, path: str, files: FileTree) -> list[str]:
    """The file that an import means; none for a package outside of the workspace."""
    module = imported.module.partition("?")[0]
    folder = posixpath.dirname(path)
    if module.startswith(".") or module in {"", "/"}:
        return _file(joined(folder, module), files)
    config = _config_above(path, files)
    if config is not None:
        for candidate in _mapped(module, config, files):
            found = _file(candidate, files)
            if found:
                return found
    return _package(module, path, files)


def _file(base: str | None, files: FileTree) -> list[str]:
    if base is None:
        return []
    stem, extension = posixpath.splitext(base)
    candidates = [
        base,
        *(stem + source for source in _SOURCES.get(extension, ())),
        *(base + added for added in _EXTENSIONS),
        *(posixpath.join(base, f"index{added}") for added in _EXTENSIONS),
    ]
    found = files.first(candidates)
    if found:
        return found
    manifest = posixpath.join(base, "package.json")
    return _entry(base, ".", files) if base and manifest in files else []


# tsconfig.json


@dataclass(frozen=True)
class _Config:
    base: str | None = None
    paths: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])
    folder: str = ""


def _config_above(path: str, files: FileTree) -> _Config | None:
    found = [above for name in _CONFIGS if (above := files.above(path, name)) is not None]
    return _config(max(found, key=len), files, 0) if found else None


def _config(path: str, files: FileTree, depth: int) -> _Config:
    data = files.kept("json", path, _json)
    folder = posixpath.dirname(path)
    options = _object(data.get("compilerOptions"))
    parent = _Config(folder=folder)
    extended = data.get("extends")
    if isinstance(extended, str) and extended.startswith(".") and depth < _LONGEST_CHAIN:
        target = joined(folder, extended)
        found = files.first([target, f"{target}.json"]) if target else []
        if found:
            parent = _config(found[0], files, depth + 1)
    base, paths = options.get("baseUrl"), options.get("paths")
    if isinstance(paths, dict):
        own = cast("Mapping[str, list[str]]", paths)
        parent = _Config(parent.base, own, folder)
    if isinstance(base, str):
        parent = _Config(joined(folder, base), parent.paths, parent.folder)
    return parent


def _mapped(module: str, config: _Config, files: FileTree) -> Iterator[str | None]:
    del files
    best = sorted(config.paths, key=lambda pattern: -len(pattern.partition("*")[0]))
    for pattern in best:
        before, star, after = pattern.partition("*")
        if not star and module != pattern:
            continue
        if not (module.startswith(before) and module.endswith(after)):
            continue
        middle = module[len(before) : len(module) - len(after)]
        for target in config.paths[pattern]:
            base = config.base if config.base is not None else config.folder
            yield joined(base, target.replace("*", middle))
    if config.base is not None:
        yield joined(config.base, module)


# package.json


def _package(module: str, path: str, files: FileTree) -> list[str]:
    parts = module.split("/")
    scoped = 2 if module.startswith("@") else 1
    name, rest = "/".join(parts[:scoped]), "/".join(parts[scoped:])
    inside = f"./{rest}" if rest else "."
    own = files.above(path, "package.json")
    if own is not None and module.startswith("#"):
        data = files.kept("json", own, _json)
        folder = posixpath.dirname(own)
        return _exported(_object(data.get("imports")), module, folder, files)
    for manifest in files.named.get("package.json", ()):
        if files.kept("json", manifest, _json).get("name") == name:
            return _entry(posixpath.dirname(manifest), inside, files)
    return []


def _entry(folder: str, inside: str, files: FileTree) -> list[str]:
    """What a package shows under a path; "." is its main file."""
    data = files.kept("json", posixpath.join(folder, "package.json"), _json)
    exports = data.get("exports")
    if exports is not None:
        table = _object(exports)
        if not any(key.startswith(".") for key in table):
            table = {".": exports}
        found = _exported(table, inside, folder, files)
        if found:
            return found
    if inside != ".":
        return _file(joined(folder, inside), files)
    for key in ("source", "module", "main", "types"):
        target = data.get(key)
        if isinstance(target, str):
            found = _file(joined(folder, target), files)
            if found:
                return found
    # What is published is built; what is in the repository is its source.
    for name in ("src/index", "index", "lib/index"):
        found = _file(posixpath.join(folder, name), files)
        if found:
            return found
    return []


def _exported(table: Mapping[str, object], inside: str, folder: str, files: FileTree) -> list[str]:
    for key, target in sorted(table.items(), key=lambda item: -len(item[0])):
        before, star, after = key.partition("*")
        if (
            (inside != key)
            if not star
            else not (inside.startswith(before) and inside.endswith(after))
        ):
            continue
        middle = inside[len(before) : len(inside) - len(after)] if star else ""
        for each in _targets(target):
            found = _file(joined(folder, each.replace("*", middle)), files)
            if found:
                return found
    return []


def _targets(target: object) -> Iterator[str]:
    if isinstance(target, str):
        yield target
    elif isinstance(target, list):
        for each in cast("list[object]", target):
            yield from _targets(each)
    elif isinstance(target, dict):
        table = cast("dict[str, object]", target)
        for condition in sorted(table, key=_preference):
            yield from _targets(table[condition])


def _preference(condition: str) -> int:
    known = condition in _CONDITIONS
    return _CONDITIONS.index(condition) if known else len(_CONDITIONS)


def _json(data: bytes) -> Mapping[str, object]:
    """An object of JSON with comments; empty where it is none."""
    text = _JSON_COMMENT.sub(lambda match: match[1] or "", data.decode("utf-8-sig", "replace"))
    try:
        return _object(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def _object(value: object) -> Mapping[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
