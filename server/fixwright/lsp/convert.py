"""Between the editor's positions and ours."""

from __future__ import annotations

from lsprotocol import types as lsp

from fixwright.workspace.position import Range
from fixwright.workspace.text import Encoding, Text


def to_lsp(text: Text, place: Range, encoding: Encoding) -> lsp.Range:
    """Our range over `text`, in the editor's units."""
    start = text.to_client(place.start, encoding)
    end = text.to_client(place.end, encoding)
    return lsp.Range(start=lsp.Position(*start), end=lsp.Position(*end))


def from_lsp(text: Text, place: lsp.Range, encoding: Encoding) -> Range:
    """The editor's range over `text`, as ours; what is out of range is clamped."""
    start, end = place.start, place.end
    return Range(
        text.from_client(start.line, start.character, encoding),
        text.from_client(end.line, end.character, encoding),
    )
