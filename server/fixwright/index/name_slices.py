"""The slice of a selection in a language without a dataflow analysis of its own: by names.

From the names that the selection uses to the declarations that bind them, from the innermost scope
outwards, and on from those: a closure. Every declaration of a name is taken, since methods,
prototypes and overloads belong together. What binds and what uses a name is said in the table
`slices` of the language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from fixwright.index.imports import imports_of
from fixwright.index.slice_plan import Plan, overlapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import tree_sitter

    from fixwright.index.languages import Language
    from fixwright.index.languages.rules import SliceRules
    from fixwright.index.source import Source

_WORD = re.compile(r"[^\W\d]\w*")


def analyse(
    root: tree_sitter.Node, source: Source, first: int, last: int, language: Language
) -> Plan:
    """Plans the run of the bytes [first, last)."""
    rules = language.slice_rules
    assert rules is not None
    names = _Names(source, language, rules)
    block = _block(root, first, last, rules)
    selected = overlapping(block.named_children, first, last, rules.not_statements)
    if not selected:
        return Plan()
    levels = _levels(selected[0], names, rules)
    search = _Search(levels, names)
    own = {statement.id for statement in selected}
    bound = {name for statement in selected for name in names.bound_by(statement)}
    for statement in selected:
        search.want(names.used_in(statement) - bound, len(levels) - 1)
    for level in levels:
        for statement in level.statements:
            if statement.type in rules.always or names.binds_anything(statement):
                search.chosen.setdefault(statement.id, statement)
    search.run()
    chunks = [
        statement
        for level in levels
        for statement in level.statements
        if statement.id in search.chosen and statement.id not in own
    ]
    return Plan(chunks=chunks, selected=selected, missing=frozenset(search.missing))


@dataclass
class _Level:
    """One list of statements around the selection.

    Attributes:
        statements: those that the selection may need.
        hidden: names of the scopes around the list that no statement binds: parameters.
    """

    statements: list[tree_sitter.Node]
    hidden: set[str]
    by_name: Mapping[str, list[tree_sitter.Node]] = field(
        default_factory=dict[str, "list[tree_sitter.Node]"]
    )


@dataclass
class _Search:
    """The closure over what names need."""

    levels: Sequence[_Level]
    names: _Names
    chosen: dict[int, tree_sitter.Node] = field(default_factory=dict[int, "tree_sitter.Node"])
    missing: set[str] = field(default_factory=set[str])
    _seen: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    _pending: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    def want(self, names: Iterable[str], level: int) -> None:
        """Asks for names as they are seen from a level."""
        for name in names:
            if (name, level) not in self._seen:
                self._seen.add((name, level))
                self._pending.append((name, level))

    def run(self) -> None:
        while self._pending:
            name, level = self._pending.pop()
            for number in range(level, -1, -1):
                binding = self.levels[number].by_name.get(name)
                if binding:
                    for statement in binding:
                        if statement.id not in self.chosen:
                            self.chosen[statement.id] = statement
                            self.want(self.names.used_in(statement), number)
                    break
                if name in self.levels[number].hidden:
                    self.missing.add(name)
                    break


def _block(root: tree_sitter.Node, first: int, last: int, rules: SliceRules) -> tree_sitter.Node:
    """The innermost list of statements that holds all of [first, last)."""
    node = root.descendant_for_byte_range(first, last)
    while node is not None and node.parent is not None:
        inside = node.start_byte < first or not node.children or node.children[0].is_named
        if node.type in rules.blocks and inside and node.start_byte <= first:
            return node
        node = node.parent
    return root


def _levels(selected: tree_sitter.Node, names: _Names, rules: SliceRules) -> list[_Level]:
    """The lists of statements around the selection, outermost first."""
    path: list[tree_sitter.Node] = [selected]
    while path[-1].parent is not None:
        path.append(path[-1].parent)
    in_function = any(node.type in rules.functions for node in path[1:])
    levels: list[_Level] = []
    hidden: set[str] = set()
    for child, node in zip(path[-2::-1], path[:0:-1], strict=True):
        if node.type in rules.blocks or node.parent is None:
            is_open = node.parent is None or node.type in rules.open_blocks
            whole = is_open and (in_function or rules.hoisted)
            statements = list(_visible(node, child, rules, whole=whole))
            by_name: dict[str, list[tree_sitter.Node]] = {}
            for statement in statements:
                for name in names.bound_by(statement):
                    by_name.setdefault(name, []).append(statement)
            levels.append(_Level(statements, hidden, by_name))
            hidden = set()
        elif node.type in rules.scopes:
            hidden |= names.header_of(node, child)
    if hidden and levels:
        levels.append(_Level([], hidden))
    return levels


def _visible(
    block: tree_sitter.Node, inside: tree_sitter.Node, rules: SliceRules, *, whole: bool
) -> Iterator[tree_sitter.Node]:
    """The statements of a list that one of them, `inside`, may need."""
    before = True
    for statement in block.named_children:
        if statement.id == inside.id:
            before = False
            if not whole:
                continue
        if statement.type not in rules.declarations:
            continue
        if before or whole or statement.type in rules.functions:
            yield statement


class _Names:
    """What the statements of one file bind and use."""

    def __init__(self, source: Source, language: Language, rules: SliceRules) -> None:
        self._source = source
        self._language = language
        self._rules = rules
        self._table = _table(language)
        self._bound: dict[int, frozenset[str]] = {}
        self._used: dict[int, frozenset[str]] = {}

    def binds_anything(self, statement: tree_sitter.Node) -> bool:
        """Whether a statement imports names that it does not name."""
        if not self._is_import(statement) or self.bound_by(statement):
            return False
        kinds = {each.kind for each in imports_of([statement], self._source, self._language)}
        return "export" not in kinds

    def bound_by(self, statement: tree_sitter.Node) -> frozenset[str]:
        """The names that a statement binds for those around it."""
        if statement.id not in self._bound:
            self._bound[statement.id] = frozenset(self._bindings(statement, into_scope=False))
        return self._bound[statement.id]

    def header_of(self, scope: tree_sitter.Node, inner: tree_sitter.Node) -> set[str]:
        """The names that a function or a loop gives to the code in its body."""
        found: set[str] = (
            set(self._own(scope)) if scope.type not in self._rules.functions else set()
        )
        for child in scope.named_children:
            if child.id != inner.id:
                found |= self._bindings(child, into_scope=True)
        return found

    def used_in(self, statement: tree_sitter.Node) -> frozenset[str]:
        """The names that a statement takes from around it."""
        if statement.id not in self._used:
            self._used[statement.id] = frozenset(self._uses(statement))
        return self._used[statement.id]

    def _uses(self, statement: tree_sitter.Node) -> Iterator[str]:
        rules = self._rules
        pending: list[tuple[tree_sitter.Node, frozenset[str]]] = [(statement, frozenset())]
        while pending:
            node, local = pending.pop()
            if node.type in rules.uses:
                for name in _WORD.findall(self._source.of(node)):
                    if name not in local:
                        yield name
                continue
            if node.type in rules.uses_in:
                yield from re.findall(rules.uses_in[node.type], self._source.of(node))
            if node.type in rules.scopes:
                inner: set[str] = set()
                for child in node.named_children:
                    inner |= self._bindings(child, into_scope=False)
                if node.type not in rules.functions:
                    inner |= set(self._own(node))
                local = local | inner
            pending.extend((child, local) for child in node.named_children)

    def _bindings(self, statement: tree_sitter.Node, *, into_scope: bool) -> set[str]:
        """The names bound in a node, not looking into scopes inside of it."""
        found: set[str] = set()
        pending = [statement]
        rules = self._rules
        while pending:
            node = pending.pop()
            if self._is_import(node):
                found |= self._imported(node)
                continue
            found.update(self._own(node))
            if node.type not in rules.scopes or (into_scope and node.id == statement.id):
                pending.extend(node.named_children)
        return found

    def _is_import(self, node: tree_sitter.Node) -> bool:
        needs = self._language.symbol_rules.imports.get(node.type)
        if not needs:
            return needs is not None
        return (node.child_by_field_name(needs.lstrip("!")) is None) == needs.startswith("!")

    def _imported(self, node: tree_sitter.Node) -> set[str]:
        found: set[str] = set()
        for each in imports_of([node], self._source, self._language):
            if each.name == "*" or each.kind in {"include", "system", "export"}:
                continue
            last = _WORD.findall(each.module.rpartition("/")[2])
            found |= {each.bound} if each.bound else {*last, *_WORD.findall(each.module)[-2:]}
        return found

    def _own(self, node: tree_sitter.Node) -> Iterator[str]:
        """The names that this very node binds."""
        field = self._rules.bindings.get(node.type)
        if field is None:
            return
        if node.type in self._table.needs_body and node.child_by_field_name("body") is None:
            return
        targets = node.children_by_field_name(field) if field else [node]
        pending = [(target, target.id == node.id) for target in targets]
        table = self._table
        while pending:
            target, is_self = pending.pop()
            if target.type in table.leaves:
                yield self._source.of(target)
            elif target.type in table.patterns or is_self:
                pending.extend((child, False) for child in target.named_children)
            elif target.type in table.through:
                qualifier = table.qualifiers.get(target.type)
                owner = target.child_by_field_name(qualifier) if qualifier else None
                if owner is not None:
                    yield from _WORD.findall(self._source.of(owner))
                to = table.through[target.type]
                part = target.child_by_field_name(to) if to else None
                if part is None and not to and target.named_child_count:
                    part = target.named_children[0]
                if part is not None:
                    pending.append((part, False))


@dataclass(frozen=True)
class _Table:
    leaves: frozenset[str]
    patterns: frozenset[str]
    through: Mapping[str, str]
    qualifiers: Mapping[str, str]
    needs_body: frozenset[str]


@lru_cache(maxsize=64)
def _table(language: Language) -> _Table:
    symbols, slices = language.symbol_rules, language.slice_rules
    assert slices is not None
    return _Table(
        leaves=symbols.leaves | slices.uses,
        patterns=symbols.patterns | slices.patterns,
        through={**symbols.through, **slices.through},
        qualifiers=symbols.qualifiers if language.name == "cpp" else {},
        needs_body=frozenset(rule.node for rule in symbols.definitions if rule.needs_body),
    )
