"""Operands whose types do not go together: text and number, list and tuple, float and index."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from fixwright.fix.rules.edits import replacing
from fixwright.fix.rules.python_file import PythonFile, parse
from fixwright.workspace.position import Range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.fix.problem import Candidate, RuleContext

RULE = "operand-types"

_CONCATENATE = re.compile(r'can only concatenate (?P<left>\w+) \(not "(?P<right>[^"]+)"\) to')
_UNSUPPORTED = re.compile(
    r"unsupported operand type\(s\) for (?P<op>[^:]+): '(?P<left>[^']+)' and '(?P<right>[^']+)'"
)
_COMPARED = re.compile(
    r"'(?P<op>[<>]=?)' not supported between instances of '(?P<left>[^']+)' and '(?P<right>[^']+)'"
)
_JOINED = re.compile(r"sequence item \d+: expected str instance, \w+ found")
_INDICES = re.compile(
    r"(?:list|tuple|string|str) indices must be integers(?: or slices)?, not '?(?P<type>\w+)"
)
_AS_INTEGER = re.compile(r"'(?P<type>str|float)' object cannot be interpreted as an integer")
_NUMBERS = frozenset({"int", "float"})
_LISTABLE = frozenset({"tuple", "set", "range", "dict_keys", "dict_values"})


def operand_types(context: RuleContext) -> Iterator[Candidate]:
    """Converts one of two operands to the other's type."""
    message = context.problem.message
    match = (
        _CONCATENATE.search(message) or _UNSUPPORTED.search(message) or _COMPARED.search(message)
    )
    file = parse(context.document.text) if match else None
    if file is None or match is None:
        return
    sides = _sides(file, context.problem.range)
    if sides is None:
        return
    left, right = sides
    adds = match.groupdict().get("op", "+") in {"+", "+="}
    for side, function in _conversions(match["left"], match["right"], left, right):
        if function == "str" and not adds:
            continue
        node = left if side == "left" else right
        if side == "left" and isinstance(file.parents.get(node), ast.AugAssign):
            continue
        text = _converted(file.of(node), function, bare=_is_whole(node))
        yield replacing(context, RULE, f"Use {text}", (file.range(node), text))


def joined_items(context: RuleContext) -> Iterator[Candidate]:
    """Converts what is joined to text: `", ".join(map(str, numbers))`."""
    file = parse(context.document.text) if _JOINED.search(context.problem.message) else None
    for call in file.find(ast.Call, context.problem.range) if file is not None else ():
        joins = isinstance(call.func, ast.Attribute) and call.func.attr == "join"
        if file is None or not joins or len(call.args) != 1:
            continue
        joined = call.args[0]
        node = joined.elt if isinstance(joined, ast.GeneratorExp | ast.ListComp) else joined
        text = f"map(str, {file.of(node)})" if node is joined else f"str({file.of(node)})"
        yield replacing(context, RULE, f"Use {text}", (file.range(node), text))
        return


def integer_needed(context: RuleContext) -> Iterator[Candidate]:
    """Makes an index or a count an integer: `//` for `/`, else `int(…)`."""
    message = context.problem.message
    match = _INDICES.search(message) or _AS_INTEGER.search(message)
    file = parse(context.document.text) if match else None
    if file is None or match is None:
        return
    for node in _where_integer_is_needed(file, context.problem.range):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            between = Range(file.range(node.left).end, file.range(node.right).start)
            operator = file.text.slice(between).replace("/", "//", 1)
            yield replacing(context, RULE, "Divide to an integer with //", (between, operator))
        elif not isinstance(node, ast.Constant):
            text = f"int({file.of(node)})"
            yield replacing(context, RULE, f"Use {text}", (file.range(node), text))


def _where_integer_is_needed(file: PythonFile, place: Range) -> Iterator[ast.expr]:
    for node in file.find(ast.Subscript, place)[:1]:
        parts = [node.slice]
        if isinstance(node.slice, ast.Slice):
            parts = [each for each in (node.slice.lower, node.slice.upper) if each is not None]
        yield from parts
        return
    for call in file.find(ast.Call, place)[:1]:
        yield from call.args


def _sides(file: PythonFile, place: Range) -> tuple[ast.expr, ast.expr] | None:
    """The operands of the operation at a place: exactly there, or the only one on its line."""
    kinds = (ast.BinOp, ast.AugAssign, ast.Compare)
    nodes = [node for kind in kinds for node in file.find(kind, place)]
    exact = [node for node in nodes if file.range(node) == place]
    chosen = exact or (nodes if len(nodes) == 1 else [])
    for node in chosen:
        if isinstance(node, ast.BinOp):
            return node.left, node.right
        if isinstance(node, ast.AugAssign):
            return node.target, node.value
        if len(node.comparators) == 1:
            return node.left, node.comparators[0]
    return None


def _conversions(
    left: str, right: str, left_node: ast.expr, right_node: ast.expr
) -> list[tuple[str, str]]:
    """Which side to convert, and with what; likeliest first."""
    if left == "str" and right == "str":
        return [("left", "int"), ("right", "int")]
    if "str" not in {left, right}:
        return _of_lists(left, right)
    if left == "str":
        return _of_text(("left", left_node), ("right", right))
    return _of_text(("right", right_node), ("left", left))


def _of_lists(left: str, right: str) -> list[tuple[str, str]]:
    if "list" in {left, right} and {left, right} & _LISTABLE:
        return [("right" if left == "list" else "left", "list")]
    if left == "list":
        return [("right", "[]")]
    if left == "tuple":
        return [("right", "tuple") if right == "list" else ("right", "(,)")]
    return []


def _of_text(text: tuple[str, ast.expr], other: tuple[str, str]) -> list[tuple[str, str]]:
    """For text beside something else: that as text, or the text as a number."""
    (side, node), (other_side, kind) = text, other
    if kind not in _NUMBERS:
        return [(other_side, "str")]
    numeric = (isinstance(node, ast.Constant) and _is_number(node.value)) or _is_read(node)
    found = [(other_side, "str"), (side, kind)]
    return found[::-1] if numeric else found


def _is_number(value: object) -> bool:
    return isinstance(value, str) and value.strip().lstrip("-").replace(".", "", 1).isdigit()


def _is_read(node: ast.expr) -> bool:
    """Whether a value is text only because it was read as text."""
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "input"
    )


def _is_whole(node: ast.expr) -> bool:
    return not isinstance(node, ast.Tuple | ast.GeneratorExp | ast.NamedExpr)


def _converted(text: str, function: str, *, bare: bool) -> str:
    inner = text if bare else f"({text})"
    if function == "[]":
        return f"[{inner}]"
    return f"({inner},)" if function == "(,)" else f"{function}({inner})"
