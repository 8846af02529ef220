"""Look at a stopped program's objects without calling any code of theirs."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable
from types import FrameType, ModuleType
from typing import Any, cast

from fixwright_sandbox.guest.sources import Sources

from .frames import Entry, span_of

_MOST_LINES = 200

_PLAIN = (str, int, bool, float, bytes, type(None))
_type_name = type.__dict__["__name__"].__get__
_type_module = type.__dict__["__module__"].__get__
_type_mro = type.__dict__["__mro__"].__get__


class UnknownValueError(Exception):
    """An expression's value cannot be told without running code."""


def type_name(kind: type) -> str:
    """Return a class's name."""
    return str(_type_name(kind))[:200]


def type_module(kind: type) -> str:
    """Return the module that a class says it is of."""
    module = _type_module(kind)
    return module[:200] if type(module) is str else ""


def variables(frame: FrameType) -> dict[str, Any]:
    """Return a frame's local variables; none where the program made their mapping itself."""
    found = frame.f_locals
    if type(found) is dict or type(found).__name__ == "FrameLocalsProxy":
        return dict(found)
    return {}


def names_in(frame: FrameType) -> Iterable[str]:
    """Return every name that code in the frame could have meant: the nearest scopes first."""
    yield from variables(frame)
    yield from _namespace(frame.f_globals)
    yield from dir(builtins)


def attributes(value: object) -> list[str]:
    """Return the names of an object's attributes, those of its class and bases included."""
    names = list(_own_attributes(value))
    if not isinstance(value, ModuleType):
        kinds = _type_mro(value) if isinstance(value, type) else ()
        for kind in (*kinds, *_type_mro(type(value))):
            names.extend(type.__dict__["__dict__"].__get__(kind))
    return names


def expression_at(entry: Entry, sources: Sources) -> ast.expr | None:
    """Return the expression that a frame was evaluating; None where that is not known exactly."""
    filename = entry.frame.f_code.co_filename
    span = span_of(entry, sources)
    if span.column is None or span.end_column is None or span.end_line - span.line > _MOST_LINES:
        return None
    lines = sources.lines(filename)[span.line : span.end_line + 1]
    if len(lines) != span.end_line - span.line + 1:
        return None
    lines[-1] = lines[-1][: span.end_column]
    lines[0] = lines[0][span.column :]
    try:
        return ast.parse("(" + "\n".join(lines) + "\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def evaluate(node: ast.expr, frame: FrameType) -> Any:
    """Return the value of names, attributes and subscripts of plain containers.

    Raises:
        UnknownValueError: the value is not there, or only code of the program could tell it.
    """
    if isinstance(node, ast.Name):
        return _lookup_name(node.id, frame)
    if isinstance(node, ast.Attribute):
        return lookup_attribute(evaluate(node.value, frame), node.attr)
    if isinstance(node, ast.Constant) and type(node.value) in _PLAIN:
        return node.value
    if isinstance(node, ast.Subscript):
        container, key = evaluate(node.value, frame), evaluate(node.slice, frame)
        if type(container) in (dict, list, tuple) and type(key) in (str, int):
            try:
                return container[key]
            except LookupError:
                pass
    raise UnknownValueError


def lookup_attribute(value: object, name: str) -> Any:
    """Return an attribute that is stored under its name, as plain data, methods included.

    Raises:
        UnknownValueError: there is none, or a descriptor would have to be called.
    """
    own = _own_attributes(value)
    if name in own:
        return own[name]
    kinds = _type_mro(value) if isinstance(value, type) else _type_mro(type(value))
    for kind in kinds:
        stored = type.__dict__["__dict__"].__get__(kind)
        if name in stored:
            if isinstance(stored[name], (staticmethod, classmethod)):
                return stored[name].__func__
            if type(stored[name]).__name__ in ("property", "getset_descriptor"):
                raise UnknownValueError
            return stored[name]
    raise UnknownValueError


def _lookup_name(name: str, frame: FrameType) -> Any:
    for scope in (variables(frame), _namespace(frame.f_globals), vars(builtins)):
        if name in scope:
            return scope[name]
    raise UnknownValueError


def _namespace(names: object) -> dict[str, Any]:
    return dict(cast("dict[str, Any]", names)) if type(names) is dict else {}


def _own_attributes(value: object) -> dict[str, Any]:
    if isinstance(value, type):
        return dict(type.__dict__["__dict__"].__get__(value))
    for kind in _type_mro(type(value)):
        found = type.__dict__["__dict__"].__get__(kind).get("__dict__")
        if found is not None:
            if type(found).__name__ != "getset_descriptor" and kind is not ModuleType:
                return {}
            return _namespace(found.__get__(value))
    return {}
