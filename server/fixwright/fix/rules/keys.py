"""A key that a dictionary does not have."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from fixwright.fix.rules import complaint
from fixwright.fix.rules.edits import replacing
from fixwright.fix.rules.python_file import PythonFile, parse
from fixwright.fix.rules.spelling import closest, slips

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.fix.problem import Candidate, RuleContext


def misspelt_key(context: RuleContext) -> Iterator[Candidate]:
    """Puts the key that was meant, one of those that the dictionary has."""
    problem = context.problem
    file = parse(context.document.text) if complaint.kind(problem) == "KeyError" else None
    wanted = _literal(complaint.fact(problem, "key") or problem.message)
    if file is None or wanted is None:
        return
    keys = [_literal(key) for key in complaint.fact_names(problem, "candidates")]
    if not keys:
        keys = _keys_written(file)
    node = _key_at(context, file, wanted)
    if node is None:
        return
    for key in _meant(wanted, keys):
        text = _written(file.of(node), key)
        title = f"Change the key {file.of(node)} to {text}"
        distance = 0.0
        if isinstance(wanted, str) and isinstance(key, str):
            distance = slips(wanted, key)
        edit = (file.range(node), text)
        yield replacing(context, "misspelt-key", title, edit, distance=distance)


def _literal(text: str) -> str | int | float | None:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, str | int | float) else None


def _meant(wanted: str | float, keys: list[str | int | float | None]) -> list[str | int | float]:
    texts = [key for key in keys if isinstance(key, str)]
    likest: list[str | int | float] = []
    # The same key as text and as number.
    likest += [
        key
        for key in keys
        if key is not None and type(key) is not type(wanted) and str(key) == str(wanted)
    ]
    return likest + (closest(wanted, texts) if isinstance(wanted, str) else [])


def _key_at(context: RuleContext, file: PythonFile, wanted: str | float) -> ast.Constant | None:
    """The constant that is the key: at the place, else the only one of that value in the file."""
    at_place = file.find(ast.Constant, context.problem.range)
    for node in at_place:
        if node.value == wanted and type(node.value) is type(wanted):
            return node
    everywhere = [
        node
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Constant)
        and node.value == wanted
        and type(node.value) is type(wanted)
    ]
    return everywhere[0] if len(everywhere) == 1 and isinstance(wanted, str) else None


def _keys_written(file: PythonFile) -> list[str | int | float | None]:
    """The keys of the dictionaries that the file writes out."""
    keys: list[str | int | float | None] = []
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Dict):
            keys += [
                key.value
                for key in node.keys
                if isinstance(key, ast.Constant) and isinstance(key.value, str)
            ]
    return keys


def _written(old: str, key: str | float) -> str:
    """A key's literal, in the quotes of the one that it takes the place of."""
    text = repr(key)
    quote = old[0] if old[:1] in {"'", '"'} else text[:1]
    inner = text[1:-1]
    if isinstance(key, str) and quote not in inner and "\\" not in inner:
        return f"{quote}{inner}{quote}"
    return text
