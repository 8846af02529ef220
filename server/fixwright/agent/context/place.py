"""Where the user is, as the newest message says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixwright.agent.naming import Names

if TYPE_CHECKING:
    from fixwright.workspace.document import Document
    from fixwright.workspace.position import Range
    from fixwright.workspace.snapshot import Snapshot

_MOST_SELECTED = 8000


def place_text(snapshot: Snapshot, document: Document, selected: Range | None) -> str:
    """The open file and its selection, if there is one."""
    name = Names(snapshot).of(document.uri)
    lines = [f"The user looks at {name} ({document.language})."]
    if selected is not None:
        first, last = selected.start.line + 1, selected.end.line + 1
        where = f"line {first}" if first == last else f"lines {first} to {last}"
        text = document.text.slice(selected)
        if text.strip() and len(text) <= _MOST_SELECTED:
            lines.append(f"Selected is {where}:\n{text}")
        else:
            lines.append(f"The place is {where}.")
    return "\n".join(lines)
