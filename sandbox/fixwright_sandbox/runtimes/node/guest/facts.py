"""What those who want to fix an error can use of it: JSON, bounded.

- all with one: `code` (`ERR_MODULE_NOT_FOUND`, `ENOENT` …), `syscall`, `path`.
- ReferenceError: `name`, `candidates` (the file's names, then the global ones); `uninitialized`
  where it was used before its declaration ran.
- TypeError: for a property of nothing `name`, `objType` ("undefined" or "null"), `isNone`,
  `object` (the expression); for what is no function `name`, `object`, `candidates`; for a constant
  `name` and `constant`.
- a module that is not there: `name`, `importer`, `candidates` (files beside, or Node's own
  modules where it is a package); a name that a module lacks: `name`,
  `module`, `candidates`.
- AssertionError: `operator`, `expected`, `actual` (as `util.inspect` shows them).
- SyntaxError of JSON: `position`, in UTF-16 units.
"""

from __future__ import annotations

import os
import re
from typing import Any, cast

from fixwright_sandbox.guest.bounds import bounded_names

from .script import Script

_KEPT = ("code", "syscall", "path", "operator", "expected", "actual", "generatedMessage")
_UNDEFINED = re.compile(r"^([\w$]+) is not defined$")
_EARLY = re.compile(r"^Cannot access '([^']+)' before initialization$")
_OF_NOTHING = re.compile(
    r"^Cannot (?:read|set) properties of (?P<of>undefined|null)"
    r" \((?:reading|setting) '(?P<name>[^']*)'\)$"
)
_NO_FUNCTION = re.compile(
    r"^(?P<object>.*?)(?P<name>[\w$#]+)\)? is not (?:a function|a constructor|iterable)"
)
_NOT_FOUND = re.compile(
    r"^Cannot find (?:module|package) '([^']+)'(?: imported from (.+?))?(?:\n|$)"
)
_NO_EXPORT = re.compile(
    r"^The requested module '(?P<module>[^']+)' "
    r"(?:does not provide an export named|is a CommonJS module.*?)(?: '(?P<name>[^']+)')?"
)
_POSITION = re.compile(r" at position (\d+)")
_LOADABLE = re.compile(r"\.(?:[cm]?[jt]sx?|json)$")
_MEANT = re.compile(r"Did you mean to import [\"']?([^\"'?\s]+)")


def facts_of(
    kind: str,
    message: str,
    known: dict[str, Any],
    place: dict[str, Any] | None,
    script: Script | None,
    root: str,
) -> dict[str, Any]:
    """Return the facts of an error; `suggestion` among them where Node made one.

    Args:
        kind: its kind.
        message: its message.
        known: what the hook found out.
        place: where it happened.
        script: the text of that file.
        root: the folder that its path is relative to.
    """
    found = {key: known[key] for key in _KEPT if key in known}
    names = [str(name) for name in cast("list[Any]", known.get("known") or [])]
    found |= _of_names(message, names, script)
    found |= _of_values(message, place, script)
    if match := _NOT_FOUND.match(message):
        beside = names or _beside(match[1], place, root)
        wanted = os.path.basename(match[1])
        found |= {"name": match[1], "importer": match[2]}
        found["candidates"] = bounded_names(beside, wanted)
    elif match := _NO_EXPORT.match(message):
        names = names or _exports(match["module"], place, root)
        candidates = bounded_names(names, match["name"] or "")
        found |= {"name": match["name"], "module": match["module"], "candidates": candidates}
    elif kind == "SyntaxError" and (match := _POSITION.search(message)):
        found["position"] = int(match[1])
    if match := _MEANT.search(message):
        found["suggestion"] = match[1]
    return found


def _of_names(message: str, names: list[str], script: Script | None) -> dict[str, Any]:
    """Return the facts of a name that is not there, or not what it is used as."""
    of_file = script.words() if script is not None else []
    if match := _UNDEFINED.match(message):
        return {"name": match[1], "candidates": bounded_names([*of_file, *names], match[1])}
    if match := _EARLY.match(message):
        return {"name": match[1], "uninitialized": True}
    if match := _NO_FUNCTION.match(message):
        owner = match["object"].rstrip(".").removeprefix("(0 , ")
        candidates = bounded_names([*names, *of_file], match["name"])
        return {"name": match["name"], "object": owner, "candidates": candidates}
    return {}


def _of_values(message: str, place: dict[str, Any] | None, script: Script | None) -> dict[str, Any]:
    """Return the facts of a value that has no properties, or can't be changed."""
    if message.startswith("Assignment to constant variable"):
        return {"name": _word(place, script), "constant": True}
    if match := _OF_NOTHING.match(message):
        found = {"name": match["name"], "objType": match["of"], "isNone": True}
        owner = _owner(place, script)
        return {**found, "object": owner} if owner else found
    return {}


def _owner(place: dict[str, Any] | None, script: Script | None) -> str:
    if place is None or script is None or place["column"] is None:
        return ""
    return script.owner(place["line"], place["column"])[:200]


def _word(place: dict[str, Any] | None, script: Script | None) -> str:
    if place is None or script is None or place["line"] != place["endLine"]:
        return ""
    line, start, end = (int(place[key]) for key in ("line", "column", "endColumn"))
    return script.lines[line][start:end]


def _beside(wanted: str, place: dict[str, Any] | None, root: str) -> list[str]:
    """Return the files where one was looked for by its path."""
    if wanted.startswith(".") and place is not None:
        wanted = os.path.join(root, os.path.dirname(place["path"]), wanted)
    try:
        names = os.listdir(os.path.dirname(wanted)) if os.path.isabs(wanted) else []
    except OSError:
        return []
    return sorted(name for name in names if _LOADABLE.search(name))


def _exports(module: str, place: dict[str, Any] | None, root: str) -> list[str]:
    if place is None or not module.startswith("."):
        return []
    path = os.path.normpath(os.path.join(root, os.path.dirname(place["path"]), module))
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return Script(file.read(1 << 20).split("\n")).exports()
    except OSError:
        return []
