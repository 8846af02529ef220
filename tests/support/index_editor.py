"""Questions to the index as an editor asks them, and answers in a short form."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp

from fixwright.workspace.paths import uri_to_path
from support.editor import PATIENCE, Editor

ALL = {"index": {"features": "all"}}
"""Settings that offer everything, whatever servers this machine has."""

Short = tuple[str, int, int]
"""A file's name, a line and a column."""


def written(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


def short(location: lsp.Location) -> Short:
    path = uri_to_path(location.uri)
    start = location.range.start
    return (path.name if path else location.uri, start.line, start.character)


def at(uri: str, line: int, character: int) -> Any:
    return {
        "text_document": lsp.TextDocumentIdentifier(uri),
        "position": lsp.Position(line, character),
    }


async def symbols(editor: Editor, query: str, token: str | None = None) -> list[Any]:
    params = lsp.WorkspaceSymbolParams(query=query, partial_result_token=token)
    found = await asyncio.wait_for(editor.client.workspace_symbol_async(params), PATIENCE)
    return list(found or ())


async def until_symbols(editor: Editor, query: str, names: set[str]) -> list[Any]:
    """Ask until exactly these are found: the index hears of the disk when it does."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await symbols(editor, query)
            if {each.name for each in found} == names:
                return found
