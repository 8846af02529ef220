"""Where the cells of a file are."""

from __future__ import annotations

import pytest

from fixwright.runs.cells import Cell, cells_in, touched
from fixwright.workspace.position import Position, Range
from fixwright.workspace.text import Text


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("x = 1\n", ()),
        ("", ()),
        ("# %%\nx\n", (Cell(0, 2),)),
        ("import os\n# %% one\nx\n#%%\ny", (Cell(0, 0), Cell(1, 2), Cell(3, 4))),
        ("\n\n# %%\n# %% [markdown]\n", (Cell(2, 2), Cell(3, 4))),
        ("def f():\n    # %%\n    pass\n", ()),
        ("x = '%%'\n", ()),
    ],
)
def test_cells(text: str, cells: tuple[Cell, ...]) -> None:
    assert cells_in(Text(text), "python") == cells


@pytest.mark.parametrize(
    ("language", "marker"),
    [("shellscript", "# %%"), ("javascript", "// %%"), ("typescriptreact", "//%%")],
)
def test_cells_of_other_languages(language: str, marker: str) -> None:
    text = Text(f"{marker} one\nx\n{marker}\ny")
    assert cells_in(text, language) == (Cell(0, 1), Cell(2, 3))


def test_no_cells_where_no_interpreter_can_be_kept() -> None:
    assert cells_in(Text("// %%\n"), "go") == ()
    assert cells_in(Text("# %%\n"), "no language") == ()


def test_cells_that_a_range_touches() -> None:
    cells = (Cell(0, 0), Cell(1, 2), Cell(3, 4))
    assert touched(cells, Range(Position(2, 5), Position(3, 0))) == cells[1:]
    assert touched(cells, Range(Position(0, 0), Position(0, 0))) == cells[:1]
