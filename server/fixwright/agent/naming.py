"""What a model calls a file, and which document that is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from fixwright.agent.tools.spec import Refused
from fixwright.workspace.paths import (
    canonical,
    display_name,
    path_to_uri,
    relative_path,
    uri_to_path,
)

if TYPE_CHECKING:
    from fixwright.workspace.snapshot import Folder, Snapshot


@dataclass(frozen=True)
class Names:
    """Names over one snapshot: relative to the folder, or to the folders' names where several are.

    An open document that lies in no folder goes by its file's name where no other does, else by its
    URI.
    """

    snapshot: Snapshot

    def of(self, uri: str) -> str:
        """The name of a document."""
        folder, inside = self.snapshot.folder_of(uri), self.snapshot.relative(uri)
        if folder is not None and inside is not None:
            return inside if len(self.snapshot.folders) == 1 else f"{folder.name}/{inside}"
        name = display_name(uri)
        alike = [each for each in self._loose() if display_name(each) == name]
        return name if len(alike) == 1 else uri

    def uri(self, name: str) -> str:
        """The document that a name stands for; there need not be one yet.

        Raises:
            Refused: the name leads out of the workspace, or says nothing.
        """
        if not name.strip() or "\0" in name:
            raise Refused("The path is empty. Name a file, relative to the folder.")
        for uri in self._loose():
            if name in (uri, display_name(uri)):
                return uri
        path = self._path(name)
        if path is None:
            raise Refused(f"{name} lies outside the workspace. Use paths relative to {self._where}")
        return self._spelled(path_to_uri(path))

    def folder(self, name: str) -> tuple[Folder, str]:
        """The folder that a path lies in, and the path in it; "." is the folder itself.

        Raises:
            Refused: it lies outside the workspace.
        """
        folders = self.snapshot.folders
        if not folders:
            raise Refused("No folder is open.")
        if name in ("", ".", "./"):
            return folders[0], "."
        path = self._path(name)
        for folder in folders:
            if path == folder.path:
                return folder, "."
            if path is not None and (inside := relative_path(folder.path, path)) is not None:
                return folder, inside
        raise Refused(f"{name} lies outside the workspace. Use paths relative to {self._where}")

    @property
    def _where(self) -> str:
        names = [folder.name for folder in self.snapshot.folders]
        return (
            "the folder." if len(names) == 1 else f"one of: {', '.join(names) or 'none is open'}."
        )

    def _loose(self) -> list[str]:
        documents = self.snapshot.documents.values()
        return [each.uri for each in documents if self.snapshot.folder_of(each.uri) is None]

    def _path(self, name: str) -> Path | None:
        pure = PurePosixPath(name.removeprefix("./"))
        if ".." in pure.parts:
            return None
        if pure.is_absolute():
            path = Path(pure)
            inside = (relative_path(each.path, path) for each in self.snapshot.folders)
            return path if any(each is not None for each in inside) else None
        if len(self.snapshot.folders) == 1:
            return self.snapshot.folders[0].path / pure
        for folder in self.snapshot.folders:
            if pure.parts and pure.parts[0] == folder.name:
                return folder.path.joinpath(*pure.parts[1:])
        return None

    def _spelled(self, uri: str) -> str:
        """The editor's own spelling where the document is open."""
        key = canonical(uri)
        document = self.snapshot.documents.get(key)
        return uri if document is None or uri_to_path(document.uri) is None else document.uri
