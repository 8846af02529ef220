"""Features that are announced while the server runs, and taken back, where the editor can."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

from lsprotocol import types as lsp

from fixwright.workspace.paths import path_to_uri
from support.editor import Editor, editing
from support.index_editor import ALL, at, until_symbols, written

FILES = {"bank.py": "class Account:\n    def deposit(self, amount):\n        return amount\n"}
DYNAMIC = {lsp.WORKSPACE_SYMBOL, lsp.TEXT_DOCUMENT_DEFINITION, lsp.TEXT_DOCUMENT_REFERENCES,
           lsp.TEXT_DOCUMENT_HOVER}  # fmt: skip
"""What the editor of these tests takes later; see `support.editor.capabilities`."""


def told(editor: Editor) -> set[str]:
    return {each.method for each in editor.shown.registrations}


def languages(editor: Editor, method: str) -> set[str] | None:
    """For which a method is registered; None for all."""
    [found] = [each for each in editor.shown.registrations if each.method == method]
    options = cast("dict[str, Any]", found.register_options)
    selector: list[dict[str, str]] | None = options.get("documentSelector")
    return None if selector is None else {each["language"] for each in selector}


def set_features(editor: Editor, features: object) -> None:
    editor.client._configuration[""]["fixwright"]["index"] = {"features": features}
    editor.client.workspace_did_change_configuration(lsp.DidChangeConfigurationParams(settings={}))


async def test_features_follow_the_settings(tmp_path: Path) -> None:
    async with editing(written(tmp_path, FILES), settings=ALL, registers=True) as editor:
        announced = editor.announced
        assert announced.hover_provider is None
        assert announced.workspace_symbol_provider is None
        assert announced.folding_range_provider, "the editor does not take that later"
        await editor.until(lambda: told(editor) == DYNAMIC)
        assert languages(editor, lsp.TEXT_DOCUMENT_HOVER) is None

        uri = path_to_uri(tmp_path / "bank.py")
        editor.open_file(tmp_path / "bank.py")
        await until_symbols(editor, "deposit", {"deposit"})
        params = lsp.HoverParams(**at(uri, 1, 10))
        assert await editor.client.text_document_hover_async(params) is not None

        set_features(editor, {"hover": False, "references": True, "definition": True})
        await editor.until(lambda: told(editor) == DYNAMIC - {lsp.TEXT_DOCUMENT_HOVER})
        set_features(editor, "off")
        await editor.until(lambda: not told(editor))
        set_features(editor, "all")
        await editor.until(lambda: told(editor) == DYNAMIC)
        ids = [each.id for each in editor.shown.registrations]
        assert len(ids) == len(set(ids))


async def test_a_language_with_a_server_of_its_own_is_left_to_it(tmp_path: Path) -> None:
    program = tmp_path / "bin/gopls"
    program.parent.mkdir()
    program.touch(mode=0o755)
    environment = {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    root = written(tmp_path / "work", FILES)
    settings = {"index": {"features": "auto"}}
    async with editing(root, settings=settings, environment=environment, registers=True) as editor:
        await editor.until(lambda: lsp.TEXT_DOCUMENT_HOVER in told(editor))
        found = languages(editor, lsp.TEXT_DOCUMENT_HOVER)
        assert found is not None
        assert "go" not in found
        assert found, "no machine has a server for everything"
        set_features(editor, "all")
        await editor.until(
            lambda: (
                lsp.TEXT_DOCUMENT_HOVER in told(editor)
                and languages(editor, lsp.TEXT_DOCUMENT_HOVER) is None
            )
        )


async def test_other_editors_are_told_of_everything_at_once(tmp_path: Path) -> None:
    async with editing(written(tmp_path, FILES), settings=ALL) as editor:
        announced = editor.announced
        assert announced.hover_provider
        assert announced.definition_provider
        assert announced.call_hierarchy_provider
        assert announced.workspace_symbol_provider
        await until_symbols(editor, "deposit", {"deposit"})
        assert told(editor) == set()
