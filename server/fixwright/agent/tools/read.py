"""`read`: a file's lines behind anchors, as the draft has them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pydantic import Field

from fixwright.agent.edits.anchors import shown, version_of
from fixwright.agent.tools.arguments import Arguments
from fixwright.agent.tools.spec import Outcome, Refused
from fixwright.agent.tools.typed import TypedTool
from fixwright.workspace.document import UnknownDocument

if TYPE_CHECKING:
    from fixwright.agent.desk import Desk
    from fixwright.agent.tools.spec import Effect

MOST_LINES = 2000
_MOST_CHARACTERS = 36_000


class ReadArguments(Arguments):
    """What `read` takes."""

    path: str
    start_line: int = Field(default=1, ge=1)
    end_line: int | None = Field(default=None, ge=1, description="Default: to the end.")


class ReadTool(TypedTool[ReadArguments]):
    """Shows a file."""

    name = "read"
    description = (
        "Read a file with your edits in it. Each line stands behind an anchor (12:k4fz|), which"
        f" edit takes; so does the version. At most {MOST_LINES} lines."
    )
    effect: Effect = "read"

    def __init__(self) -> None:
        super().__init__(ReadArguments)

    def paths(self, given: ReadArguments, desk: Desk) -> tuple[str, ...]:
        """The file."""
        return (desk.names.of(desk.names.uri(given.path)),)

    def sentence(self, given: ReadArguments) -> str:
        """As a person is asked."""
        return f"read {given.path}"

    async def work(self, given: ReadArguments, desk: Desk) -> Outcome:
        """Show it."""
        uri = desk.names.uri(given.path)
        try:
            document = await asyncio.to_thread(desk.draft.document, uri)
        except UnknownDocument as error:
            raise Refused(f"{error} Use search to find the file.") from error
        text = document.text
        count = text.line_count if text.line(text.line_count - 1) else text.line_count - 1
        first = given.start_line - 1
        last = min(given.end_line or count, count, first + MOST_LINES)
        if count and first >= count:
            raise Refused(f"{given.path} has {count} lines.")
        lines = await asyncio.to_thread(shown, text, first, last)
        if len(lines) > _MOST_CHARACTERS:
            lines = lines[:_MOST_CHARACTERS].rpartition("\n")[0]
            last = first + lines.count("\n") + 1
        desk.has_read(uri, text)
        rest = f"; lines {last + 1} to {count} are not shown" if last < count else ""
        head = f"{desk.names.of(uri)} version {version_of(text)}, {count} lines{rest}"
        if not document.writable:
            head += "; it is not UTF-8 and can't be edited"
        return Outcome(f"{head}\n{lines}")
