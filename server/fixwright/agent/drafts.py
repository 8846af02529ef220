"""A draft as a session remembers it: which names, from which text to which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixwright.agent.sessions.records import digest_of

if TYPE_CHECKING:
    from fixwright.workspace.document import Document
    from fixwright.workspace.draft import Draft


def recorded(draft: Draft) -> tuple[list[dict[str, object]], tuple[str, ...]]:
    """The changes as JSON, and the texts that they name by digest."""
    texts: dict[str, str] = {}

    def kept(document: Document | None) -> str | None:
        if document is None:
            return None
        key = digest_of(document.text.value)
        texts[key] = document.text.value
        return key

    changes: list[dict[str, object]] = [
        {
            "op": change.kind,
            "uri": change.uri,
            "from": change.moved_from,
            "before": kept(change.before),
            "after": kept(change.after),
        }
        for _, change in sorted(draft.changed.items())
    ]
    return changes, tuple(texts.values())
