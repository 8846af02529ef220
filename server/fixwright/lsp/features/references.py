"""References: those that imports lead to come first, those that are only called so after them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fixwright.index.facts import Place
from fixwright.index.meanings import Target, kin_of_path
from fixwright.index.sites import local_uses
from fixwright.index.workspace_index import IndexUnavailable, ReferenceAt
from fixwright.lsp.features.asking import Asked, ask
from fixwright.lsp.places import Places, Spot
from fixwright.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench

log = logging.getLogger(__name__)

_AT_ONCE = 8
"""Files whose imports are asked for at a time."""


@dataclass
class Uses:
    """The uses of a name, sorted by how sure it is that they mean the same."""

    name: str
    sure: list[ReferenceAt] = field(default_factory=list[ReferenceAt])
    by_name: list[ReferenceAt] = field(default_factory=list[ReferenceAt])


async def references(
    bench: Workbench, snapshot: Snapshot, params: lsp.ReferenceParams
) -> list[lsp.Location]:
    """`textDocument/references`."""
    asked = await ask(bench, snapshot, "references", params)
    if asked is None:
        return []
    answer = _Answer(bench, params.partial_result_token)
    targets = await asked.targets()
    if params.context.include_declaration:
        await answer.add([Spot(each.path, each.place, each.name) for each in targets if each.name])
    if asked.site.local is not None:
        found = local_uses(asked.facts, asked.document.text, asked.site.name, asked.site.local)
        left_out = {targets[0].place} if not params.context.include_declaration else set[Place]()
        places = [each.range for each in found if each.range not in left_out]
        await answer.add([Spot(asked.path, place, asked.site.name) for place in places])
    else:
        await _everywhere(bench, asked, targets, answer)
    bench.indexing.check(asked.document)
    return answer.rest


async def _everywhere(
    bench: Workbench, asked: Asked, targets: Sequence[Target], answer: _Answer
) -> None:
    sure, by_name = 0, list[Spot]()
    try:
        async for some in uses_of(asked, targets):
            sure += len(some.sure)
            by_name += _spots(some.by_name, some.name)
            await answer.add(_spots(some.sure, some.name))
    except IndexUnavailable as error:
        log.warning("%s", error)
    await answer.add(by_name)
    if by_name:
        bench.editor.record(
            f"References to {asked.site.name}: {sure} along imports, and after them "
            f"{len(by_name)} found by the name alone."
        )


async def uses_of(asked: Asked, targets: Sequence[Target]) -> AsyncGenerator[Uses, None]:
    """The uses of what was asked about, in parts as they are found.

    Raises:
        IndexUnavailable: the index has ended.
    """
    names = {each.name for each in targets if each.name} or {asked.site.name}
    judge = Judge(asked, targets)
    for name in sorted(names):
        async for part in asked.index.references_to(name, near=asked.path):
            files: dict[str, list[ReferenceAt]] = {}
            for use in part:
                files.setdefault(use.path, []).append(use)
            paths = list(files)
            for start in range(0, len(paths), _AT_ONCE):
                some = paths[start : start + _AT_ONCE]
                verdicts = await asyncio.gather(*(judge.of(path, name) for path in some))
                found = Uses(name)
                for path, verdict in zip(some, verdicts, strict=True):
                    if verdict is not False:
                        (found.sure if verdict else found.by_name).extend(files[path])
                yield found


class Judge:
    """Whether a name in a file means what was asked about."""

    def __init__(self, asked: Asked, targets: Sequence[Target]) -> None:
        self._asked = asked
        self._targets = targets
        self._files = {each.path for each in targets}
        self._kin = kin_of_path(asked.path)
        self._guessed = not targets or targets[0].how == "name"

    async def of(self, path: str, name: str) -> bool | None:
        """True where imports say so, False where they say otherwise, None where nothing does."""
        if kin_of_path(path) != self._kin:
            return False
        if self._guessed:
            return None
        if path in self._files:
            return True
        reached = await self._asked.meanings.reaches(path, name, self._targets)
        return reached if reached is not None else await self._by_files(path, name)

    async def _by_files(self, path: str, name: str) -> bool | None:
        """For a name that no import gives: by the files that are imported, and what is there."""
        meanings = self._asked.meanings
        imports = await meanings.imports(path)
        if any(self._files.intersection(each.paths) for each in imports):
            return True
        is_top = all(each.definition and not each.definition.owner for each in self._targets)
        own = await meanings.within(name, (path,)) if is_top else ()
        if any(not each.owner for _, each in own):
            return False  # the file has one of its own
        return None


class _Answer:
    """What goes to the editor: in parts where it takes them, each place once."""

    def __init__(self, bench: Workbench, token: str | int | None) -> None:
        self._bench = bench
        self._token = token
        self._seen: set[tuple[str, int, int]] = set()
        self.rest: list[lsp.Location] = []

    async def add(self, spots: Sequence[Spot]) -> None:
        places = Places(self._bench.store.now, self._bench.encoding)
        found = await asyncio.to_thread(places.locations, spots)
        fresh: list[lsp.Location] = []
        for each in found:
            key = (each.uri, each.range.start.line, each.range.start.character)
            if key not in self._seen:
                self._seen.add(key)
                fresh.append(each)
        if self._token is None:
            self.rest += fresh
        elif fresh:
            self._bench.editor.partial(self._token, fresh)


def _spots(uses: Sequence[ReferenceAt], name: str) -> list[Spot]:
    return [Spot(use.path, use.range, name, use.is_ascii) for use in uses]
