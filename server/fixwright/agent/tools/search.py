"""`search`: text, regular expressions and symbols; what the editor shows counts before the disk."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from fixwright.agent.tools.arguments import Arguments
from fixwright.agent.tools.spec import Outcome, Refused
from fixwright.agent.tools.typed import TypedTool
from fixwright.index.text_search import (
    BadPattern,
    SearchEnd,
    TextQuery,
    compiled,
    literal_in,
    matches,
    search,
    wants,
)
from fixwright.index.workspace_index import IndexUnavailable, WorkspaceIndex
from fixwright.workspace.paths import canonical, path_to_uri

if TYPE_CHECKING:
    from fixwright.agent.desk import Desk
    from fixwright.agent.tools.spec import Effect

_WAIT = "Wait a moment, or use run with grep."


class SearchArguments(Arguments):
    """What `search` takes."""

    pattern: str = Field(min_length=1, max_length=1000)
    kind: Literal["text", "regex", "symbol"] = Field(
        default="text",
        description="text: as written; regex: Python's; symbol: definitions by (parts of) a name.",
    )
    glob: str | None = Field(default=None, description="Only these files: src/*.py, *.ts")
    max_results: int = Field(default=50, ge=1, le=500)


class SearchTool(TypedTool[SearchArguments]):
    """Finds text and definitions."""

    name = "search"
    description = "Search the workspace with your edits in it. Results are path:line: text."
    effect: Effect = "read"

    def __init__(self) -> None:
        super().__init__(SearchArguments)

    def sentence(self, given: SearchArguments) -> str:
        """As a person is asked."""
        return f"search for {given.pattern!r}"

    async def work(self, given: SearchArguments, desk: Desk) -> Outcome:
        """Search."""
        if desk.index is None:
            raise Refused("There is no index, because no folder is open. Use read.")
        try:
            if given.kind == "symbol":
                lines = await _symbols(given, desk, desk.index)
            else:
                lines = await _text(given, desk, desk.index)
        except BadPattern as error:
            raise Refused(f"{error}") from error
        except IndexUnavailable as error:
            raise Refused(f"The index can't be asked: {error} {_WAIT}") from error
        if not lines:
            where = f" in {given.glob}" if given.glob else ""
            return Outcome(f"Nothing found for {given.pattern!r}{where}.")
        return Outcome("\n".join(lines))


async def _symbols(given: SearchArguments, desk: Desk, index: WorkspaceIndex) -> list[str]:
    lines: list[str] = []
    names = desk.names
    async with aclosing(index.symbols(given.pattern, given.max_results)) as parts:
        async for part in parts:
            for hit in part:
                name = names.of(path_to_uri(Path(hit.path)))
                within = f" in {hit.owner}" if hit.owner else ""
                lines.append(f"{name}:{hit.line + 1}: {hit.kind} {hit.name}{within}")
    return lines[: given.max_results]


async def _text(given: SearchArguments, desk: Desk, index: WorkspaceIndex) -> list[str]:
    query = TextQuery(
        given.pattern,
        is_regex=given.kind == "regex",
        files=(given.glob,) if given.glob else (),
    )
    names = desk.names
    found: list[tuple[str, str]] = []
    pattern, literal = compiled(query), literal_in(query)
    for change in desk.draft.changed.values():  # what the draft holds is not in the index
        name = names.of(change.uri)
        if change.after is not None and wants(query.files, name):
            rows = matches(change.after.text.value, pattern, literal, given.max_results + 1)
            found += [(name, _line(name, row[0], row[3])) for row in rows]
    changed = {canonical(change.uri) for change in desk.draft.changed.values()}
    async with aclosing(search(index, query, given.max_results + 1)) as parts:
        async for part in parts:
            if isinstance(part, SearchEnd):
                found += [("", f"({path} was given up: it took too long)") for path in part.slow]
                continue
            for hit in part:
                uri = path_to_uri(Path(hit.path))
                if canonical(uri) not in changed:
                    name = names.of(uri)
                    found.append((name, _line(name, hit.line, hit.text)))
    lines = await asyncio.to_thread(_readable, found, desk)
    if len(lines) > given.max_results:
        return [*lines[: given.max_results], "… there are more: narrow the pattern or the glob."]
    return lines


def _readable(found: list[tuple[str, str]], desk: Desk) -> list[str]:
    """Without the lines of files that may not be seen. I/O: it follows links."""
    allowed = {name: desk.readable(name) for name in {name for name, _ in found} if name}
    return [line for name, line in found if allowed.get(name, True)]


def _line(name: str, line: int, text: str) -> str:
    return f"{name}:{line + 1}: {text.strip()}"
