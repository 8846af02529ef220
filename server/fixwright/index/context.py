"""What the code of a range needs, all over the workspace: heads of the definitions that it uses.

Imports are followed; what is only called the same counts where there is one such thing alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.index.facts import range_of
from fixwright.index.meanings import Meanings, Target
from fixwright.index.sites import site_of

if TYPE_CHECKING:
    from fixwright.index.facts import Definition
    from fixwright.index.meanings import How
    from fixwright.index.workspace_index import WorkspaceIndex
    from fixwright.workspace.position import Range
    from fixwright.workspace.text import Text

MOST_NAMES = 200
"""Different names of a range that are looked up."""


@dataclass(frozen=True, slots=True)
class Needed:
    """A definition that a range uses.

    Attributes:
        how: how it was found, as in `meanings`.
    """

    path: str
    definition: Definition
    how: How

    @property
    def head(self) -> str:
        """Its signature, or its name, behind what it belongs to: "Account: def f(self)"."""
        own = self.definition.signature or self.definition.name
        return f"{self.definition.owner}: {own}" if self.definition.owner else own


async def context_for(
    index: WorkspaceIndex, path: str, text: Text, chosen: Range
) -> tuple[Needed, ...]:
    """The definitions that a range uses and does not hold, in the order of their first use.

    Parameters and variables of functions are left out, and so is what more than one definition
    could mean by its name alone.

    Args:
        index: the workspace's; it knows the file as `text`.
        path: of the file, absolute.
        text: its text.
        chosen: the range.

    Raises:
        IndexUnavailable: the index has ended.
    """
    facts = await index.file(path, exact=True)
    if facts is None:
        return ()
    meanings = Meanings(index, path)
    seen: set[tuple[object, ...]] = set()
    found: dict[tuple[str, object], Needed] = {}
    for use in facts.references:
        if not chosen.encloses(range_of(use.range)) or use.role == "import":
            continue
        site = site_of(facts, text, use)
        asked = (site.name, site.qualifiers, site.is_member, site.enclosing)
        if site.local is not None or asked in seen or len(seen) == MOST_NAMES:
            continue
        seen.add(asked)
        targets = await meanings.of(site, path, facts, text)
        for target in _sure(targets):
            definition = target.definition
            inside = target.path == path and chosen.encloses(range_of(target.place))
            if definition is not None and not inside:
                needed = Needed(target.path, definition, target.how)
                found.setdefault((target.path, definition.name_range), needed)
    return tuple(found.values())


def _sure(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    guessed = targets and targets[0].how == "name"
    return () if guessed and len(targets) > 1 else targets
