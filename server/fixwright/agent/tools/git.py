"""`git`: what the repository says. Git runs hardened, and writes nothing."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from fixwright.agent.tools.arguments import Arguments
from fixwright.agent.tools.shown import clipped
from fixwright.agent.tools.spec import Outcome, Refused
from fixwright.agent.tools.typed import TypedTool
from fixwright.workspace.gitfiles import git

if TYPE_CHECKING:
    from pathlib import Path

    from fixwright.agent.desk import Desk
    from fixwright.agent.tools.spec import Effect

_REVISION = re.compile(r"[A-Za-z0-9_][\w./~^@{}-]{0,200}")
_FILE_OF_DIFF = re.compile(r"^(?=diff --git )", re.MULTILINE)
_NAMES_OF_DIFF = re.compile(r"diff --git a/(.+) b/(.+)")
_PROGRAMS_OFF = ("--no-ext-diff", "--no-textconv")
"""A repository may name programs that show its files."""


class GitArguments(Arguments):
    """What `git` takes."""

    op: Literal["status", "diff", "log", "blame", "draft"] = Field(
        description="draft: the diff of your own edits, which git does not know of."
    )
    path: str | None = Field(default=None, description="Only this file or folder.")
    revision: str | None = Field(default=None, description="diff, log and blame: as of this.")
    start_line: int | None = Field(default=None, ge=1, description="blame: the first line.")
    end_line: int | None = Field(default=None, ge=1, description="blame: the last line.")
    max_count: int = Field(default=20, ge=1, le=200, description="log: commits.")


class GitTool(TypedTool[GitArguments]):
    """Shows a repository's state and history."""

    name = "git"
    description = (
        "Look at the repository: status, diff, log, blame; or the diff of your own edits (draft)."
    )
    effect: Effect = "read"

    def __init__(self) -> None:
        super().__init__(GitArguments)

    def paths(self, given: GitArguments, desk: Desk) -> tuple[str, ...]:
        """The file that is asked about."""
        del desk
        return () if given.path is None else (given.path,)

    def sentence(self, given: GitArguments) -> str:
        """As a person is asked."""
        return f"look at git {given.op} {given.path or ''}".rstrip()

    async def work(self, given: GitArguments, desk: Desk) -> Outcome:
        """Ask git."""
        if given.op == "draft":
            diff = await asyncio.to_thread(desk.draft.diff)
            return Outcome(clipped(diff) or "The draft changes nothing yet.")
        folder, inside = desk.names.folder(given.path or ".")
        if given.revision is not None and not _REVISION.fullmatch(given.revision):
            raise Refused(f"{given.revision!r} is not a revision that can be asked for.")
        said = await asyncio.to_thread(_asked, folder.path, given, inside)
        if said is None:
            raise Refused(
                f"git {given.op} gave no answer: {folder.path.name} may be no repository, or git"
                " knows no such path or revision."
            )
        text = said.decode("utf-8", "replace")
        if given.op == "diff":
            text = await asyncio.to_thread(_readable, text, desk)
        return Outcome(clipped(text).strip() or "(nothing)")


def _readable(diff: str, desk: Desk) -> str:
    """Without the files that may not be seen. I/O: it follows links."""
    kept: list[str] = []
    for section in _FILE_OF_DIFF.split(diff):
        named = _NAMES_OF_DIFF.match(section)
        hidden = [] if named is None else [x for x in named.groups() if not desk.readable(x)]
        kept.append(f"diff of {hidden[0]}: it is not shown\n" if hidden else section)
    return "".join(kept)


def _asked(directory: Path, given: GitArguments, path: str) -> bytes | None:
    revision = () if given.revision is None else (given.revision,)
    match given.op:
        case "status":
            return git(directory, "status", "--short", "--branch", "--", path)
        case "diff":
            return git(directory, "diff", *_PROGRAMS_OFF, *(revision or ("HEAD",)), "--", path)
        case "log":
            form = "--format=%h %ad %an: %s"
            count = f"--max-count={given.max_count}"
            return git(directory, "log", form, "--date=short", count, *revision, "--", path)
        case _:
            if path == ".":
                raise Refused("blame needs a path.")
            first = given.start_line or 1
            lines = f"-L{first},{given.end_line or first + 200}"
            short = git(directory, "blame", "--date=short", lines, *revision, "--", path)
            return short or git(directory, "blame", "--date=short", *revision, "--", path)
