"""Code lenses: *Run* above a file and its entry points, *Run test* above each test."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fixwright.index.extraction import entry_points
from fixwright.index.facts import EntryPoint, Place, TestPlace
from fixwright.index.languages import Language
from fixwright.index.source import Source
from fixwright.index.tests import test_places
from fixwright.lsp import names
from fixwright.lsp.convert import to_lsp
from fixwright.lsp.features.cells import cell_lenses
from fixwright.lsp.features.review_places import review_lenses
from fixwright.runs.plan import can_run
from fixwright.workspace.paths import canonical, display_name
from fixwright.workspace.position import Range
from fixwright.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    import tree_sitter

    from fixwright.lsp.workbench import Workbench

_LARGEST = 1 << 20
"""Characters; in a larger file no lenses for single tests are looked for."""


async def code_lenses(
    bench: Workbench, snapshot: Snapshot, params: lsp.CodeLensParams
) -> list[lsp.CodeLens]:
    """`textDocument/codeLens`."""
    document = snapshot.documents.get(canonical(params.text_document.uri))
    if document is None:
        return []
    reviews = list(review_lenses(bench, document))
    if not can_run(document.language):
        return reviews
    top = lsp.Range(start=lsp.Position(0, 0), end=lsp.Position(0, 0))
    run = lsp.Command(title="Run", command=names.RUN_FILE, arguments=[{"uri": document.uri}])
    lenses = [*reviews, lsp.CodeLens(range=top, command=run)]
    if len(document.text.value) > _LARGEST:
        return lenses
    lenses += await asyncio.to_thread(cell_lenses, document, bench.encoding)
    found = await bench.buffers.read(document, _places)
    inside = snapshot.relative(document.uri) or display_name(document.uri)

    def above(place: Place, command: lsp.Command) -> None:
        start = Range.at(place[0], place[1])
        shown = to_lsp(document.text, start, bench.encoding)
        lenses.append(lsp.CodeLens(range=shown, command=command))

    for entry in found.entries if found else ():
        if entry.range[0]:  # on the first line there is one already
            above(entry.range, run)
    for test in found.tests if found else ():
        argument = {"uri": document.uri, "testId": f"{inside}::{test.id}"}
        command = lsp.Command(title="Run test", command=names.RUN_TESTS, arguments=[argument])
        above(test.range, command)
    return lenses


@dataclass(frozen=True)
class _Places:
    tests: list[TestPlace]
    entries: list[EntryPoint]


def _places(root: tree_sitter.Node, source: Source, language: Language) -> _Places:
    tests = [each for each in test_places(root, source, language) if not each.is_suite]
    return _Places(tests, entry_points(root, source, language))
