"""The guide to editors says what the server says."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pydantic import BaseModel

from fixwright.config import Settings
from fixwright.lsp import names

GUIDE = (Path(__file__).parents[2] / "docs" / "editors.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+\.[\w.]+)` \| (.*?) \|", GUIDE, re.MULTILINE))
SIZES = {512 << 20: "512m", 8 << 20: "8m"}


def documented(default: object) -> str:
    """A default as the guide writes it."""
    shown = SIZES.get(default, default) if isinstance(default, int) else default
    return f"`{json.dumps(shown)}`"


def test_every_setting_has_a_row_with_its_default() -> None:
    for section, field in Settings.model_fields.items():
        kind = field.annotation
        assert isinstance(kind, type)
        assert issubclass(kind, BaseModel)
        for name, inner in kind.model_fields.items():
            row = ROWS[f"{section}.{inner.alias or name}"]
            default = inner.get_default(call_default_factory=True)
            if default is None:
                assert "`" not in row
            else:
                assert row == documented(default)


def test_no_row_is_about_something_else() -> None:
    commands = {name for name in ROWS if name.startswith("fixwright.")}
    assert commands == set(names.COMMANDS)
    keys = {
        f"{section}.{inner.alias or name}"
        for section, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        for name, inner in field.annotation.model_fields.items()
    }
    assert set(ROWS) - commands == keys
