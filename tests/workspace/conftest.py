from __future__ import annotations

from pathlib import Path

import pytest

from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    root = tmp_path / "project"
    root.mkdir()
    return Folder(path_to_uri(root), "project", root)


@pytest.fixture
def disk(folder: Folder) -> Snapshot:
    """A workspace of one folder in which nothing is open."""
    return Snapshot().with_folders([folder])
