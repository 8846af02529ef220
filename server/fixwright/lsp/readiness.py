"""Environments that are started before a run asks for them."""

from __future__ import annotations

import logging

from fixwright.runs.door import Door
from fixwright.workspace.document import Document
from fixwright.workspace.snapshot import Snapshot
from fixwright_sandbox import SandboxUnavailable
from fixwright_sandbox.runtimes import home_of, runtime_for

log = logging.getLogger(__name__)


class Readiness:
    """Sees to it that the runtimes which open documents use are started, once a folder."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._asked: set[tuple[str, str]] = set()

    async def of_workspace(self, snapshot: Snapshot) -> None:
        """Start what the first run of each folder and of each open document needs.

        Raises:
            SandboxUnavailable: there is no sandbox; the message says what to install.
        """
        sandbox = await self._door.open()
        for folder in snapshot.folders:
            self._asked.add((str(folder.path), "python"))
            await sandbox.prepare(str(folder.path))
        for document in snapshot.documents.values():
            await self.of_document(snapshot, document)

    async def of_document(self, snapshot: Snapshot, document: Document) -> None:
        """Start what a run of this document needs, if the workspace has none yet."""
        folder, runtime = snapshot.folder_of(document.uri), runtime_for(document.language)
        if folder is None or runtime is None:
            return
        wanted = (str(folder.path), home_of(runtime.name).name)
        if wanted in self._asked:
            return
        self._asked.add(wanted)
        try:
            sandbox = await self._door.open()
            await sandbox.prepare(*wanted)
        except SandboxUnavailable as error:
            log.info("not started ahead: %s", error)  # the run that needs it will say so
