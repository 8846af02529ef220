"""Which statements a piece of code needs: a backward walk over what each binds and uses.

The classical backward slice (Weiser, "Program slicing", 1981) over a straight list of statements,
with one
addition: what a function uses is needed wherever the function may be called, so a name carries the
names that the functions behind it will read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet


@dataclass(slots=True)
class Names:
    """What one statement does with names of the scope that it stands in.

    Attributes:
        binds: may be bound or changed by it.
        certain: are bound by it whatever happens, so that earlier values don't matter; part of
        `binds`.
        uses: are read when it is executed, before it binds them itself.
        deferred: are read later, when something that it defines is called.
        anything: it may bind any name (a star import, a sourced file).
        always: it is needed whatever the code is (a `__future__` import).
    """

    binds: set[str] = field(default_factory=set[str])
    certain: set[str] = field(default_factory=set[str])
    uses: set[str] = field(default_factory=set[str])
    deferred: set[str] = field(default_factory=set[str])
    anything: bool = False
    always: bool = False


class Carried:
    """The names that a value may read when it is called, by the name that holds the value."""

    def __init__(self, statements: Iterable[Names]) -> None:
        self._deferred: dict[str, set[str]] = {}
        self._sources: dict[str, set[str]] = {}
        self._known: dict[str, frozenset[str]] = {}
        for names in statements:
            for name in names.binds:
                self._deferred.setdefault(name, set()).update(names.deferred)
                self._sources.setdefault(name, set()).update(names.uses)

    def by(self, names: AbstractSet[str]) -> set[str]:
        """The names themselves and everything that the functions behind them read, transitively."""
        found = set(names)
        for name in names:
            found |= self._by(name)
        return found

    def _by(self, name: str) -> frozenset[str]:
        known = self._known.get(name)
        if known is not None:
            return known
        read: set[str] = set()
        seen = {name}
        pending = [name]
        while pending:
            carrier = pending.pop()
            deferred = self._deferred.get(carrier, set())
            read |= deferred
            for following in (deferred | self._sources.get(carrier, set())) - seen:
                seen.add(following)
                pending.append(following)
        self._known[name] = frozenset(read)
        return self._known[name]


@dataclass(frozen=True)
class Needed:
    """The needed statements by ascending index, and the names that none of them binds."""

    statements: tuple[int, ...]
    missing: frozenset[str]


def needed(
    statements: Sequence[Names],
    wanted: AbstractSet[str],
    given: AbstractSet[str] = frozenset(),
    hidden: Mapping[int, AbstractSet[str]] | None = None,
) -> Needed:
    """The statements that must run, in order, before code that reads the `wanted` names.

    Args:
        statements: those that run before the code, in order.
        wanted: the names that the code reads and does not bind itself.
        given: names that need no statement (builtins).
        hidden: before the statement of that index, these names mean something else: a parameter of
            the function that the later statements stand in is not the module's variable of the same
            name.
    """
    carried = Carried(statements)
    bound = {name for names in statements for name in names.binds}
    live = carried.by(wanted)
    missing: set[str] = set()
    chosen: list[int] = []
    for index in range(len(statements) - 1, -1, -1):
        names = statements[index]
        obscured = live & hidden.get(index + 1, frozenset()) if hidden else set[str]()
        missing |= obscured
        live -= obscured
        open_question = names.anything and bool(live - given - bound)
        if names.always or open_question or names.binds & live:
            chosen.append(index)
            live -= names.certain
            live |= carried.by(names.uses)
    if hidden:
        obscured = live & hidden.get(0, frozenset())
        missing |= obscured
        live -= obscured
    if not any(statements[index].anything for index in chosen):
        missing |= live - given
    return Needed(tuple(reversed(chosen)), frozenset(missing))
