"""The workspace's own rules for agents: AGENTS.md and CLAUDE.md, read as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.paths import path_to_uri

if TYPE_CHECKING:
    from fixwright.workspace.draft import Draft

FILES = ("AGENTS.md", "CLAUDE.md")
LONGEST = 20_000
"""Characters of one file; the rest is left out, and the model is told so."""


@dataclass(frozen=True, slots=True)
class Instructions:
    """One file of rules."""

    name: str
    text: str


def instructions_in(draft: Draft) -> tuple[Instructions, ...]:
    """The rules at the roots of the workspace, as the editor shows them. Reads the disk.

    Of two files with the same text, as where one links to the other, the first counts.
    """
    found: list[Instructions] = []
    for folder in draft.folders:
        for name in FILES:
            uri = path_to_uri(folder.path / name)
            try:
                text = draft.text(uri).strip()
            except UnknownDocument:
                continue
            if len(text) > LONGEST:
                text = f"{text[:LONGEST]}\n(cut: {len(text) - LONGEST:,} characters are left out)"
            shown = name if len(draft.folders) == 1 else f"{folder.name}/{name}"
            if text and all(text != each.text for each in found):
                found.append(Instructions(shown, text))
    return tuple(found)
