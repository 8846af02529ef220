"""What a name means: imports are followed first, and only then does any definition of it do.

An answer says how it was found. "here": in the same file; "import": by what the file imports;
"name": because it is called so, which is a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from fixwright.index.facts import Definition, range_of
from fixwright.index.languages import language_for
from fixwright.index.sites import local_uses

if TYPE_CHECKING:
    from fixwright.index.facts import FileFacts, Import, Place
    from fixwright.index.sites import Site
    from fixwright.index.workspace_index import Named, ResolvedImport, WorkspaceIndex
    from fixwright.workspace.text import Text

How = Literal["here", "import", "name"]

_PARTS = re.compile(r"[./:]+")
_SELF = frozenset({"self", "this", "cls", "Self", "super"})
_TYPES = frozenset({"class", "struct", "interface", "trait", "enum", "type", "implementation"})
_MEMBERS_ARE_BARE = frozenset({"java", "cpp"})
_KIN = {"tsx": "javascript", "typescript": "javascript", "cpp": "c"}
_WHOLE = frozenset({"include", "package", "system"})
_DEEPEST = 5
_MOST_FILES = 8


@dataclass(frozen=True, slots=True)
class Target:
    """Something that a name can mean.

    Attributes:
        definition: None for a whole file, and for a parameter or a variable of a function.
        name: what stands at `place`; "" for a file.
    """

    path: str
    place: Place
    name: str
    how: How
    definition: Definition | None = None


class Meanings:
    """Finds out within one request: what is asked of the index is asked once."""

    def __init__(self, index: WorkspaceIndex, near: str | None = None) -> None:
        """Nothing is asked yet.

        Args:
            index: the workspace's.
            near: a file; of names that too much is called by, what is near it counts.
        """
        self._index = index
        self._near = near
        self._imports: dict[str, tuple[ResolvedImport, ...]] = {}
        self._named: dict[str, Named] = {}

    async def of(self, site: Site, path: str, facts: FileFacts, text: Text) -> tuple[Target, ...]:
        """What a name in a file may mean, the likeliest first; all found in the same way.

        Raises:
            IndexUnavailable: the index has ended.
        """
        if site.local is not None:
            first = local_uses(facts, text, site.name, site.local)[0]
            return (Target(path, first.range, site.name, "here"),)
        if site.definition is not None:
            return await self._of_definition(site.definition, path, facts)
        own = _own(site, facts)
        if own:
            return tuple(_target(path, each, "here") for each in own)
        followed = await self._followed(site, path)
        if followed:
            return await self._without_prototypes(followed, facts.language)
        return await self._by_name(site, path, facts.language)

    async def imports(self, path: str) -> tuple[ResolvedImport, ...]:
        """What a file imports, and from where."""
        if path not in self._imports:
            self._imports[path] = await self._index.imports_of(path)
        return self._imports[path]

    async def named(self, name: str) -> list[tuple[str, Definition]]:
        """The definitions of a name, wherever they are; of very many those that are near."""
        return _pairs(await self._all(name))

    async def within(self, name: str, paths: Sequence[str]) -> list[tuple[str, Definition]]:
        """The definitions of a name in some files."""
        found = await self._all(name)
        if not found.is_complete:
            found = await self._index.definitions_of(name, within=paths)
        return [(path, each) for path, each in _pairs(found) if path in paths]

    def left_out(self, name: str) -> int:
        """How many definitions of a name `named` has left out."""
        found = self._named.get(name)
        return 0 if found is None else found.total - len(found.found)

    async def _all(self, name: str) -> Named:
        if name not in self._named:
            self._named[name] = await self._index.definitions_of(name, near=self._near)
        return self._named[name]

    async def reaches(self, path: str, name: str, targets: Iterable[Target]) -> bool | None:
        """Whether a name in a file comes from one of these by an import.

        Returns:
            None where the file does not import the name, so that nothing is known.
        """
        found = await self._follow(path, name, lambda each: _binds(each, name), _DEEPEST, set())
        places = {(target.path, target.place) for target in targets}
        if any((each.path, each.place) in places for each in found):
            return True
        return False if found else None

    async def _of_definition(self, number: int, path: str, facts: FileFacts) -> tuple[Target, ...]:
        definition = facts.definitions[number]
        own = _target(path, definition, "here")
        if definition.kind != "prototype":
            return (own,)
        return await self._without_prototypes((own,), facts.language)

    async def _without_prototypes(
        self, found: Sequence[Target], language: str
    ) -> tuple[Target, ...]:
        """Where only headers were found, what they declare comes first, by its name."""
        declared = [each.definition for each in found if each.definition is not None]
        if not declared or any(each.kind != "prototype" for each in declared):
            return tuple(found)
        bodies = [
            _target(path, each, "import")
            for path, each in await self.named(declared[0].name)
            if each.kind != "prototype"
            and each.owner == declared[0].owner
            and kin_of_path(path) == _kin(language)
        ]
        return (*bodies, *found)

    async def _followed(self, site: Site, path: str) -> list[Target]:
        resolved = await self.imports(path)
        inside = [
            each
            for each in resolved
            if each.paths and range_of(each.imported.range).encloses(range_of(site.place))
        ]
        if inside:
            return await self._imported(site, inside)
        if site.qualifiers:
            return await self._qualified(site, path)
        if site.is_member:
            return []
        return await self._follow(
            path, site.name, lambda each: _binds(each, site.name), _DEEPEST, set()
        )

    async def _imported(self, site: Site, inside: list[ResolvedImport]) -> list[Target]:
        """What a part of an import statement names."""
        name = site.name
        for each in inside:
            if name in (each.imported.name, each.imported.alias):
                found = await self._taken(each, each.imported.name or name, _DEEPEST, set())
                if found:
                    return found
        chosen = [
            each
            for each in inside
            if name in _PARTS.split(each.imported.module) or not each.imported.name
        ]
        return [_file(path) for each in (chosen or inside)[:1] for path in each.paths[:1]]

    async def _qualified(self, site: Site, path: str) -> list[Target]:
        """What `module.name` and `Imported.name` mean."""
        head, last = site.qualifiers[0], site.qualifiers[-1]
        dotted = ".".join(site.qualifiers)

        def fits(each: Import) -> bool:
            module = ".".join(_PARTS.split(each.module))
            return _binds(each, head) or module in {dotted, last} or module.endswith(f".{last}")

        for each in await self.imports(path):
            if not each.paths or each.imported.kind in _WHOLE or not fits(each.imported):
                continue
            inside = await self.within(site.name, each.paths)
            owned = [(p, d) for p, d in inside if d.owner.rpartition(".")[2] == last]
            top = [(p, d) for p, d in inside if not d.owner]
            chosen = owned or top
            if chosen:
                return [_target(p, d, "import") for p, d in chosen]
            deeper = await self._deeper(each, site.name, _DEEPEST, set())
            if deeper:
                return deeper
        owners = await self._follow(path, last, lambda each: _binds(each, last), _DEEPEST, set())
        files = sorted({each.path for each in owners})
        return [
            _target(p, d, "import")
            for p, d in (await self.within(site.name, files) if files else ())
            if d.owner.rpartition(".")[2] == last
        ]

    async def _follow(
        self, path: str, name: str, binds: Callable[[Import], bool], depth: int, seen: set[str]
    ) -> list[Target]:
        """What a file knows by a name through its imports: by name first, then in the open ones."""
        if depth == 0 or path in seen:
            return []
        seen.add(path)
        resolved = [each for each in await self.imports(path) if each.paths]
        for each in resolved:
            if binds(each.imported):
                original = each.imported.name if each.imported.name != "*" else ""
                found = await self._taken(each, original or name, depth, seen)
                if found:
                    return found
        for each in resolved:
            if each.imported.name == "*" or each.imported.kind in _WHOLE:
                found = await self._inside(each.paths, name)
                if not found and each.imported.kind != "package":
                    found = await self._deeper(each, name, depth, seen)
                if found:
                    return found
        return []

    async def _taken(
        self, each: ResolvedImport, name: str, depth: int, seen: set[str]
    ) -> list[Target]:
        """What an import takes from where it leads."""
        imported = each.imported
        found = await self._inside(each.paths, name)
        if found:
            return found
        deeper = await self._deeper(each, name, depth, seen)
        if deeper:
            return deeper
        if name == "default":
            of_file = await self._inside(each.paths, imported.alias)
            return of_file or [_file(each.paths[0])]
        tail = _PARTS.split(imported.module)[-1]
        is_module = not imported.name or PurePosixPath(each.paths[0]).stem in {name, "__init__"}
        return (
            [_file(each.paths[0])]
            if is_module and (imported.alias or name == tail or imported.name)
            else []
        )

    async def _deeper(
        self, each: ResolvedImport, name: str, depth: int, seen: set[str]
    ) -> list[Target]:
        for path in each.paths[:_MOST_FILES]:
            found = await self._follow(path, name, lambda each: _binds(each, name), depth - 1, seen)
            if found:
                return found
        return []

    async def _inside(self, paths: Sequence[str], name: str) -> list[Target]:
        found = await self.within(name, paths)
        top = [(path, each) for path, each in found if not each.owner]
        return [_target(path, each, "import") for path, each in top or found[:0]]

    async def _by_name(self, site: Site, path: str, language: str) -> tuple[Target, ...]:
        found = [
            (other, each)
            for other, each in await self.named(site.name)
            if kin_of_path(other) == _kin(language) and each.kind != "implementation"
        ]
        last = site.qualifiers[-1] if site.qualifiers else ""

        def rank(item: tuple[str, Definition]) -> tuple[object, ...]:
            other, each = item
            place = PurePosixPath(other)
            owned = bool(last) and each.owner.rpartition(".")[2] == last
            beside = bool(last) and last in (place.stem, place.parent.name)
            fits = bool(each.owner) == site.is_member
            return (not owned, not beside, not fits, other != path, each.kind == "prototype", other)

        return tuple(_target(p, d, "name") for p, d in sorted(found, key=rank))


def _own(site: Site, facts: FileFacts) -> list[Definition]:
    """The definitions of a site's file that it can only mean."""
    found = [
        each
        for each in facts.definitions
        if each.name == site.name and each.kind != "implementation"
    ]
    if not found:
        return []
    around = _around(facts, site.enclosing)
    last = site.qualifiers[-1] if site.qualifiers else ""
    if last in _SELF and len(site.qualifiers) == 1:
        classes = {facts.definitions[number].name for number in around}
        classes |= {facts.definitions[n].owner.rpartition(".")[2] for n in around} - {""}
        return [each for each in found if each.owner.rpartition(".")[2] in classes]
    if last:
        return [each for each in found if each.owner.rpartition(".")[2] == last]
    if site.is_member:
        return []
    open_ = {
        number
        for number in around
        if facts.definitions[number].kind not in _TYPES or facts.language in _MEMBERS_ARE_BARE
    }
    seen = [each for each in found if each.container is None or each.container in open_]
    seen = [each for each in seen if not each.owner or each.container is not None]
    inner = max((_level(each) for each in seen), default=-1)
    return [each for each in seen if _level(each) == inner]


def _around(facts: FileFacts, number: int | None) -> list[int]:
    found: list[int] = []
    while number is not None:
        found.append(number)
        number = facts.definitions[number].container
    return found


def _binds(each: Import, name: str) -> bool:
    """Whether a file knows an import by this name."""
    if each.kind in _WHOLE or each.name == "*":
        return bool(each.alias) and each.alias == name
    if each.bound:
        return each.bound == name
    return name in (each.module, _PARTS.split(each.module)[-1])


def _target(path: str, definition: Definition, how: How) -> Target:
    return Target(path, definition.name_range, definition.name, how, definition)


def _pairs(found: Named) -> list[tuple[str, Definition]]:
    return [(each.path, each.definition) for each in found.found]


def _file(path: str) -> Target:
    return Target(path, (0, 0, 0, 0), "", "import")


def kin_of_path(path: str) -> str:
    """The language of a path, as far as names go: one for C and C++, one for JavaScript's."""
    language = language_for(None, path)
    return "" if language is None else _kin(language.name)


def _kin(language: str) -> str:
    return _KIN.get(language, language)


def _level(definition: Definition) -> int:
    return -1 if definition.container is None else definition.container
