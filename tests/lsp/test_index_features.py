"""What an editor sees of the index: the real server, real files, buffers over them."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types as lsp

from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.text import Encoding
from support.editor import editing
from support.index_editor import ALL, short, symbols, until_symbols, written
from support.needs import needs

FILES = {
    "bank.py": "class Account:\n    def deposit(self, amount):\n        return amount\n",
    "web/cart.ts": "export function total(items: number[]): number { return items.length }\n",
    "wide.py": "pass\ns = '𝒳é'; wider = 1\n",
}


async def test_symbols_of_all_languages(tmp_path: Path) -> None:
    async with editing(written(tmp_path, FILES), settings=ALL) as editor:
        [found] = await until_symbols(editor, "dpst", {"deposit"})
        assert (found.kind, found.container_name) == (lsp.SymbolKind.Method, "Account")
        assert short(found.location) == ("bank.py", 1, 8)
        [total] = await until_symbols(editor, "total", {"total"})
        assert short(total.location) == ("cart.ts", 0, 16)
        status = await editor.command("fixwright.status", {})
        assert status["index"]["files"] == len(FILES)


async def test_symbols_come_in_parts(tmp_path: Path) -> None:
    text = "".join(f"def many_{n}(): pass\n" for n in range(450))
    async with editing(written(tmp_path, {"a.py": text}), settings=ALL) as editor:
        await until_symbols(editor, "many", {f"many_{n}" for n in range(450)})
        assert await symbols(editor, "many", "parts") == []
        parts = [value for token, value in editor.shown.progress if token == "parts"]
        assert len(parts) > 1
        assert sum(len(part) for part in parts) == 450


@pytest.mark.parametrize(
    ("encoding", "column"), [(Encoding.UTF8, 14), (Encoding.UTF16, 11), (Encoding.UTF32, 10)]
)
async def test_columns_are_in_the_editors_units(
    tmp_path: Path, encoding: Encoding, column: int
) -> None:
    async with editing(written(tmp_path, FILES), settings=ALL, encoding=encoding) as editor:
        [found] = await until_symbols(editor, "wider", {"wider"})
        assert short(found.location) == ("wide.py", 1, column)


async def test_what_is_typed_counts_and_not_the_disk(tmp_path: Path) -> None:
    async with editing(written(tmp_path, FILES), settings=ALL) as editor:
        await until_symbols(editor, "deposit", {"deposit"})
        uri = editor.open_file(tmp_path / "bank.py")
        editor.insert(uri, 0, 0, "\n\n")
        [found] = await until_symbols(editor, "deposit", {"deposit"})
        assert short(found.location) == ("bank.py", 3, 8)
        editor.open("untitled:Untitled-1", "def unsaved_one(): pass\n")
        [found] = await until_symbols(editor, "unsaved", {"unsaved_one"})
        assert found.location.uri == "untitled:Untitled-1"
        editor.close(uri)
        [found] = await until_symbols(editor, "deposit", {"deposit"})
        assert short(found.location) == ("bank.py", 1, 8)


@pytest.mark.parametrize("watches", [True, False])
async def test_the_disk_is_followed(tmp_path: Path, watches: bool) -> None:
    async with editing(written(tmp_path, FILES), settings=ALL, watches=watches) as editor:
        await until_symbols(editor, "deposit", {"deposit"})
        (tmp_path / "new.go").write_text("package a\n\nfunc BrandNew() {}\n")
        (tmp_path / "bank.py").unlink()
        if watches:
            await editor.until(lambda: editor.shown.registrations)
            kinds = lsp.FileChangeType
            changes = [
                lsp.FileEvent(path_to_uri(tmp_path / "new.go"), kinds.Created),
                lsp.FileEvent(path_to_uri(tmp_path / "bank.py"), kinds.Deleted),
            ]
            editor.client.workspace_did_change_watched_files(
                lsp.DidChangeWatchedFilesParams(changes)
            )
        assert bool(editor.shown.registrations) == watches
        await until_symbols(editor, "BrandNew", {"BrandNew"})
        await until_symbols(editor, "deposit", set())


async def test_folders_come_and_go(tmp_path: Path) -> None:
    one = written(tmp_path / "one", {"a.py": "def first_here(): pass\n"})
    two = written(tmp_path / "two", {"b.py": "def second_here(): pass\n"})
    async with editing([one, two], settings=ALL) as editor:
        await until_symbols(editor, "here", {"first_here", "second_here"})
        gone = lsp.WorkspaceFolder(path_to_uri(one), "w")
        event = lsp.WorkspaceFoldersChangeEvent(added=[], removed=[gone])
        editor.client.workspace_did_change_workspace_folders(
            lsp.DidChangeWorkspaceFoldersParams(event)
        )
        await until_symbols(editor, "here", {"second_here"})


async def test_off_means_no_process_and_on_needs_no_restart(tmp_path: Path) -> None:
    settings = {"index": {"features": "off"}}
    async with editing(written(tmp_path, FILES), settings=settings) as editor:
        assert await symbols(editor, "deposit") == []
        assert (await editor.command("fixwright.status", {}))["index"] is None
        editor.client._configuration[""]["fixwright"]["index"] = {"features": "all"}
        editor.client.workspace_did_change_configuration(
            lsp.DidChangeConfigurationParams(settings={})
        )
        await until_symbols(editor, "deposit", {"deposit"})


async def test_a_cold_index_shows_progress(tmp_path: Path) -> None:
    body = "def shared(value):\n    return value\n" * 20
    files = {f"p{n % 50}/m{n}.py": f"def function_{n}(): pass\n{body}" for n in range(3000)}
    async with editing(written(tmp_path, files), settings=ALL) as editor:
        await until_symbols(editor, "function_2999", {"function_2999"})

        def told(kind: str) -> list[str]:
            return [
                value.get("title") or value["message"]
                for _, value in editor.shown.progress
                if value["kind"] == kind
            ]

        await editor.until(lambda: told("end"), "the end of the progress")
        assert told("begin") == ["Indexing"]
        assert told("end") == ["3000 files"]


@pytest.mark.bubblewrap
@pytest.mark.parametrize("features", ["all", "off"])
async def test_a_fix_imports_what_another_file_defines(tmp_path: Path, features: str) -> None:
    needs("bubblewrap")
    helper = {"lib/handy.py": "def helper_of_ours():\n    return 42\n", "lib/__init__.py": ""}
    root = written(tmp_path, {**helper, "main.py": "print(helper_of_ours())\n"})
    settings = {"index": {"features": features}, "sandbox": {"backend": "bubblewrap"}}
    async with editing(root, settings=settings) as editor:
        uri = editor.open_file(root / "main.py")
        await editor.run(uri)
        [diagnostic] = await editor.diagnostics(uri, 1)
        fixed = await editor.fix(uri, diagnostic)
        assert fixed["status"] == "verified", fixed["reason"]
        assert "from lib.handy import helper_of_ours" in editor.text(uri)
