"""Code lenses: *Run* above a file, *Run test* above each test."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fixwright.index.languages import language_for
from fixwright.index.tests import tests_in
from fixwright.lsp import names
from fixwright.lsp.convert import to_lsp
from fixwright.runs.plan import can_run
from fixwright.workspace.document import Document
from fixwright.workspace.paths import canonical, display_name
from fixwright.workspace.position import Position, Range
from fixwright.workspace.snapshot import Snapshot
from fixwright.workspace.text import Encoding

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench

_LARGEST = 1 << 20
"""Characters; in a larger file no lenses for single tests are looked for."""


async def code_lenses(
    bench: Workbench, snapshot: Snapshot, params: lsp.CodeLensParams
) -> list[lsp.CodeLens]:
    """`textDocument/codeLens`."""
    document = snapshot.documents.get(canonical(params.text_document.uri))
    if document is None or not can_run(document.language):
        return []
    top = lsp.Range(start=lsp.Position(0, 0), end=lsp.Position(0, 0))
    run = lsp.Command(title="Run", command=names.RUN_FILE, arguments=[{"uri": document.uri}])
    tests = await asyncio.to_thread(_tests, snapshot, document, bench.encoding)
    return [lsp.CodeLens(range=top, command=run), *tests]


def _tests(snapshot: Snapshot, document: Document, encoding: Encoding) -> list[lsp.CodeLens]:
    language = language_for(document.language, document.uri)
    if language is None or len(document.text.value) > _LARGEST:
        return []
    inside = snapshot.relative(document.uri) or display_name(document.uri)
    lenses: list[lsp.CodeLens] = []
    for test in tests_in(document.text, language):
        start = Position(test.range.start.line, test.range.start.column)
        argument = {"uri": document.uri, "testId": f"{inside}::{test.id}"}
        command = lsp.Command(title="Run test", command=names.RUN_TESTS, arguments=[argument])
        place = to_lsp(document.text, Range(start, start), encoding)
        lenses.append(lsp.CodeLens(range=place, command=command))
    return lenses
