"""Definition, references and hover, in several languages, over real files and buffers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lsprotocol import types as lsp

from fixwright.workspace.paths import path_to_uri
from support.editor import PATIENCE, Editor, editing
from support.index_editor import ALL, Short, at, short, until_symbols, written

FILES = {
    "bank.py": (
        'def helper(x):\n    """Help a lot.\n\n    Really.\n    """\n    return x\n\n\n'
        "class Account:\n    def deposit(self, amount):\n        return helper(amount)\n\n"
        "    def twice(self, amount):\n        other = self.deposit(amount)\n        return other\n"
    ),
    "api.py": "from bank import helper\n",
    "use.py": "from api import helper as h\nimport bank\n\n\n"
    "def go():\n    return h(bank.Account())\n",
    "own.py": "def helper(y):\n    return y\n\n\nhelper(2)\n",
    "guess.py": "def run(thing):\n    return thing.deposit(1)\n",
    "web/cart.ts": "export function total(items: number[]) { return items.length }\n",
    "web/page.ts": "import { total } from './cart'\nconst \U0001d4b3 = 'é'; total([1])\n",
    "go.mod": "module example.com/m\n\ngo 1.22\n",
    "store/store.go": "package store\n\n// Load reads.\nfunc Load() int { return 1 }\n",
    "main.go": 'package main\n\nimport "example.com/m/store"\n\nfunc main() { store.Load() }\n',
    "lib.h": "int area(int w);\n",
    "lib.c": '#include "lib.h"\nint area(int w) { return w; }\n',
    "app.c": '#include "lib.h"\nint main(void) { return area(2); }\n',
    "src/lib.rs": "mod shapes;\nuse crate::shapes::side;\nfn all() -> i32 { side() }\n",
    "src/shapes.rs": "pub fn side() -> i32 { 4 }\n",
    "Cargo.toml": '[package]\nname = "m"\n',
}
IDS = {".py": "python", ".ts": "typescript", ".go": "go", ".c": "c", ".rs": "rust"}


@pytest.fixture
async def editor(tmp_path: Path) -> AsyncIterator[Editor]:
    async with editing(written(tmp_path, FILES), settings=ALL) as editor:
        await until_symbols(editor, "helper", {"helper"})
        yield editor


def opened(editor: Editor, folder: Path, name: str) -> str:
    uri = path_to_uri(folder / name)
    if uri not in editor.buffers:
        editor.open_file(folder / name, IDS[Path(name).suffix])
    return uri


async def definitions(editor: Editor, uri: str, line: int, character: int) -> list[Short]:
    params = lsp.DefinitionParams(**at(uri, line, character))
    found = await asyncio.wait_for(editor.client.text_document_definition_async(params), PATIENCE)
    assert isinstance(found, list)
    return [short(each) for each in found if isinstance(each, lsp.Location)]


async def references(
    editor: Editor, uri: str, line: int, character: int, *, declaration: bool = False
) -> list[Short]:
    params = lsp.ReferenceParams(
        context=lsp.ReferenceContext(include_declaration=declaration), **at(uri, line, character)
    )
    found = await asyncio.wait_for(editor.client.text_document_references_async(params), PATIENCE)
    return [short(each) for each in found or ()]


async def hover(editor: Editor, uri: str, line: int, character: int) -> str:
    params = lsp.HoverParams(**at(uri, line, character))
    found = await asyncio.wait_for(editor.client.text_document_hover_async(params), PATIENCE)
    if found is None:
        return ""
    assert isinstance(found.contents, lsp.MarkupContent)
    return found.contents.value


MEANT: tuple[tuple[str, int, int, list[Short]], ...] = (
    ("use.py", 5, 11, [("bank.py", 0, 4)]),  # renamed, and through another file
    ("use.py", 5, 19, [("bank.py", 8, 6)]),  # of a module
    ("use.py", 1, 8, [("bank.py", 0, 0)]),  # a module itself
    ("bank.py", 10, 16, [("bank.py", 0, 4)]),
    ("bank.py", 10, 22, [("bank.py", 9, 22)]),  # a parameter
    ("bank.py", 13, 22, [("bank.py", 9, 8)]),  # of self
    ("bank.py", 14, 16, [("bank.py", 13, 8)]),  # a variable
    ("own.py", 4, 2, [("own.py", 0, 4)]),
    ("guess.py", 1, 18, [("bank.py", 9, 8)]),  # by name
    ("web/page.ts", 1, 18, [("cart.ts", 0, 16)]),
    ("main.go", 4, 21, [("store.go", 3, 5)]),
    ("app.c", 1, 25, [("lib.c", 1, 4), ("lib.h", 0, 4)]),
    ("src/lib.rs", 2, 19, [("shapes.rs", 0, 7)]),
)


async def test_definition(editor: Editor, tmp_path: Path) -> None:
    wrong: list[object] = []
    for name, line, character, expected in MEANT:
        uri = opened(editor, tmp_path, name)
        found = await definitions(editor, uri, line, character)
        if found != expected:
            wrong.append((name, line, character, found, expected))
    assert wrong == []


async def test_references_follow_imports_and_then_names(editor: Editor, tmp_path: Path) -> None:
    uri = opened(editor, tmp_path, "bank.py")
    found = await references(editor, uri, 0, 5)
    assert ("bank.py", 10, 15) in found
    assert ("api.py", 0, 17) in found
    assert all(name != "own.py" for name, _, _ in found)  # it has its own
    found = await references(editor, uri, 9, 9, declaration=True)
    assert found[0] == ("bank.py", 9, 8)
    assert found[-1] == ("guess.py", 1, 17)
    assert any("by the name alone" in message for message in editor.shown.messages)
    assert await references(editor, uri, 13, 9) == [("bank.py", 14, 15)]
    both = [("bank.py", 13, 8), ("bank.py", 14, 15)]
    assert await references(editor, uri, 14, 16, declaration=True) == both


async def test_what_was_typed_this_moment_counts(editor: Editor, tmp_path: Path) -> None:
    bank = opened(editor, tmp_path, "bank.py")
    use = opened(editor, tmp_path, "use.py")
    editor.insert(bank, 0, 0, "# one line more\n")
    assert await definitions(editor, use, 5, 11) == [("bank.py", 1, 4)]
    assert "Help a lot." in await hover(editor, use, 5, 11)


async def test_hover_says_what_and_where_and_how_sure(editor: Editor, tmp_path: Path) -> None:
    text = await hover(editor, opened(editor, tmp_path, "use.py"), 5, 11)
    assert text.startswith("```python\ndef helper(x)\n```")
    assert "`bank.py:1`" in text
    assert "Really." in text
    assert "name alone" not in text
    assert "Load reads." in await hover(editor, opened(editor, tmp_path, "main.go"), 4, 21)
    assert "name alone" in await hover(editor, opened(editor, tmp_path, "guess.py"), 1, 18)
    assert not await hover(editor, opened(editor, tmp_path, "own.py"), 2, 0)


async def test_references_come_in_parts(editor: Editor, tmp_path: Path) -> None:
    uri = opened(editor, tmp_path, "bank.py")
    params = lsp.ReferenceParams(
        context=lsp.ReferenceContext(include_declaration=True),
        partial_result_token="parts",
        **at(uri, 9, 9),
    )
    found = await asyncio.wait_for(editor.client.text_document_references_async(params), PATIENCE)
    assert not found
    parts = [value for token, value in editor.shown.progress if token == "parts"]
    places = [(Path(each["uri"]).name, each["range"]["start"]["line"]) for p in parts for each in p]
    assert len(parts) > 1
    assert places[0] == ("bank.py", 9)
    assert places[-1] == ("guess.py", 1)
