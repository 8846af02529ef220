"""How a language says that it touches something: the `safety.toml` of its runtime."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, cast

from .finding import SAYS, Risk

if TYPE_CHECKING:
    import tree_sitter


@dataclass(frozen=True, eq=False)
class Profile:
    """One language.

    Attributes:
        grammar: `module:function` of the grammar's wheel.
        query: captures `call` with `callee` (and `callee.end` where the name ends before it),
            `import.module`, `import.name`, `import.alias`, `loop`, `function` with
            `function.name`, and `risk.<risk>` for what is one by itself.
        risks: the name that is called -> what that may do. A name that begins with `*.` stands
            for a method of that name on anything.
        ways_out: node kinds that leave a loop.
        choices: node kinds in which what is inside happens sometimes only.
    """

    grammar: str
    query: str
    risks: Mapping[str, Risk]
    ways_out: frozenset[str]
    choices: frozenset[str]

    def load(self) -> tuple[tree_sitter.Parser, tree_sitter.Query]:
        """A parser of this call's own, and the compiled query."""
        import tree_sitter

        module, _, function = self.grammar.partition(":")
        load = cast(
            "Callable[[], object]", getattr(importlib.import_module(module), function or "language")
        )
        grammar = tree_sitter.Language(load())
        return tree_sitter.Parser(grammar), tree_sitter.Query(grammar, self.query)


@cache
def profiles() -> Mapping[str, Profile]:
    """Every language's profile, by the language's name."""
    found: dict[str, Profile] = {}
    runtimes = resources.files("fixwright_sandbox.runtimes")
    for folder in runtimes.iterdir():
        file = folder.joinpath("safety.toml")
        if folder.is_dir() and file.is_file():
            data = tomllib.loads(file.read_text(encoding="utf-8"))
            for language, grammar in data["grammars"].items():
                found[language] = _profile(grammar, data)
    return found


def _profile(grammar: str, data: Mapping[str, object]) -> Profile:
    names = cast("Mapping[Risk, list[str]]", data["risks"])
    unknown = set(names) - set(SAYS)
    if unknown:
        message = f"safety.toml names risks that there are not: {', '.join(sorted(unknown))}."
        raise ValueError(message)
    return Profile(
        grammar=grammar,
        query=cast("str", data["query"]),
        risks={name: risk for risk, all_names in names.items() for name in all_names},
        ways_out=frozenset(cast("list[str]", data["ways_out"])),
        choices=frozenset(cast("list[str]", data["choices"])),
    )
