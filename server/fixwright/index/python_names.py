"""What a Python statement binds and uses, by Python's scoping rules.

Where a branch decides, "binds" is what may happen and "certain" what must: a slice then rather
takes an earlier definition too many than one too few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixwright.index.dataflow import Names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import tree_sitter

    from fixwright.index.source import Source

# Methods that change their object: `xs.append(1)` belongs to the value of `xs` as much as an
# assignment does.
MUTATORS = frozenset({
    "add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert", "pop",
    "popleft", "remove", "reverse", "setdefault", "sort", "update",
})  # fmt: skip

_TARGET_GROUPS = frozenset({
    "pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern", "tuple", "list",
    "expression_list", "list_splat", "parenthesized_expression", "as_pattern_target",
})  # fmt: skip
_COMPREHENSIONS = (
    "list_comprehension",
    "set_comprehension",
    "dictionary_comprehension",
    "generator_expression",
)


def names_of(statements: Iterable[tree_sitter.Node], source: Source) -> Names:
    """What the statements together bind and use, run in order."""
    scan = _Scan(source)
    for statement in statements:
        scan.visit(statement)
    return scan.names()


def header_binds(node: tree_sitter.Node, source: Source) -> set[str]:
    """The names that a compound statement gives to the code in its body.

    For a function those are its parameters and all its local names; for a loop its targets.
    """
    scan = _Scan(source)
    if node.type == "function_definition":
        return scan.function_locals(node)
    if node.type == "for_statement":
        left = node.child_by_field_name("left")
        if left is not None:
            scan.bind_target(left)
    elif node.type in {"with_statement", "except_clause", "case_clause"}:
        for child in node.children:
            if child.type != "block":
                scan.visit(child)
    return scan.binds


def is_main_guard(node: tree_sitter.Node, source: Source) -> bool:
    """Whether a statement is `if __name__ == "__main__":`."""
    if node.type != "if_statement":
        return False
    condition = node.child_by_field_name("condition")
    return condition is not None and "__name__" in source.of(condition)


def leaves_function(node: tree_sitter.Node) -> bool:
    """Whether a statement cannot stand outside its function: it returns or yields."""
    pending = [node]
    while pending:
        part = pending.pop()
        if part.type in {"return_statement", "yield", "nonlocal_statement"}:
            return True
        if part.type not in {"function_definition", "lambda"}:
            pending.extend(part.children)
    return False


class _Scan:
    """Reads statements in the order in which they run; one scope."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.binds: set[str] = set()
        self.mutates: set[str] = set()
        self.uses: set[str] = set()
        self.deferred: set[str] = set()
        self.globals: set[str] = set()
        self.outer: set[str] = set()
        self._bound: set[str] = set()
        self._anything = False
        self._always = False
        self._special: dict[str, Callable[[tree_sitter.Node], None]] = {
            "identifier": self._identifier,
            "assignment": self._assignment,
            "augmented_assignment": self._augmented,
            "named_expression": self._walrus,
            "expression_statement": self._expression_statement,
            "import_statement": self._import,
            "import_from_statement": self._import,
            "future_import_statement": self._future,
            "function_definition": self._function,
            "class_definition": self._class,
            "lambda": self._lambda,
            "if_statement": self._if,
            "for_statement": self._for,
            "while_statement": self._while,
            "try_statement": self._try,
            "with_statement": self._with,
            "match_statement": self._match,
            "case_clause": self._case,
            "except_clause": self._except,
            "as_pattern": self._as_pattern,
            "case_pattern": self._case_pattern,
            "delete_statement": self._delete,
            "global_statement": self._global,
            "nonlocal_statement": self._nonlocal,
            "type_alias_statement": self._type_alias,
        } | dict.fromkeys(_COMPREHENSIONS, self._comprehension)

    def names(self) -> Names:
        changed = self.mutates - self.binds
        return Names(
            binds=self.binds | changed,
            certain=self._bound - self.mutates,
            uses=self.uses,
            deferred=self.deferred,
            anything=self._anything,
            always=self._always,
        )

    def visit(self, node: tree_sitter.Node | None) -> None:
        """Reads an expression or statement; plain nesting on a stack: `a + b + c …` is deep."""
        pending = [] if node is None else [node]
        while pending:
            part = pending.pop()
            kind = part.type
            special = self._special.get(kind)
            if special is not None:
                special(part)
            elif kind == "attribute":
                value = part.child_by_field_name("object")
                if value is not None:
                    pending.append(value)
            elif kind in {"keyword_argument", "keyword_pattern"}:
                pending.extend(reversed(part.named_children[1:]))
            else:
                pending.extend(reversed(part.named_children))

    def _visit_all(self, nodes: Iterable[tree_sitter.Node]) -> None:
        for node in nodes:
            self.visit(node)

    # names

    def _identifier(self, node: tree_sitter.Node) -> None:
        name = self._source.of(node)
        if name not in self._bound:
            self.uses.add(name)

    def _bind(self, name: str) -> None:
        self.binds.add(name)
        self._bound.add(name)

    def bind_target(self, node: tree_sitter.Node) -> None:
        """Binds what an assignment's target names; `x.y = …` and `x[i] = …` change `x`."""
        if node.type == "identifier":
            self._bind(self._source.of(node))
        elif node.type in _TARGET_GROUPS:
            for child in node.named_children:
                self.bind_target(child)
        else:
            self.visit(node)
            self._mutate(node)

    def _mutate(self, target: tree_sitter.Node) -> None:
        base: tree_sitter.Node | None = target
        while base is not None and base.type in {"attribute", "subscript"}:
            base = base.child_by_field_name("object" if base.type == "attribute" else "value")
        if base is not None and base.type == "identifier":
            self.mutates.add(self._source.of(base))

    # statements

    def _assignment(self, node: tree_sitter.Node) -> None:
        right = node.child_by_field_name("right")
        self.visit(right)
        self.visit(node.child_by_field_name("type"))
        left = node.child_by_field_name("left")
        if left is not None and right is not None:
            self.bind_target(left)

    def _augmented(self, node: tree_sitter.Node) -> None:
        left = node.child_by_field_name("left")
        self.visit(left)
        self.visit(node.child_by_field_name("right"))
        if left is not None and left.type == "identifier":
            self._bind(self._source.of(left))
        elif left is not None:
            self._mutate(left)

    def _walrus(self, node: tree_sitter.Node) -> None:
        self.visit(node.child_by_field_name("value"))
        name = node.child_by_field_name("name")
        if name is not None:
            self._bind(self._source.of(name))

    def _expression_statement(self, node: tree_sitter.Node) -> None:
        for child in node.named_children:
            self.visit(child)
            function = child.child_by_field_name("function") if child.type == "call" else None
            if function is None or function.type != "attribute":
                continue
            method = function.child_by_field_name("attribute")
            if method is not None and self._source.of(method) in MUTATORS:
                self._mutate(function)

    def _import(self, node: tree_sitter.Node) -> None:
        for name in node.children_by_field_name("name"):
            alias = name.child_by_field_name("alias")
            if alias is not None:
                self._bind(self._source.of(alias))
            elif name.named_children:
                self._bind(self._source.of(name.named_children[0]))
        if any(child.type == "wildcard_import" for child in node.children):
            self._anything = True

    def _future(self, _node: tree_sitter.Node) -> None:
        self._always = True

    def _delete(self, node: tree_sitter.Node) -> None:
        self._visit_all(node.named_children)
        for target in node.named_children:
            targets = target.named_children if target.type == "expression_list" else [target]
            for name in targets:
                if name.type == "identifier":
                    self.binds.add(self._source.of(name))
                    self._bound.discard(self._source.of(name))
                else:
                    self._mutate(name)

    def _global(self, node: tree_sitter.Node) -> None:
        self.globals |= {self._source.of(name) for name in node.named_children}

    def _nonlocal(self, node: tree_sitter.Node) -> None:
        self.outer |= {self._source.of(name) for name in node.named_children}

    def _type_alias(self, node: tree_sitter.Node) -> None:
        left = node.child_by_field_name("left")
        self.visit(node.child_by_field_name("right"))
        while left is not None and left.type != "identifier":
            left = left.named_children[0] if left.named_children else None
        if left is not None:
            self._bind(self._source.of(left))

    # scopes

    def _function(self, node: tree_sitter.Node) -> None:
        parameters = node.child_by_field_name("parameters")
        if parameters is not None:
            self._defaults(parameters)
        self.visit(node.child_by_field_name("return_type"))
        self.deferred |= self._free_names(node)
        name = node.child_by_field_name("name")
        if name is not None:
            self._bind(self._source.of(name))

    def _lambda(self, node: tree_sitter.Node) -> None:
        parameters = node.child_by_field_name("parameters")
        if parameters is not None:
            self._defaults(parameters)
        free = self._free_names(node)
        self.deferred |= free
        self.uses |= free - self._bound

    def _defaults(self, parameters: tree_sitter.Node) -> None:
        for parameter in parameters.named_children:
            self.visit(parameter.child_by_field_name("value"))
            self.visit(parameter.child_by_field_name("type"))

    def _free_names(self, node: tree_sitter.Node) -> set[str]:
        inner = _Scan(self._source)
        inner.visit(node.child_by_field_name("body"))
        local = (inner.binds | self._parameters(node)) - inner.globals - inner.outer
        return ((inner.uses | inner.deferred | inner.mutates) - local) | inner.globals

    def function_locals(self, node: tree_sitter.Node) -> set[str]:
        """A function's parameters and all names that its body binds."""
        inner = _Scan(self._source)
        inner.visit(node.child_by_field_name("body"))
        return (inner.binds | self._parameters(node)) - inner.globals

    def _parameters(self, node: tree_sitter.Node) -> set[str]:
        names: set[str] = set()
        parameters = node.child_by_field_name("parameters")
        for parameter in parameters.named_children if parameters is not None else ():
            name = parameter.child_by_field_name("name") or parameter
            while name.type != "identifier" and name.named_children:
                name = name.named_children[0]
            if name.type == "identifier":
                names.add(self._source.of(name))
        generics = node.child_by_field_name("type_parameters")
        for generic in generics.named_children if generics is not None else ():
            first = generic
            while first.type != "identifier" and first.named_children:
                first = first.named_children[0]
            names.add(self._source.of(first))
        return names

    def _class(self, node: tree_sitter.Node) -> None:
        self.visit(node.child_by_field_name("superclasses"))
        generics = node.child_by_field_name("type_parameters")
        body = _Scan(self._source)
        body._bound = set(self._bound)
        body.visit(node.child_by_field_name("body"))
        own = self._parameters(node) if generics is not None else set[str]()
        self.uses |= body.uses - own
        self.deferred |= (body.deferred | body.mutates) - own
        name = node.child_by_field_name("name")
        if name is not None:
            self._bind(self._source.of(name))

    def _comprehension(self, node: tree_sitter.Node) -> None:
        inner = _Scan(self._source)
        inner._bound = set(self._bound)
        targets: set[str] = set()
        for clause in node.named_children:
            if clause.type == "for_in_clause":
                inner.visit(clause.child_by_field_name("right"))
                left = clause.child_by_field_name("left")
                if left is not None:
                    target = _Scan(self._source)
                    target.bind_target(left)
                    targets |= target.binds
                    inner._bound |= target.binds
            elif clause.type == "if_clause":
                inner.visit(clause)
        inner.visit(node.child_by_field_name("body"))
        self.uses |= inner.uses
        self.deferred |= inner.deferred - targets
        # A walrus inside binds the name outside.
        self.binds |= inner.binds

    # branches

    def _branch(self, nodes: Iterable[tree_sitter.Node], *, start: set[str]) -> set[str]:
        """Reads a branch that starts with these names bound; gives those bound at its end."""
        self._bound = set(start)
        self._visit_all(nodes)
        return self._bound

    def _if(self, node: tree_sitter.Node) -> None:
        self.visit(node.child_by_field_name("condition"))
        start = set(self._bound)
        consequence = node.child_by_field_name("consequence")
        ends = [self._branch([consequence] if consequence is not None else [], start=start)]
        has_else = False
        for clause in node.children_by_field_name("alternative"):
            ends.append(self._branch(clause.named_children, start=start))
            has_else = has_else or clause.type == "else_clause"
        self._bound = _in_all(ends) if has_else else start

    def _for(self, node: tree_sitter.Node) -> None:
        self.visit(node.child_by_field_name("right"))
        start = set(self._bound)
        left = node.child_by_field_name("left")
        if left is not None:
            self.bind_target(left)
        self._visit_all(node.children_by_field_name("body"))
        self._branch(node.children_by_field_name("alternative"), start=start)
        self._bound = start

    def _while(self, node: tree_sitter.Node) -> None:
        self.visit(node.child_by_field_name("condition"))
        start = set(self._bound)
        self._branch(node.children_by_field_name("body"), start=start)
        self._branch(node.children_by_field_name("alternative"), start=start)
        self._bound = start

    def _try(self, node: tree_sitter.Node) -> None:
        start = set(self._bound)
        ends = [self._branch(node.children_by_field_name("body"), start=start)]
        last: list[tree_sitter.Node] = []
        for clause in node.named_children:
            if clause.type == "else_clause":
                ends[0] = self._branch(clause.named_children, start=ends[0])
            elif clause.type == "finally_clause":
                last = clause.named_children
            elif clause.type.startswith("except"):
                ends.append(self._branch([clause], start=start))
        certain = _in_all(ends)
        finished = self._branch(last, start=start)
        self._bound = certain | finished

    def _except(self, node: tree_sitter.Node) -> None:
        for child in node.named_children:
            self.visit(child)
        value = node.child_by_field_name("value")
        if value is not None and value.type == "as_pattern":
            # Python unbinds the exception's name at the clause's end.
            target = value.child_by_field_name("alias")
            if target is not None:
                self._bound.discard(self._source.of(target))

    def _with(self, node: tree_sitter.Node) -> None:
        for child in node.named_children:
            if child.type == "with_clause":
                self.visit(child)
        start = set(self._bound)
        # The context manager may swallow an exception, so nothing in the body is certain.
        self._branch(node.children_by_field_name("body"), start=start)
        self._bound = start

    def _as_pattern(self, node: tree_sitter.Node) -> None:
        *values, last = node.named_children
        self._visit_all(values)
        self.bind_target(last)

    def _match(self, node: tree_sitter.Node) -> None:
        self._visit_all(node.children_by_field_name("subject"))
        start = set(self._bound)
        body = node.child_by_field_name("body")
        for case in body.named_children if body is not None else ():
            self._branch([case], start=start)
        self._bound = start

    def _case(self, node: tree_sitter.Node) -> None:
        self._visit_all(node.named_children)

    def _case_pattern(self, node: tree_sitter.Node) -> None:
        for part in node.named_children:
            self._pattern(part)

    def _pattern(self, node: tree_sitter.Node) -> None:
        children = node.named_children
        if node.type == "dotted_name":
            if len(children) == 1:
                self._bind(self._source.of(children[0]))
            else:
                self.visit(children[0])
        elif node.type == "class_pattern":
            self.visit(children[0].named_children[0])
            for child in children[1:]:
                self._pattern(child)
        elif node.type == "keyword_pattern":
            for child in children[1:]:
                self._pattern(child)
        elif node.type == "identifier":
            self._bind(self._source.of(node))
        else:
            for child in children:
                self._pattern(child)


def _in_all(sets: list[set[str]]) -> set[str]:
    common = set(sets[0])
    for each in sets[1:]:
        common &= each
    return common
