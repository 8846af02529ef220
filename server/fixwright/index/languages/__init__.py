"""The languages that the index knows: one folder each, a `language.toml` and query files.

A new language is a new folder beside this file and its grammar's wheel; no code changes. Grammars
and queries are loaded on first use, because importing tree-sitter costs more than answering
`initialize`.
"""

from __future__ import annotations

import importlib
import tomllib
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.resources.abc import Traversable

    import tree_sitter

Inside = Literal["everything", "definitions", "nothing"]


@dataclass(frozen=True, slots=True)
class DefinitionRule:
    """A node kind that defines a name, and what is looked for in its inside."""

    node: str
    kind: str
    name: str
    inside: Inside
    member_kind: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class VariableRule:
    """A node kind that assigns: its target's field, and which targets are names or patterns."""

    node: str
    target: str
    then: str | None
    names: frozenset[str]
    patterns: frozenset[str]


@dataclass(frozen=True)
class SymbolRules:
    """How to walk a tree for its symbols without visiting the inside of statements."""

    descend: frozenset[str]
    wrappers: frozenset[str]
    definitions: tuple[DefinitionRule, ...]
    variables: tuple[VariableRule, ...]


@dataclass(frozen=True, eq=False)
class Language:
    """A language: how its files are recognised, its grammar and its queries."""

    name: str
    ids: frozenset[str]
    extensions: frozenset[str]
    file_names: frozenset[str]
    interpreters: frozenset[str]
    symbol_rules: SymbolRules
    grammar_module: str
    folder: Traversable = field(repr=False)

    @cached_property
    def grammar(self) -> tree_sitter.Language:
        """The tree-sitter grammar, loaded on first use.

        Raises:
            ModuleNotFoundError: the grammar's wheel is not installed.
        """
        import tree_sitter

        load = cast("Callable[[], object]", importlib.import_module(self.grammar_module).language)
        return tree_sitter.Language(load())

    def parser(self) -> tree_sitter.Parser:
        """A new parser. Parsers are not thread-safe: one for each thread."""
        import tree_sitter

        return tree_sitter.Parser(self.grammar)

    @cache  # noqa: B019  languages live as long as the process
    def query(self, name: str) -> tree_sitter.Query:
        """The compiled query of the file `<name>.scm` in the language's folder."""
        import tree_sitter

        source = self.folder.joinpath(f"{name}.scm").read_text(encoding="utf-8")
        return tree_sitter.Query(self.grammar, source)

    def has_query(self, name: str) -> bool:
        """Whether the language's folder has a file `<name>.scm`."""
        return self.folder.joinpath(f"{name}.scm").is_file()


def language_for(language_id: str | None, path: str | None = None) -> Language | None:
    """The language of a document, by its LSP language id or else by its path's last part.

    Returns:
        None where neither names a language that the index knows.
    """
    known = all_languages()
    for language in known:
        if language_id is not None and language_id in language.ids:
            return language
    if path is None:
        return None
    name = PurePosixPath(path.replace("\\", "/")).name
    suffix = PurePosixPath(name).suffix
    for language in known:
        if name in language.file_names or (suffix and suffix in language.extensions):
            return language
    return None


@cache
def all_languages() -> tuple[Language, ...]:
    """All languages, by name."""
    folders = [folder for folder in files(__name__).iterdir() if folder.is_dir()]
    found = [_load(folder) for folder in folders if folder.joinpath("language.toml").is_file()]
    return tuple(sorted(found, key=lambda language: language.name))


def _load(folder: Traversable) -> Language:
    data = tomllib.loads(folder.joinpath("language.toml").read_text(encoding="utf-8"))
    return Language(
        name=data["name"],
        ids=frozenset(data["ids"]),
        extensions=frozenset(data["extensions"]),
        file_names=frozenset(data["file_names"]),
        interpreters=frozenset(data["interpreters"]),
        symbol_rules=_symbol_rules(data["symbols"]),
        grammar_module=data["grammar"],
        folder=folder,
    )


def _symbol_rules(data: Mapping[str, object]) -> SymbolRules:
    definitions = cast("list[dict[str, str]]", data["definitions"])
    variables = cast("list[dict[str, object]]", data["variables"])
    return SymbolRules(
        descend=frozenset(cast("list[str]", data["descend"])),
        wrappers=frozenset(cast("list[str]", data["wrappers"])),
        definitions=tuple(
            DefinitionRule(
                node=rule["node"],
                kind=rule["kind"],
                name=rule["name"],
                inside=cast("Inside", rule["inside"]),
                member_kind=rule.get("member_kind", rule["kind"]),
                detail=rule.get("detail"),
            )
            for rule in definitions
        ),
        variables=tuple(
            VariableRule(
                node=cast("str", rule["node"]),
                target=cast("str", rule["target"]),
                then=cast("str | None", rule.get("then")),
                names=frozenset(cast("list[str]", rule["names"])),
                patterns=frozenset(cast("list[str]", rule["patterns"])),
            )
            for rule in variables
        ),
    )
