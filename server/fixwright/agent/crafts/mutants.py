"""Mutants: small faults put into code, to see whether its tests notice.

What is changed is found in the syntax tree alone, by the kinds of nodes that the grammars of the
nine languages share, so a mutant parses, and need not compile. After R. A. DeMillo, R. J. Lipton
and F. G. Sayward, "Hints on Test Data Selection", Computer 11 (1978).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.agent.crafts.neutral import neutral_value
from fixwright.index.source import Source
from fixwright.index.syntax import syntax_errors
from fixwright.workspace.hunks import Hunk, apply_hunks
from fixwright.workspace.text import Text

if TYPE_CHECKING:
    import tree_sitter

    from fixwright.index.languages import Language
    from fixwright.workspace.draft import Draft
    from fixwright.workspace.position import Range

MOST = 20
"""Mutants of one piece of code."""

_SWAPPED = {
    "==": "!=", "!=": "==", "===": "!==", "!==": "===", "<": "<=", "<=": "<", ">": ">=",
    ">=": ">", "+": "-", "-": "+", "*": "+", "/": "*", "%": "*", "and": "or", "or": "and",
    "&&": "||", "||": "&&", "is": "is not", "is not": "is", "in": "not in", "not in": "in",
    "+=": "-=", "-=": "+=", "++": "--", "--": "++",
    "-eq": "-ne", "-ne": "-eq", "-lt": "-le", "-le": "-lt", "-gt": "-ge", "-ge": "-gt",
}  # fmt: skip
_OPERATIONS = frozenset(
    (
        *("binary_expression", "binary_operator", "comparison_operator", "boolean_operator"),
        *("list", "update_expression", "postfix_expression", "unary_expression"),
        *("inc_statement", "dec_statement", "augmented_assignment", "assignment_statement"),
        *("augmented_assignment_expression", "assignment_expression", "compound_assignment_expr"),
    )
)
_ONE_SIDED = frozenset(("unary_expression", "postfix_expression"))
_TRUTHS = {"true": "false", "false": "true", "True": "False", "False": "True"}
_TRUTH_NODES = frozenset(("true", "false", "boolean_literal"))
_INTEGERS = frozenset(
    (
        *("integer", "number", "int_literal", "integer_literal", "decimal_integer_literal"),
        "number_literal",
    )
)
_INTEGER = re.compile(r"[0-9]{1,15}")
_RETURNS = frozenset(("return_statement", "return_expression"))
_STATEMENTS = frozenset(("expression_statement", "assignment_statement", "command"))
_WITHOUT = {"python": "pass", "bash": ":", "go": ""}
_IFS = frozenset(("if_statement", "if_expression"))
_LONGEST = 30


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault.

    Attributes:
        title: what it is and where: "line 3: < becomes <=".
        range: what is replaced, over the text that it was made for.
        text: what stands there instead.
    """

    title: str
    range: Range
    text: str

    def over(self, draft: Draft, uri: str) -> Draft:
        """The draft with the fault in; it must hold the text that the mutant was made for."""
        return draft.edit(uri, self.range, self.text)


@dataclass(frozen=True, slots=True)
class _Change:
    """Bytes to replace, and by what; `title` without the line."""

    start: int
    end: int
    text: str
    title: str


def mutants_of(
    text: Text, language: Language, place: Range, most: int = MOST
) -> tuple[Mutant, ...]:
    """Up to `most` mutants of the code at a place, spread over it; the same ones each time.

    Every one parses as well as the text itself does. Parses often: call it off the loop.
    """
    source = Source(text)
    start, end = source.byte(place.start), source.byte(place.end)
    root = source.parse(language).root_node
    changes = sorted(
        set(_changes(root, source, language.name, start, end)),
        key=lambda change: (change.start, change.end, change.text),
    )
    faults = len(syntax_errors(text, language))
    found: list[Mutant] = []
    for change in _spread(changes):
        mutant = _mutant(change, source)
        if len(found) == most:
            break
        if len(syntax_errors(_applied(text, mutant), language)) <= faults:
            found.append(mutant)
    return tuple(sorted(found, key=lambda each: (each.range.start, each.range.end, each.text)))


def _applied(text: Text, mutant: Mutant) -> Text:
    start, end = text.offset(mutant.range.start), text.offset(mutant.range.end)
    return Text(apply_hunks(text.value, [Hunk(start, end, mutant.text)]))


def _mutant(change: _Change, source: Source) -> Mutant:
    place = source.text.range(
        len(source.data[: change.start].decode("utf-8", "surrogatepass")),
        len(source.data[: change.end].decode("utf-8", "surrogatepass")),
    )
    return Mutant(f"line {place.start.line + 1}: {change.title}", place, change.text)


def _spread(changes: Sequence[_Change]) -> Iterator[_Change]:
    """All of them, in an order of which every beginning is spread over the whole.

    The multiples of the golden section fall evenly into an interval, however many are taken.
    """
    waiting = list(changes)
    at = 0.5
    while waiting:
        yield waiting.pop(int(at * len(waiting)))
        at = (at + 0.6180339887498949) % 1.0


def _changes(
    root: tree_sitter.Node, source: Source, language: str, start: int, end: int
) -> Iterator[_Change]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.end_byte <= start or node.start_byte >= end:
            continue
        waiting += node.children
        for change in _of(node, source, language):
            if start <= change.start and change.end <= end:
                yield change


def _of(node: tree_sitter.Node, source: Source, language: str) -> Iterator[_Change]:
    """What can be changed at one node."""
    said = source.of(node)
    if not node.is_named or node.type == "test_operator":
        yield from _operator(node, said)
    elif node.type in _TRUTH_NODES and said in _TRUTHS:
        yield _replaced(node, said, _TRUTHS[said])
    elif node.type in _INTEGERS and _INTEGER.fullmatch(said):
        yield _replaced(node, said, str(int(said) + 1))
        if int(said):
            yield _replaced(node, said, str(int(said) - 1))
    elif node.type in _RETURNS:
        yield from _returned(node, source, language)
    elif node.type in _IFS:
        yield from _negated(node, source, language)
    elif node.type in _STATEMENTS:
        yield from _deleted(node, said, language)


def _operator(node: tree_sitter.Node, said: str) -> Iterator[_Change]:
    parent = node.parent
    if said not in _SWAPPED or parent is None:
        return
    two_sided = parent.type not in _ONE_SIDED or said in ("++", "--")
    if node.is_named or (parent.type in _OPERATIONS and two_sided):
        yield _replaced(node, said, _SWAPPED[said])


def _returned(node: tree_sitter.Node, source: Source, language: str) -> Iterator[_Change]:
    if len(node.named_children) != 1:
        return
    value = node.named_children[0]
    neutral = neutral_value(node, source, language)
    if neutral is not None and source.of(value) != neutral:
        yield _replaced(value, source.of(value), neutral)


def _negated(node: tree_sitter.Node, source: Source, language: str) -> Iterator[_Change]:
    condition = node.child_by_field_name("condition")
    if condition is None or condition.type.startswith("let_"):
        return
    if condition.type in ("parenthesized_expression", "condition_clause"):
        if len(condition.named_children) != 1:
            return
        condition = condition.named_children[0]
    said = source.of(condition)
    if language == "bash":
        negated = f"! {said}"
    else:
        negated = f"not ({said})" if language == "python" else f"!({said})"
    title = f"the condition {_short(said)} is negated"
    yield _Change(condition.start_byte, condition.end_byte, negated, title)


def _deleted(node: tree_sitter.Node, said: str, language: str) -> Iterator[_Change]:
    # Without a first assignment Python has no such name: any test at all would notice that.
    alone = node.named_children[0] if len(node.named_children) == 1 else None
    if alone is not None and (
        _defines(alone)
        or alone.type in ("string", "concatenated_string", "ellipsis", "assignment")
        or alone.type in _RETURNS | _IFS
        or "block" in alone.type
    ):
        return
    if said not in ("", _WITHOUT.get(language, ";")):
        without = _WITHOUT.get(language, ";")
        yield _Change(node.start_byte, node.end_byte, without, f"{_short(said)} is left out")


def _defines(node: tree_sitter.Node) -> bool:
    """Whether it gives a name to a function or a class (`exports.f = () => …`)."""
    value = node.child_by_field_name("right")
    return value is not None and any(word in value.type for word in ("function", "class"))


def _replaced(node: tree_sitter.Node, old: str, new: str) -> _Change:
    return _Change(node.start_byte, node.end_byte, new, f"{_short(old)} becomes {new}")


def _short(said: str) -> str:
    line = said.partition("\n")[0]
    return line if len(line) <= _LONGEST and line == said else f"{line[: _LONGEST - 1]}…"
