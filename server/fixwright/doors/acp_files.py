"""Files as an ACP client shows them, and changes handed to it; needs the extra `acp`.

The protocol has no versions and writes whole texts. So a text is written only where the client has
just shown that it still holds what the change was made over.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from acp import RequestError

from fixwright.agent.delivery import Touch
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.paths import display_name, uri_to_path

if TYPE_CHECKING:
    import acp

    from fixwright.workspace.draft import Draft
    from fixwright.workspace.snapshot import Snapshot


class NotWritten(Exception):
    """Changes were not handed over; the message says which file was in the way and why."""


@dataclass(frozen=True)
class ClientFiles:
    """One session's files in the client."""

    client: acp.Client
    session: str

    async def shown(self, snapshot: Snapshot, uris: list[str]) -> Snapshot:
        """The snapshot with these documents as the client shows them, unsaved changes included."""
        for uri in uris:
            text = await self.text(uri)
            try:
                known = await asyncio.to_thread(snapshot.document, uri)
            except UnknownDocument:
                continue  # it is new, or no text
            if text is not None and not _same(text, known.text.value):
                version = (known.version or 0) + 1
                snapshot = snapshot.opened(uri, known.language, version, text)
        return snapshot

    async def text(self, uri: str) -> str | None:
        """What the client shows; None where it shows nothing under this name."""
        path = uri_to_path(uri)
        if path is None:
            return None
        try:
            answer = await self.client.read_text_file(session_id=self.session, path=str(path))
        except RequestError:
            return None
        return answer.content

    async def write(self, draft: Draft) -> tuple[Touch, ...]:
        """Hand all changes over, each only onto the text that it was made over.

        Returns:
            What was changed.

        Raises:
            NotWritten: nothing has changed, or what could not be taken back is named.
        """
        done: list[Touch] = []
        for change in draft.changed.values():
            name, before, after = display_name(change.uri), change.before, change.after
            if after is None or change.moved_from:
                raise NotWritten(
                    f"{name} would be renamed or deleted, which your editor's protocol can't do."
                    " Do that by hand, or use fixwright agent on the command line."
                )
            was = None if before is None else before.text.value
            try:
                await self._one(change.uri, was, after.text.value)
            except NotWritten as error:
                stuck = await self._taken_back(done)
                raise NotWritten(f"{error}{stuck}") from error
            done.append((change.uri, was, after.text.value))
        return tuple(done)

    async def _one(self, uri: str, before: str | None, after: str) -> None:
        path, present = uri_to_path(uri), await self.text(uri)
        assert path is not None, "a draft has files alone"
        if before is None and (present is not None or await asyncio.to_thread(Path.exists, path)):
            raise NotWritten(f"{path} would be created, but exists now.")
        if before is not None and (present is None or not _same(present, before)):
            raise NotWritten(f"{path} has changed since; it was not written.")
        if present is not None and "\r" not in present:
            after = after.replace("\r\n", "\n")  # the client keeps the line ends to itself
        try:
            await self.client.write_text_file(
                session_id=self.session, path=str(path), content=after
            )
        except RequestError as error:
            raise NotWritten(f"{path} could not be written: {error}.") from error

    async def _taken_back(self, done: list[Touch]) -> str:
        """Put back what was written before something failed; a sentence about what stays."""
        stuck: list[str] = []
        for uri, before, after in reversed(done):
            try:
                if before is None or after is None:
                    raise NotWritten("a file can't be removed again")
                await self._one(uri, after, before)
            except NotWritten:
                stuck.append(display_name(uri))
        return f" These stay changed: {', '.join(stuck)}." if stuck else ""


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same but for line ends, which some clients show as their own."""
    return one == other or one.replace("\r\n", "\n") == other.replace("\r\n", "\n")
