"""The languages that the index knows: one folder each, a `language.toml` and one query file.

A new language is a new folder beside this file and its grammar's wheel; no code changes. Languages
of other packages are found by the entry point group `fixwright.languages`, whose values name
packages with these two files. Grammars and queries are loaded on first use, because importing
tree-sitter costs more than answering `initialize`.

The query file `<name>.scm` has sections, each begun by a line `;; section`; what they capture is
told in `README.md` beside this file.
"""

from __future__ import annotations

import importlib
import re
import tomllib
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, cast

from fixwright.index.languages.rules import (
    LexerRules,
    SliceRules,
    SymbolRules,
    lexer_rules,
    slice_rules,
    symbol_rules,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from importlib.resources.abc import Traversable
    from types import ModuleType

    import tree_sitter

GROUP = "fixwright.languages"
"""The entry points of other packages' languages."""

_SECTION = re.compile(r"^;; *([a-z ]+?) *$", re.MULTILINE)
_INTERPRETER = re.compile(
    rb"#![ \t]*(?:\S*/env[ \t]+(?:-\S+[ \t]+)*)?(?:\S*/)?([A-Za-z_+-]+[0-9]?)"
)


@dataclass(frozen=True, eq=False)
class Language:
    """A language: how its files are recognised, its grammar and its queries."""

    name: str
    ids: frozenset[str]
    extensions: frozenset[str]
    file_names: frozenset[str]
    interpreters: frozenset[str]
    contents: Mapping[str, str]
    """Extensions that another language has too, and what the text of such a file has in this."""
    symbol_rules: SymbolRules
    lexer: LexerRules | None
    slice_rules: SliceRules | None
    heads: str | None
    """A regular expression of definitions, for a first look without a tree."""
    collects: str
    """How a test's id is made: "nested", or "pytest" for the rules of Python."""
    test_separator: str
    """What stands between a test and one inside of it."""
    test_spaces: str
    """What stands in an id for a space in a name."""
    doc_markers: str
    """A regular expression of what is no text in a line of a doc comment."""
    grammar_module: str
    grammar_function: str
    resolver_module: str | None
    import_trees: str | None
    """A module whose `expand(text)` gives the (module, name, alias) of an import that nests."""
    folder: Traversable = field(repr=False)
    query_file: str = field(repr=False)

    @cached_property
    def grammar(self) -> tree_sitter.Language:
        """The tree-sitter grammar, loaded on first use.

        Raises:
            ModuleNotFoundError: the grammar's wheel is not installed.
        """
        import tree_sitter

        module = importlib.import_module(self.grammar_module)
        load = cast("Callable[[], object]", getattr(module, self.grammar_function))
        return tree_sitter.Language(load())

    def parser(self) -> tree_sitter.Parser:
        """A new parser. Parsers are not thread-safe: one for each thread."""
        import tree_sitter

        return tree_sitter.Parser(self.grammar)

    @cached_property
    def sections(self) -> Mapping[str, str]:
        """The sections of the query file by their names."""
        text = self.folder.joinpath(self.query_file).read_text(encoding="utf-8")
        parts = _SECTION.split(text)
        return dict(zip(parts[1::2], parts[2::2], strict=True))

    @cache  # noqa: B019  languages live as long as the process
    def query(self, section: str) -> tree_sitter.Query:
        """The compiled query of a section of the query file.

        Raises:
            KeyError: there is no such section; see `has_query`.
        """
        import tree_sitter

        return tree_sitter.Query(self.grammar, self.sections[section])

    def has_query(self, section: str) -> bool:
        """Whether the query file has such a section."""
        return section in self.sections

    @cached_property
    def resolver(self) -> ModuleType | None:
        """The module with `resolve(imported, path, files)`; None for a language without imports."""
        if self.resolver_module is None:
            return None
        return importlib.import_module(self.resolver_module)


def language_for(
    language_id: str | None, path: str | None = None, head: bytes | None = None
) -> Language | None:
    """The language of a document, by its LSP language id or else by its path's last part.

    Args:
        language_id: what the editor says.
        path: a path or URI.
        head: the first bytes of the file where they are at hand: they decide between languages that
            share an extension, and name the interpreter of a script without one.

    Returns:
        None where nothing names a language that the index knows.
    """
    by = _lookup()
    if language_id is not None and language_id in by.ids:
        return by.ids[language_id]
    if path is None:
        return None
    name = PurePosixPath(path.replace("\\", "/")).name
    suffix = PurePosixPath(name).suffix
    if head is not None:
        for pattern, language in by.contents.get(suffix, ()):
            if pattern.search(head):
                return language
    found = by.names.get(name) or by.extensions.get(suffix)
    if found is None and head is not None and not suffix:
        shebang = _INTERPRETER.match(head)
        if shebang is not None:
            return by.interpreters.get(shebang.group(1).decode())
    return found


@dataclass(frozen=True)
class _Lookup:
    ids: Mapping[str, Language]
    extensions: Mapping[str, Language]
    names: Mapping[str, Language]
    interpreters: Mapping[str, Language]
    contents: Mapping[str, list[tuple[re.Pattern[bytes], Language]]]


@cache
def _lookup() -> _Lookup:
    found = _Lookup({}, {}, {}, {}, {})
    for language in all_languages():
        for table, keys in (
            (found.ids, language.ids),
            (found.extensions, language.extensions),
            (found.names, language.file_names),
            (found.interpreters, language.interpreters),
        ):
            cast("dict[str, Language]", table).update(dict.fromkeys(keys, language))
        for extension, pattern in language.contents.items():
            rules = cast("dict[str, list[object]]", found.contents).setdefault(extension, [])
            rules.append((re.compile(pattern.encode(), re.MULTILINE), language))
    return found


@cache
def all_languages() -> tuple[Language, ...]:
    """All languages, by name."""
    found = {language.name: language for language in _own()}
    for point in entry_points(group=GROUP):
        language = _load(files(point.value), point.value)
        found.setdefault(language.name, language)
    return tuple(found[name] for name in sorted(found))


def _own() -> Iterator[Language]:
    for folder in files(__name__).iterdir():
        if folder.is_dir() and folder.joinpath("language.toml").is_file():
            yield _load(folder, f"{__name__}.{folder.name}")


def _load(folder: Traversable, package: str) -> Language:
    data = _read(folder)
    like = cast("str | None", data.get("like"))
    if like is not None:
        package = f"{__name__}.{like}"
        folder = files(__name__).joinpath(like)
        data = {**_read(folder), **data}
    grammar, _, function = cast("str", data["grammar"]).partition(":")
    resolver = cast("str | None", data.get("resolver"))
    trees = cast("str | None", data.get("import_trees"))
    tests = cast("Mapping[str, str]", data.get("tests", {}))

    def names(key: str) -> frozenset[str]:
        return frozenset(cast("list[str]", data.get(key, [])))

    return Language(
        name=cast("str", data["name"]),
        ids=names("ids"),
        extensions=names("extensions"),
        file_names=names("file_names"),
        interpreters=names("interpreters"),
        contents=cast("Mapping[str, str]", data.get("contents", {})),
        symbol_rules=symbol_rules(cast("Mapping[str, object]", data.get("symbols", {}))),
        lexer=lexer_rules(cast("Mapping[str, object] | None", data.get("lexer"))),
        slice_rules=slice_rules(cast("Mapping[str, object] | None", data.get("slices"))),
        heads=cast("str | None", data.get("heads")),
        collects=tests.get("collects", "nested"),
        test_separator=tests.get("separator", "::"),
        test_spaces=tests.get("spaces", " "),
        doc_markers=cast("str", data.get("doc_markers", "")),
        grammar_module=grammar,
        grammar_function=function or "language",
        resolver_module=None if resolver is None else f"{package}.{resolver}",
        import_trees=None if trees is None else f"{package}.{trees}",
        folder=folder,
        query_file=f"{like or cast('str', data['name'])}.scm",
    )


def _read(folder: Traversable) -> dict[str, object]:
    return tomllib.loads(folder.joinpath("language.toml").read_text(encoding="utf-8"))
