"""Which of the index's features are offered, by setting and by what else answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixwright.config import Layer, configure
from fixwright.lsp.offers import Offers, served_languages


def test_auto_leaves_a_language_to_its_own_server() -> None:
    offers = Offers("auto", frozenset({"javascript", "c"}))
    assert offers.gives("symbols", "javascript")
    assert not offers.gives("hover", "tsx")
    assert not offers.gives("definition", "cpp")
    assert offers.gives("definition", "go")


def test_words_and_tables_decide() -> None:
    served = frozenset({"python"})
    assert Offers("all", served).gives("hover", "python")
    assert not Offers("off", served).gives("symbols", "go")
    assert not Offers("off", served).any
    table = Offers({"hover": True, "symbols": False}, served)
    assert table.gives("hover", "python")
    assert not table.gives("symbols", "go")
    assert not table.gives("references", "python")


def test_servers_are_known_by_their_traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert served_languages("Neovim") == frozenset()
    program = tmp_path / "bin" / "gopls"
    program.parent.mkdir()
    program.touch(mode=0o755)
    assert served_languages("Neovim") == {"go"}
    (tmp_path / ".vscode/extensions/ms-python.vscode-pylance-2025.1").mkdir(parents=True)
    assert served_languages("Visual Studio Code") == {"go", "javascript", "python"}


@pytest.mark.parametrize("value", ["off", "hover=off,calls=on", {"hover": "auto"}])
def test_the_setting_is_read(value: object) -> None:
    found = configure(Layer("test", {"index": {"features": value}}))
    assert found.problems == ()
    expected = {"hover": False, "calls": True} if value == "hover=off,calls=on" else value
    assert found.settings.index.features == expected


def test_a_wrong_feature_is_told() -> None:
    found = configure(Layer("test", {"index": {"features": {"hovering": True}}}))
    assert found.settings.index.features == "auto"
    assert len(found.problems) >= 1
    assert "index.features" in found.problems[0]
