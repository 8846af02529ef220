"""`file_op`: create, rename and delete files, in the draft."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from fixwright.agent.tools.arguments import Arguments
from fixwright.agent.tools.spec import Outcome, Refused
from fixwright.agent.tools.typed import TypedTool
from fixwright.workspace.draft_change import DraftError

if TYPE_CHECKING:
    from fixwright.agent.desk import Desk
    from fixwright.agent.tools.spec import Effect
    from fixwright.workspace.draft import Draft


class FileOpArguments(Arguments):
    """What `file_op` takes."""

    op: Literal["create", "rename", "delete"]
    path: str
    to: str | None = Field(default=None, description="rename: the new path.")
    text: str | None = Field(default=None, description="create: the file's content.")


class FileOpTool(TypedTool[FileOpArguments]):
    """Proposes files to come, to move and to go; nothing is overwritten."""

    name = "file_op"
    description = (
        "Create (with text), rename or delete a file. It never overwrites: to change a file that is"
        " there, use edit."
    )
    effect: Effect = "draft"

    def __init__(self) -> None:
        super().__init__(FileOpArguments)

    def paths(self, given: FileOpArguments, desk: Desk) -> tuple[str, ...]:
        """The file, and its new name."""
        given_names = [given.path, *([given.to] if given.to else [])]
        return tuple(desk.names.of(desk.names.uri(name)) for name in given_names)

    def sentence(self, given: FileOpArguments) -> str:
        """As a person is asked."""
        return f"{given.op} {given.path}" + (f" to {given.to}" if given.to else "")

    async def work(self, given: FileOpArguments, desk: Desk) -> Outcome:
        """Put it into the draft."""
        draft = await asyncio.to_thread(_changed, given, desk)
        desk.draft = draft
        done = {"create": "created", "rename": "renamed", "delete": "deleted"}[given.op]
        where = f" to {given.to}" if given.to else ""
        return Outcome(f"{given.path} is {done}{where} in the draft.", draft=draft)


def _changed(given: FileOpArguments, desk: Desk) -> Draft:
    uri = desk.names.uri(given.path)
    try:
        match given.op:
            case "create":
                return desk.draft.create(uri, given.text or "")
            case "delete":
                return desk.draft.delete(uri)
            case "rename":
                if not given.to:
                    raise Refused("rename needs `to`, the new path.")
                return desk.draft.rename(uri, desk.names.uri(given.to))
    except DraftError as error:
        raise Refused(str(error)) from error
