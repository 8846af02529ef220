"""What the interpreter knew when an exception was raised, for those who want to fix it.

Facts are JSON, bounded, and found without calling the program's code. What cannot be told is
left out; columns, and what is looked up by them, need Python 3.11.

- all: `types` {name: type} of the local variables that the failing line in the tree names.
- NameError: `name`, `candidates` (nearest scope first), `forgottenImport` (Python 3.12).
- AttributeError: `name`, `objType`, `objModule`, `isModule`, `isType`, `isNone`, `candidates`,
  and for a module its name, `module`.
- ImportError: `name`, `path`; for a name that a module lacks, `module` and `candidates` in it;
  for a module that is not there, `candidates` beside it.
- KeyError: `key` and `candidates` as `repr` gives them, `keyType`.
- TypeError: see `calls`.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from types import ModuleType
from typing import Any, cast

from fixwright_sandbox.guest.bounds import MOST_CANDIDATES, bounded_names
from fixwright_sandbox.guest.sources import Sources

from . import calls
from .frames import Entry
from .lookup import (
    UnknownValueError,
    attributes,
    evaluate,
    expression_at,
    names_in,
    type_module,
    type_name,
    variables,
)

_QUOTED_NAME = re.compile(r"(?:name|variable) '([^']+)'")
_ATTRIBUTE = re.compile(r"has no attribute '([^']+)'$")
_CANNOT_IMPORT = re.compile(
    r"cannot import name '([^']+)' from (?:partially initialized module )?'([^']+)'"
)
_NAMES = re.compile(r"[^\W\d]\w*")
_KEY_TYPES = (str, int, bool, float, bytes, type(None))
_LONGEST_REPR = 200
_MOST_KEYS = 10_000


def facts_of(exception: BaseException, found: list[Entry], sources: Sources) -> dict[str, Any]:
    """Return what is known of an exception that passed through `found`."""
    try:
        facts = _of_kind(exception, found, sources)
        types = _types_of_names(found, sources)
    except Exception:  # noqa: BLE001 - objects of the program may defy any look at them
        return {}
    if types:
        facts["types"] = types
    return facts


def _of_kind(exception: BaseException, found: list[Entry], sources: Sources) -> dict[str, Any]:
    if isinstance(exception, NameError):
        return _name_error(exception, found)
    if isinstance(exception, AttributeError):
        return _attribute_error(exception, found, sources)
    if isinstance(exception, ImportError):
        return _import_error(exception)
    if isinstance(exception, KeyError):
        return _key_error(exception, found, sources)
    if isinstance(exception, TypeError):
        return calls.facts_of(_text(exception), found, sources)
    return {}


def _name_error(error: NameError, found: list[Entry]) -> dict[str, Any]:
    name = getattr(error, "name", None) or _first(_QUOTED_NAME, _text(error))
    if type(name) is not str or not found:
        return {}
    return {"name": name, "candidates": bounded_names(names_in(found[-1].frame), name)}


def _attribute_error(error: AttributeError, found: list[Entry], sources: Sources) -> dict[str, Any]:
    name = getattr(error, "name", None) or _first(_ATTRIBUTE, _text(error))
    if type(name) is not str:
        return {}
    facts: dict[str, Any] = {"name": name}
    value = getattr(error, "obj", None)
    if value is None and "'NoneType'" not in _text(error):
        value = _owner(found, sources)
        if value is None:
            return facts
    described: type[Any] = value if isinstance(value, type) else type(value)
    facts.update(
        {
            "objType": type_name(described),
            "objModule": type_module(described),
            "isModule": isinstance(value, ModuleType),
            "isType": isinstance(value, type),
            "isNone": value is None,
            "candidates": bounded_names(attributes(value), name),
        }
    )
    if isinstance(value, ModuleType):
        facts["module"] = str(vars(value).get("__name__", ""))[:_LONGEST_REPR]
    return facts


def _owner(found: list[Entry], sources: Sources) -> object:
    node = expression_at(found[-1], sources) if found else None
    if not isinstance(node, ast.Attribute):
        return None
    try:
        return evaluate(node.value, found[-1].frame)
    except UnknownValueError:
        return None


def _import_error(error: ImportError) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": error.name, "path": error.path}
    match = _CANNOT_IMPORT.search(_text(error))
    if match:
        wanted, module = match[1], sys.modules.get(match[2])
        facts.update({"name": wanted, "module": match[2]})
        if module is not None:
            facts["candidates"] = bounded_names(attributes(module), wanted)
    elif isinstance(error, ModuleNotFoundError) and type(error.name) is str:
        package, _, missing = error.name.rpartition(".")
        facts["candidates"] = bounded_names(_modules_in(package), missing)
    return {
        key: value for key, value in facts.items() if value is None or type(value) in (str, list)
    }


def _modules_in(package: str) -> list[str]:
    """Return the modules that could be imported from a package, or at the top for ``""``."""
    parent = sys.modules.get(package)
    folders = list(getattr(parent, "__path__", ())) if package else sys.path
    names: list[str] = []
    for folder in folders:
        try:
            entries = os.listdir(folder)[: 4 * MOST_CANDIDATES]
        except OSError:
            continue
        for entry in entries:
            name, dot, ending = entry.partition(".")
            importable = ending == "py" or (not dot and _holds_python(os.path.join(folder, entry)))
            if name.isidentifier() and importable and not name.startswith("__"):
                names.append(name)
    if not package:
        names.extend(getattr(sys, "stdlib_module_names", sys.builtin_module_names))
    return names


def _holds_python(folder: str) -> bool:
    try:
        return any(entry.endswith(".py") for entry in os.listdir(folder))
    except OSError:
        return False


def _key_error(error: KeyError, found: list[Entry], sources: Sources) -> dict[str, Any]:
    if len(error.args) != 1 or type(error.args[0]) not in _KEY_TYPES:
        return {}
    key: Any = error.args[0]
    wanted = repr(key)[:_LONGEST_REPR]
    kind = cast("type[Any]", type(key))
    facts: dict[str, Any] = {"key": wanted, "keyType": type_name(kind)}
    node = expression_at(found[-1], sources) if found else None
    mapping = None
    if isinstance(node, ast.Subscript):
        mapping = node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        mapping = node.func.value if node.func.attr == "pop" else None
    if mapping is None:
        return facts
    try:
        value = evaluate(mapping, found[-1].frame)
    except UnknownValueError:
        return facts
    if type(value) is dict:
        keys = list(cast("dict[Any, Any]", value))[:_MOST_KEYS]
        plain = [repr(key) for key in keys if type(key) in _KEY_TYPES]
        facts["candidates"] = bounded_names(plain, wanted)
    return facts


def _types_of_names(found: list[Entry], sources: Sources) -> dict[str, str]:
    """Return the types of the local variables that the failing line in the tree names."""
    inside = [e for e in found if sources.inside(e.frame.f_code.co_filename)]
    if not inside:
        return {}
    entry = inside[-1]
    line = sources.line(entry.frame.f_code.co_filename, entry.lineno - 1) or ""
    values = variables(entry.frame)
    named = dict.fromkeys(_NAMES.findall(line[:2_000]))
    kinds: dict[str, type[Any]] = {n: type(values[n]) for n in named if n in values}
    return {name: type_name(kind) for name, kind in kinds.items()}


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match and match[1]


def _text(error: BaseException) -> str:
    """Return the message that the interpreter gave an exception; none of the program's making."""
    if error.args and type(error.args[0]) is str:
        return error.args[0][:4_000]
    return ""
