"""What a problem's message says, whoever said it: the interpreter, Pyright, mypy, Ruff, pylint.

Facts of the interpreter come first; messages are read by patterns.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixwright.fix.problem import Problem

_Q = "[\"'`\u2018\u201c]"
_NAME = rf"{_Q}(?P<name>[^\"'`\u2019\u201d]+)[\"'`\u2019\u201d]"
_OTHER = rf"{_Q}(?P<other>[^\"'`\u2019\u201d]+)[\"'`\u2019\u201d]"

_UNDEFINED = (
    re.compile(rf"[Nn]ame {_NAME} is not defined"),
    re.compile(rf"^{_NAME} is not defined"),
    re.compile(rf"[Uu]ndefined (?:name|variable) {_NAME}"),
    re.compile(rf"Name {_NAME} used when not defined"),
)
_UNBOUND = (
    re.compile(rf"cannot access local variable {_NAME} where"),
    re.compile(rf"local variable {_NAME} referenced before"),
    re.compile(rf"^{_NAME} is (?:possibly )?unbound"),
)
_ATTRIBUTE = (
    re.compile(rf"(?:object|module) {_OTHER} has no attribute {_NAME}"),
    re.compile(rf"{_OTHER} object has no attribute {_NAME}"),
    re.compile(rf"{_NAME} is not a known attribute of (?:module )?{_OTHER}"),
    re.compile(rf"Cannot access (?:attribute|member) {_NAME} for (?:class|type) {_OTHER}"),
    re.compile(rf"{_OTHER} has no attribute {_NAME}"),
    re.compile(rf"(?:Instance of|Module|Class) {_OTHER} has no {_NAME} member"),
)
_MODULE = (
    re.compile(rf"No module named {_NAME}"),
    re.compile(rf"Import {_NAME} could not be resolved"),
    re.compile(rf"Unable to import {_NAME}"),
    re.compile(rf"Cannot find implementation or library stub for module named {_NAME}"),
)
_IMPORTED = (
    re.compile(rf"cannot import name {_NAME} from (?:partially initialized module )?{_OTHER}"),
    re.compile(rf"^{_NAME} is unknown import symbol"),
    re.compile(rf"No name {_NAME} in module {_OTHER}"),
    re.compile(rf"Module {_OTHER} has no attribute {_NAME}"),
)
_KEYWORD = (
    re.compile(rf"got an unexpected keyword argument {_NAME}"),
    re.compile(rf"No parameter named {_NAME}"),
    re.compile(rf"Unexpected keyword argument {_NAME}"),
)
_MEANT = re.compile(r"(?:[Dd]id you mean|[Mm]aybe):? [\"'`]([^\"'`]+)[\"'`]")


def undefined_name(problem: Problem) -> str | None:
    """The name that is not defined."""
    if kind(problem) not in {"", "NameError"}:
        return None
    return _first(problem, _UNDEFINED, "name")


def unbound_name(problem: Problem) -> str | None:
    """The local name that has no value yet."""
    return _first(problem, _UNBOUND, "name")


def missing_attribute(problem: Problem) -> str | None:
    """The attribute that an object, class or module does not have."""
    if kind(problem) not in {"", "AttributeError"}:
        return None
    return _first(problem, _ATTRIBUTE, "name")


def attribute_owner(problem: Problem) -> str | None:
    """The type or module that does not have it."""
    return _first(problem, _ATTRIBUTE, "other")


def missing_module(problem: Problem) -> str | None:
    """The module that cannot be found."""
    return _first(problem, _MODULE, "name")


def missing_import_name(problem: Problem) -> str | None:
    """The name that a module does not hold."""
    return _first(problem, _IMPORTED, "name")


def unexpected_keyword(problem: Problem) -> str | None:
    """The keyword argument that a function does not take."""
    return _first(problem, _KEYWORD, "name")


def kind(problem: Problem) -> str:
    """The exception's kind where a run showed it, else ""."""
    return problem.failure.kind if problem.failure is not None else ""


def suggestion(problem: Problem) -> str | None:
    """The name that the interpreter or the diagnostic itself suggests."""
    if problem.failure is not None and problem.failure.suggestion:
        return problem.failure.suggestion
    match = _MEANT.search(problem.message)
    return match[1] if match else None


def facts(problem: Problem) -> Mapping[str, object]:
    """What the interpreter knew."""
    return problem.failure.facts if problem.failure is not None else {}


def fact(problem: Problem, name: str) -> str | None:
    """A fact that is a string."""
    value = facts(problem).get(name)
    return value if isinstance(value, str) else None


def fact_names(problem: Problem, name: str) -> list[str]:
    """A fact that is a list of strings; empty where it is not known."""
    value = facts(problem).get(name)
    if not isinstance(value, list | tuple):
        return []
    return [item for item in cast("list[object]", value) if isinstance(item, str)]


def _first(problem: Problem, patterns: tuple[re.Pattern[str], ...], group: str) -> str | None:
    for pattern in patterns:
        match = pattern.search(problem.message)
        if match is not None:
            return match.groupdict().get(group)
    return None
