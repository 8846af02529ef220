"""What a TypeError says of a call that did not fit, and what the callee takes."""

from __future__ import annotations

import ast
import inspect
import re
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any

from fixwright_sandbox.guest.sources import Sources

from .frames import Entry
from .lookup import UnknownValueError, evaluate, expression_at, lookup_attribute

_CALL = re.compile(r"^(?P<function>[\w.<>]+)\(\) (?P<said>.*)$", re.DOTALL)
_MISSING = re.compile(r"^missing \d+ required (?:positional|keyword-only) arguments?: (.*)$")
_UNEXPECTED = re.compile(r"^got an unexpected keyword argument '([^']+)'")
_MULTIPLE = re.compile(r"^got multiple values for argument '([^']+)'")
_COUNT = re.compile(
    r"^takes (?:from (\d+) to )?(?:at most )?(\d+|no)(?: positional)? arguments?"
    r"(?: \(|.* but )(\d+)"
)
_UNSUPPORTED = re.compile(
    r"^unsupported operand type\(s\) for (?P<op>[^:]+): '(?P<left>[^']+)' and '(?P<right>[^']+)'"
)
_COMPARED = re.compile(
    r"^'(?P<op>[^']+)' not supported between instances of '(?P<left>[^']+)' and '(?P<right>[^']+)'"
)
_CONCATENATED = re.compile(
    r"^can only concatenate (?P<left>\w+) \(not \"(?P<right>[^\"]+)\"\) to \w+"
)
_OBJECT = re.compile(r"^'(?P<type>[^']+)' object (?P<said>is not \w+|does not support [\w ]+)")
_QUOTED = re.compile(r"'([^']+)'")
_MOST_PARAMETERS = 100


def facts_of(message: str, found: list[Entry], sources: Sources) -> dict[str, Any]:
    """Return the facts that a TypeError's message states, and the callee's signature.

    `problem` says which: `missing`, `unexpected`, `multiple` or `count` of a call's arguments,
    `operands` of an operator, or `object` that does not support something.
    """
    call = _CALL.match(message)
    if call is None:
        return _of_operands(message)
    facts = _of_arguments(call["said"])
    if facts:
        facts["function"] = call["function"]
        if found:
            facts.update(_signature(call["function"], found[-1], sources))
    return facts


def _of_arguments(said: str) -> dict[str, Any]:
    match = _MISSING.match(said)
    if match:
        return {"problem": "missing", "missing": _QUOTED.findall(match[1])}
    match = _UNEXPECTED.match(said)
    if match:
        return {"problem": "unexpected", "unexpected": match[1]}
    match = _MULTIPLE.match(said)
    if match:
        return {"problem": "multiple", "multiple": match[1]}
    match = _COUNT.match(said)
    if match:
        most = 0 if match[2] == "no" else int(match[2])
        least = int(match[1]) if match[1] else most
        return {"problem": "count", "expected": [least, most], "given": int(match[3])}
    if said == "takes no arguments":
        return {"problem": "count", "expected": [0, 0]}
    return {}


def _of_operands(message: str) -> dict[str, Any]:
    match = _UNSUPPORTED.match(message) or _COMPARED.match(message)
    if match:
        return _operands(match["op"], match["left"], match["right"])
    match = _CONCATENATED.match(message)
    if match:
        return _operands("+", match["left"], match["right"])
    match = _OBJECT.match(message)
    if match:
        return {"problem": "object", "objType": match["type"], "said": match["said"]}
    return {}


def _operands(operator: str, left: str, right: str) -> dict[str, Any]:
    return {"problem": "operands", "operator": operator, "left": left, "right": right}


def _signature(qualname: str, entry: Entry, sources: Sources) -> dict[str, Any]:
    function = _called(entry, sources) or _named(qualname, entry.frame)
    if function is None or function.__name__ != qualname.rpartition(".")[2]:
        return {}
    code = function.__code__
    return {
        "signature": {
            "name": function.__qualname__,
            "path": sources.path(code.co_filename),
            "line": code.co_firstlineno - 1,
            "parameters": _parameters(function, code)[:_MOST_PARAMETERS],
        }
    }


def _called(entry: Entry, sources: Sources) -> FunctionType | None:
    """Return the function that a frame was calling, where its expression can be looked up."""
    node = expression_at(entry, sources)
    if not isinstance(node, ast.Call):
        return None
    try:
        return _function(evaluate(node.func, entry.frame))
    except UnknownValueError:
        return None


def _named(qualname: str, frame: FrameType) -> FunctionType | None:
    """Return the function that a message names, where the frame's names lead to it."""
    if "<locals>" in qualname:
        return None
    first, *rest = qualname.split(".")
    node: ast.expr = ast.Name(first, ast.Load())
    for name in rest:
        node = ast.Attribute(node, name, ast.Load())
    try:
        return _function(evaluate(node, frame))
    except UnknownValueError:
        return None


def _function(value: Any) -> FunctionType | None:
    if isinstance(value, type):
        value = lookup_attribute(value, "__init__")
    if type(value) is MethodType:
        value = value.__func__
    return value if type(value) is FunctionType else None


def _parameters(function: FunctionType, code: CodeType) -> list[dict[str, Any]]:
    positional, keyword_only = code.co_argcount, code.co_kwonlyargcount
    names = code.co_varnames
    defaults = function.__defaults__ or ()
    keyword_defaults = function.__kwdefaults__ or {}

    def parameter(name: str, kind: str, *, default: bool = False) -> dict[str, Any]:
        return {"name": name, "kind": kind, "default": default}

    found = [
        parameter(
            names[index],
            "positional-only" if index < code.co_posonlyargcount else "positional",
            default=index >= positional - len(defaults),
        )
        for index in range(positional)
    ]
    rest = positional + keyword_only
    if code.co_flags & inspect.CO_VARARGS:
        found.append(parameter(names[rest], "*"))
        rest += 1
    found.extend(
        parameter(name, "keyword-only", default=name in keyword_defaults)
        for name in names[positional : positional + keyword_only]
    )
    if code.co_flags & inspect.CO_VARKEYWORDS:
        found.append(parameter(names[rest], "**"))
    return found
