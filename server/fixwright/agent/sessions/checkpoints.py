"""What `undo` restores: the texts before the last changes that the editor took.

Only touched texts are kept, by what they hold. A text that has changed since is the user's, and is
never put back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.agent.sessions.records import digest_of
from fixwright.models.json_reading import as_count, as_list, as_object, as_text
from fixwright.workspace.paths import display_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fixwright.agent.records import Event, Journal


@dataclass(frozen=True, slots=True)
class Touched:
    """A document that the editor changed: digests of its text before and after.

    `before` None: it was created; `after` None: it was deleted, or renamed away.
    """

    uri: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Changes that the editor took in one step.

    Attributes:
        seq: of their event; what `undone` names as `applied`.
        label: what they were called in the editor.
        documents: the texts.
        written: paths that runs of the same turn wrote, in the sandbox.
    """

    seq: int
    label: str
    documents: tuple[Touched, ...]
    written: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """A document to be put back: its text then, or None to remove it. `present` is its text now."""

    uri: str
    present: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Undo:
    """What undoing a checkpoint comes to.

    Attributes:
        checkpoint: what is undone.
        restored: what is put back; nothing of it where anything is refused.
        refused: why not, a sentence for each document.
        remarks: what stays although everything is put back.
    """

    checkpoint: Checkpoint
    restored: tuple[Restored, ...]
    refused: tuple[str, ...]
    remarks: tuple[str, ...]


def checkpoints(events: Sequence[Event]) -> tuple[Checkpoint, ...]:
    """What can be undone, the last first."""
    undone = {as_count(each.data.get("applied")) for each in events if each.type == "undone"}
    found: list[Checkpoint] = []
    written: dict[str, None] = {}
    for event in events:
        match event.type:
            case "user":
                written = {}
            case "run":
                report = as_object(event.data.get("report"))
                for file in map(as_object, as_list(report.get("files"))):
                    written[as_text(file.get("path"))] = None
            case "applied":
                documents = tuple(map(_touched, as_list(event.data.get("documents"))))
                label = as_text(event.data.get("label"))
                found.append(Checkpoint(event.seq, label, documents, tuple(written)))
            case _:
                pass
    return tuple(each for each in reversed(found) if each.seq not in undone)


def _touched(value: object) -> Touched:
    data = as_object(value)
    before, after = data.get("before"), data.get("after")
    return Touched(
        as_text(data.get("uri")),
        before if isinstance(before, str) else None,
        after if isinstance(after, str) else None,
    )


async def undo(journal: Journal, checkpoint: Checkpoint, present: Mapping[str, str | None]) -> Undo:
    """What has to be done to undo a checkpoint, or why it can't be.

    Args:
        journal: of its session.
        checkpoint: one of `checkpoints`; earlier ones only where no later one touched the same.
        present: the text of each of its documents now, by the URI that it has there; None where
            there is none.
    """
    restored: list[Restored] = []
    refused: list[str] = []
    for touched in checkpoint.documents:
        now = present.get(touched.uri)
        why = _objection(touched, now)
        text = None
        if why is None and touched.before is not None:
            try:
                text = await journal.text(touched.before)
            except KeyError:
                why = "its text before was not kept, because it holds a secret."
        if why is None:
            restored.append(Restored(touched.uri, now, text))
        else:
            refused.append(f"{display_name(touched.uri)} is not put back: {why}")
    return Undo(
        checkpoint, () if refused else tuple(restored), tuple(refused), _remarks(checkpoint)
    )


def _objection(touched: Touched, now: str | None) -> str | None:
    if now is None and touched.after is not None:
        return "it is gone."
    if now is not None and touched.after is None:
        return "there is a file of this name again."
    if now is not None and digest_of(now) != touched.after:
        return "it has changed since. Undo that first, or take the lines back by hand."
    return None


def _remarks(checkpoint: Checkpoint) -> tuple[str, ...]:
    if not checkpoint.written:
        return ()
    some = ", ".join(checkpoint.written[:5]) + (" …" if checkpoint.written[5:] else "")
    return (
        f"What runs wrote ({some}) was written in the sandbox alone: there is nothing to undo.",
    )
