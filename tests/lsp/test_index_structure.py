"""Highlights, folds, growing selections, call hierarchy and lenses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lsprotocol import types as lsp

from support.editor import PATIENCE, Editor, editing
from support.index_editor import ALL, at, until_symbols, written

FILES = {
    "a.py": (
        "import os\nimport sys\n\n# one\n# two\n\n\ndef work(value):\n    if value:\n"
        "        value = '\U0001f40d' + value\n    else:\n        value = 2\n    return value\n\n\n"
        "def test_value():\n    work(1)\n    value = work(2)\n"
    ),
    "b.py": "from a import work\n\n\ndef outer():\n    return [\n        work(3),\n    ]\n",
    "c.go": "package main\n\nfunc main() {\n\tgo1()\n}\n\nfunc go1() {\n}\n",
}


@pytest.fixture
async def editor(tmp_path: Path) -> AsyncIterator[Editor]:
    async with editing(written(tmp_path, FILES), settings=ALL) as editor:
        await until_symbols(editor, "outer", {"outer"})
        yield editor


async def test_highlights_are_of_one_meaning(editor: Editor, tmp_path: Path) -> None:
    uri = editor.open_file(tmp_path / "a.py")

    async def lines(line: int, character: int) -> list[tuple[int, bool]]:
        found = await editor.client.text_document_document_highlight_async(
            lsp.DocumentHighlightParams(**at(uri, line, character))
        )
        write = lsp.DocumentHighlightKind.Write
        return [(each.range.start.line, each.kind == write) for each in found or ()]

    inside = [(7, True), (8, False), (9, True), (9, False), (11, True), (12, False)]
    assert await lines(7, 10) == inside
    assert await lines(17, 5) == [(17, True)]
    assert await lines(16, 5) == [(7, True), (16, False), (17, False)]
    assert await lines(3, 3) == []


async def test_folds(editor: Editor, tmp_path: Path) -> None:
    async def folds(name: str, language: str) -> list[tuple[int, int, str | None]]:
        uri = editor.open_file(tmp_path / name, language)
        found = await editor.client.text_document_folding_range_async(
            lsp.FoldingRangeParams(lsp.TextDocumentIdentifier(uri))
        )
        return [(each.start_line, each.end_line, each.kind) for each in found or ()]

    assert await folds("a.py", "python") == [
        (0, 1, "imports"), (3, 4, "comment"), (7, 12, None), (8, 9, None), (10, 11, None),
        (15, 17, None),
    ]  # fmt: skip
    assert await folds("b.py", "python") == [(3, 6, None), (4, 5, None)]
    assert await folds("c.go", "go") == [(2, 3, None)]


async def test_a_selection_grows(editor: Editor, tmp_path: Path) -> None:
    uri = editor.open_file(tmp_path / "a.py")
    found = await editor.client.text_document_selection_range_async(
        lsp.SelectionRangeParams(
            lsp.TextDocumentIdentifier(uri), [lsp.Position(9, 25), lsp.Position(0, 8)]
        )
    )
    assert found is not None
    assert len(found) == 2
    sizes: list[tuple[int, int, int, int]] = []
    each: lsp.SelectionRange | None = found[0]
    while each is not None:
        start, end = each.range.start, each.range.end
        sizes.append((start.line, start.character, end.line, end.character))
        each = each.parent
    assert sizes[0] == (9, 23, 9, 28)
    assert sizes[1] == (9, 16, 9, 28)
    assert sizes[-1][0] == 0
    assert (7, 0, 12, 16) in sizes


async def test_who_calls_and_what_is_called(editor: Editor, tmp_path: Path) -> None:
    uri = editor.open_file(tmp_path / "a.py")
    [item] = await editor.client.text_document_prepare_call_hierarchy_async(
        lsp.CallHierarchyPrepareParams(**at(uri, 7, 5))
    ) or [None]
    assert item is not None
    assert (item.name, item.kind) == ("work", lsp.SymbolKind.Function)
    calls = await asyncio.wait_for(
        editor.client.call_hierarchy_incoming_calls_async(
            lsp.CallHierarchyIncomingCallsParams(item)
        ),
        PATIENCE,
    )
    found = [(each.from_.name, [at.start.line for at in each.from_ranges]) for each in calls or ()]
    assert found == [("test_value", [16, 17]), ("outer", [5])]
    [outer] = [each.from_ for each in calls or () if each.from_.name == "outer"]
    called = await editor.client.call_hierarchy_outgoing_calls_async(
        lsp.CallHierarchyOutgoingCallsParams(outer)
    )
    assert called is not None
    [call] = called
    assert (call.to.name, call.to.uri) == ("work", uri)
    assert [each.start.line for each in call.from_ranges] == [5]


async def test_entry_points_and_tests_have_lenses(editor: Editor, tmp_path: Path) -> None:
    async def lenses(name: str, language: str) -> list[tuple[str, int]]:
        uri = editor.open_file(tmp_path / name, language)
        found = await editor.client.text_document_code_lens_async(
            lsp.CodeLensParams(lsp.TextDocumentIdentifier(uri))
        )
        return [(e.command.title, e.range.start.line) for e in found or () if e.command]

    assert await lenses("a.py", "python") == [("Run", 0), ("Run test", 15)]
    assert await lenses("c.go", "go") == [("Run", 0), ("Run", 2)]
