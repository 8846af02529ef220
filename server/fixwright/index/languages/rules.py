"""The rules of a `language.toml` in types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Inside = Literal["members", "everything", "definitions", "nothing"]
"""What is looked for inside of a definition.

"members": everything, with the kinds that it has in a class; "everything": all that the top of a
file may define; "definitions": functions and classes, no variables; "nothing".
"""


@dataclass(frozen=True, slots=True)
class DefinitionRule:
    """A node kind that defines names, and what is looked for in its inside.

    Attributes:
        node: the kind of node.
        kind: what it defines. "": only where `values` says a kind.
        member_kind: what it defines inside of a class.
        name: the field with the name or names, "" for the node itself, None for a scope without a
            name of its own, whose definitions belong to what is around it.
        several: whether that field can stand several times.
        inside: what is looked for inside.
        body: the field that is its inside.
        needs_body: whether it defines nothing without that field (C's `struct s x;`).
        detail: the field that follows the name in an outline.
        upper: the kind of a variable whose name is in capitals. Variables inside of functions are
            left out.
        then: the field in which another node of this kind may follow (`a = b = 1`).
        value: the field with the value.
        values: what it defines, by the kind of the value's node. The value is then its inside.
        functional: what it defines where the name's declarator is that of a function.
        beside: the field with a type that may be defined on the way (`struct s {…} x;`).
        receiver: the field with the type that it belongs to (Go).
        prefix: what its signature begins with though it stands outside of the node (Go's `type`).
        import_prefix: where the value begins with this text, it is an import too.
    """

    node: str
    kind: str
    member_kind: str
    name: str | None
    several: bool = False
    inside: Inside = "nothing"
    body: str = "body"
    needs_body: bool = False
    detail: str | None = None
    upper: str | None = None
    then: str | None = None
    value: str | None = None
    values: Mapping[str, str] = field(default_factory=dict[str, str])
    functional: str | None = None
    beside: str | None = None
    receiver: str | None = None
    prefix: str = ""
    import_prefix: str | None = None


@dataclass(frozen=True)
class SymbolRules:
    """How to walk a tree for its definitions without visiting the inside of statements.

    Attributes:
        descend: kinds that are walked through.
        wrappers: those of them whose range is that of the definition in them.
        expressions: those of them that hold a definition only where one of the `nested` words is.
        imports: kinds that import, at the top of a file, and the field that such a node then has;
            with "!", does not have.
        import_words: what the text of such a node begins with; anything if empty.
        nested: words without which the body of a function holds no definition.
        leaves: kinds of nodes that are names.
        patterns: kinds that hold several names.
        through: from a declarator to the name in it: its kind, and the field or "" for its first
            child.
        qualifiers: kinds that qualify a name, and the field with the qualifier.
        functions: kinds of declarators of functions.
        ignored_qualifiers: parts of a qualifier that own nothing.
        definitions: what defines.
    """

    descend: frozenset[str]
    wrappers: frozenset[str]
    expressions: frozenset[str]
    imports: Mapping[str, str]
    import_words: tuple[str, ...]
    nested: tuple[str, ...]
    leaves: frozenset[str]
    patterns: frozenset[str]
    through: Mapping[str, str]
    qualifiers: Mapping[str, str]
    functions: frozenset[str]
    ignored_qualifiers: frozenset[str]
    definitions: tuple[DefinitionRule, ...]


def symbol_rules(data: Mapping[str, object]) -> SymbolRules:
    """The rules in the table `symbols` of a language.

    Raises:
        TypeError: a definition has a key that no rule has, or lacks one.
    """

    def names(key: str) -> frozenset[str]:
        return frozenset(cast("list[str]", data.get(key, [])))

    def mapping(key: str) -> Mapping[str, str]:
        return cast("Mapping[str, str]", data.get(key, {}))

    return SymbolRules(
        descend=names("descend"),
        wrappers=names("wrappers"),
        expressions=names("expressions"),
        imports=mapping("imports"),
        import_words=tuple(cast("list[str]", data.get("import_words", []))),
        nested=tuple(cast("list[str]", data.get("nested", []))),
        leaves=names("leaves"),
        patterns=names("patterns"),
        through=mapping("through"),
        qualifiers=mapping("qualifiers"),
        functions=names("functions"),
        ignored_qualifiers=names("ignored_qualifiers"),
        definitions=tuple(
            _definition(rule)
            for rule in cast("list[Mapping[str, object]]", data.get("definitions", []))
        ),
    )


def _definition(data: Mapping[str, object]) -> DefinitionRule:
    kind = data.get("kind", "")
    make = cast("Callable[..., DefinitionRule]", DefinitionRule)
    return make(**{"member_kind": kind, "name": None, **data, "kind": kind})


@dataclass(frozen=True, slots=True)
class LexerRules:
    """Enough of a language's lexical grammar to find the identifiers of a text without a tree.

    Attributes:
        skip: regular expressions of comments, strings and whatever else holds no identifiers. Each
            begins with one literal character.
        letters: what an identifier may begin with besides letters and "_".
        inner_letters: what it may go on with besides letters, digits and "_".
        keywords: words that are none.
    """

    skip: tuple[str, ...]
    letters: str
    inner_letters: str
    keywords: frozenset[str]


def lexer_rules(data: Mapping[str, object] | None) -> LexerRules | None:
    """The rules in the table `lexer` of a language; None without it."""
    if data is None:
        return None
    return LexerRules(
        skip=tuple(cast("list[str]", data["skip"])),
        letters=cast("str", data.get("letters", "")),
        inner_letters=cast("str", data.get("inner_letters", "")),
        keywords=frozenset(cast("str", data["keywords"]).split()),
    )


@dataclass(frozen=True, slots=True)
class SliceRules:
    """What the slices of a language that has no analysis of its own are made of.

    Attributes:
        blocks: kinds of nodes that are lists of statements or members.
        open_blocks: those of them whose members see each other wherever they stand.
        functions: kinds of nodes that run when they are called.
        scopes: kinds of nodes whose declarations are not seen outside.
        declarations: kinds of statements that can bind names for others.
        uses: kinds of nodes whose text uses names.
        uses_in: kinds of nodes in whose text a regular expression finds names (format strings).
        bindings: kinds of nodes that bind names, and the field with them, "" for its children.
        patterns: kinds that hold several names, besides those of the symbols.
        through: from a target to the name in it, besides those of the symbols.
        attached: kinds of nodes before a statement that belong to it.
        not_statements: kinds of nodes in a block that are none, besides comments.
        always: kinds of statements that every selection needs.
        hoisted: whether statements at the top see all others, and not only those above.
    """

    blocks: frozenset[str]
    open_blocks: frozenset[str]
    functions: frozenset[str]
    scopes: frozenset[str]
    declarations: frozenset[str]
    uses: frozenset[str]
    uses_in: Mapping[str, str]
    bindings: Mapping[str, str]
    patterns: frozenset[str]
    through: Mapping[str, str]
    attached: frozenset[str]
    not_statements: frozenset[str]
    always: frozenset[str]
    hoisted: bool


_COMMENTS = frozenset({"comment", "line_comment", "block_comment"})


def slice_rules(data: Mapping[str, object] | None) -> SliceRules | None:
    """The rules in the table `slices` of a language; None without it."""
    if data is None:
        return None

    def names(key: str) -> frozenset[str]:
        return frozenset(cast("list[str]", data.get(key, [])))

    return SliceRules(
        blocks=names("blocks"),
        open_blocks=names("open_blocks"),
        functions=names("functions"),
        scopes=names("scopes"),
        declarations=names("declarations"),
        uses=names("uses"),
        uses_in=cast("Mapping[str, str]", data.get("uses_in", {})),
        bindings=cast("Mapping[str, str]", data.get("bindings", {})),
        patterns=names("patterns"),
        through=cast("Mapping[str, str]", data.get("through", {})),
        attached=names("attached"),
        not_statements=names("not_statements") | names("attached") | _COMMENTS,
        always=names("always"),
        hoisted=bool(data.get("hoisted", False)),
    )
