"""`edit`: changes to one file, in the draft: all of a call, or none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pydantic import Field

from fixwright.agent.edits.anchors import shown, version_of
from fixwright.agent.edits.apply import apply_edits
from fixwright.agent.edits.model import Applied, Edit, LineEdit, Refusal, TextEdit
from fixwright.agent.tools.arguments import Arguments
from fixwright.agent.tools.spec import Outcome, Refused
from fixwright.agent.tools.typed import TypedTool
from fixwright.secrets import MARK
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.draft_change import DraftError

if TYPE_CHECKING:
    from fixwright.agent.desk import Desk
    from fixwright.agent.tools.spec import Effect
    from fixwright.workspace.draft import Draft
    from fixwright.workspace.text import Text

_AROUND = 2
_MOST_SHOWN = 60


class OneEdit(Arguments):
    """Either lines by their anchors, or a text by itself."""

    anchor_start: str | None = Field(default=None, description="First line to replace: 12:k4fz")
    anchor_end: str | None = Field(default=None, description="Last one. Default: the first.")
    old: str | None = Field(default=None, description="Instead of anchors: the exact text.")
    count: int = Field(default=1, ge=1, description="How often old stands in the file.")
    new: str = Field(description="What stands there instead.")

    def edit(self, number: int) -> Edit:
        """As `edits` takes it. Raises `Refused`."""
        if MARK.search(self.new):
            raise Refused(
                f"edits[{number}].new holds a mark that stands for a secret, which is not shown to"
                " you. Leave the lines that hold it as they are."
            )
        if self.old is not None and self.anchor_start is None and self.anchor_end is None:
            return TextEdit(self.old, self.new, self.count)
        if self.old is None and self.anchor_start is not None:
            return LineEdit(self.anchor_start, self.anchor_end or self.anchor_start, self.new)
        raise Refused(
            f"edits[{number}] needs either old, or anchor_start (and anchor_end), not both."
        )


class EditArguments(Arguments):
    """What `edit` takes."""

    path: str
    version: str | None = Field(default=None, description="As read gave it.")
    edits: list[OneEdit] = Field(min_length=1, max_length=100)


class EditTool(TypedTool[EditArguments]):
    """Changes a file that is there."""

    name = "edit"
    description = (
        "Change a file: replace lines by their anchors, or old by new (old must stand there once)."
        " All edits of a call are over the text as you read it, and all are made or none."
    )
    effect: Effect = "draft"

    def __init__(self) -> None:
        super().__init__(EditArguments)

    def paths(self, given: EditArguments, desk: Desk) -> tuple[str, ...]:
        """The file."""
        return (desk.names.of(desk.names.uri(given.path)),)

    def sentence(self, given: EditArguments) -> str:
        """As a person is asked."""
        return f"change {given.path}"

    async def work(self, given: EditArguments, desk: Desk) -> Outcome:
        """Make the edits."""
        uri = desk.names.uri(given.path)
        edits = [each.edit(number) for number, each in enumerate(given.edits)]
        draft, applied = await asyncio.to_thread(_edited, desk, uri, given, edits)
        desk.draft = draft
        desk.has_read(uri, draft.document(uri).text)
        return Outcome(_told(desk.names.of(uri), applied), draft=draft)


def _edited(desk: Desk, uri: str, given: EditArguments, edits: list[Edit]) -> tuple[Draft, Applied]:
    try:
        text = desk.draft.document(uri).text
        done = apply_edits(text, edits, version=given.version, read=desk.texts_read(uri))
        if isinstance(done, Refusal):
            raise Refused(done.message)
        return desk.draft.edit_all(uri, done.changes), done
    except UnknownDocument as error:
        raise Refused(f"{error} To make a new file use file_op.") from error
    except DraftError as error:
        raise Refused(str(error)) from error


def _told(name: str, applied: Applied) -> str:
    """How each was found, and the lines as they are now."""
    text = applied.text
    parts = [f"{name} version {version_of(text)}"]
    for number, placed in enumerate(applied.placed, 1):
        first, last = placed.after
        how = "" if placed.strategy in ("exact", "anchors") else f", matched by {placed.strategy}"
        carried = ", carried over to the text of now" if placed.carried else ""
        parts.append(f"edit {number}{how}{carried}:")
        parts.append(_lines(text, first, last))
    return "\n".join(parts)


def _lines(text: Text, first: int, last: int) -> str:
    start, end = max(0, first - _AROUND), min(last + _AROUND, text.line_count)
    if end - start > _MOST_SHOWN:
        head = shown(text, start, start + _MOST_SHOWN // 2)
        return f"{head}\n…\n{shown(text, end - _MOST_SHOWN // 2, end)}"
    return shown(text, start, end)
