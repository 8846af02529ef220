"""Snapshots: what the editor holds, over what the disk says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fixwright.workspace.changes import ContentChange
from fixwright.workspace.document import UnknownDocument, UnreadableDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.draft_change import DraftError
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot
from fixwright.workspace.store import SnapshotStore
from fixwright.workspace.text import Encoding

BUFFER = "untitled:Untitled-1"


def insert(text: str) -> list[ContentChange]:
    return [ContentChange((0, 0), (0, 0), text)]


def change(snapshot: Snapshot, uri: str, version: int, *changes: ContentChange) -> Snapshot:
    return snapshot.changed(uri, version, changes, Encoding.UTF16)


def test_an_open_document_hides_the_file(folder: Folder, disk: Snapshot) -> None:
    path = folder.path / "a b.py"
    path.write_text("on disk")
    uri = path_to_uri(path)
    spelling = uri.replace("%20", " ").replace("file:///", "file://localhost/")
    opened = disk.opened(spelling, "python", 1, "typed")
    assert opened.document(uri).text.value == "typed"
    assert opened.document(uri).uri == spelling
    assert opened.document(spelling) is opened.document(uri)
    assert opened.is_open(uri)
    assert disk.document(uri).text.value == "on disk"
    assert disk.document(uri).version is None
    closed = opened.close(uri)
    assert closed.document(spelling).text.value == "on disk"
    assert closed.revision == disk.revision + 2


def test_what_did_not_change_is_shared() -> None:
    one = Snapshot().opened("untitled:1", "python", 1, "a").opened("untitled:2", "python", 1, "b")
    two = change(one, "untitled:1", 2, *insert("x"))
    assert two.document("untitled:2") is one.document("untitled:2")
    assert two.document("untitled:1").text.value == "xa"
    assert two.document("untitled:1").version == 2
    assert one.document("untitled:1").text.value == "a"


@pytest.mark.parametrize("version", [3, 2, -1])
def test_a_version_that_is_not_later_makes_the_document_lost(version: int) -> None:
    snapshot = change(Snapshot().opened(BUFFER, "python", 3, "a"), BUFFER, version, *insert("x"))
    with pytest.raises(UnknownDocument, match=f"version {version} came after version 3. Close it"):
        snapshot.document(BUFFER)
    with pytest.raises(DraftError, match="lost track of untitled:Untitled-1"):
        Draft.over(snapshot).write(BUFFER, "b")
    assert snapshot.is_open(BUFFER)


def test_a_lost_document_is_found_by_its_whole_text_or_by_opening_it_again() -> None:
    opened = Snapshot().opened(BUFFER, "python", 3, "a")
    lost = change(opened, BUFFER, 4, ContentChange((1, 0), (0, 0), "x"))
    with pytest.raises(UnknownDocument):
        lost.document(BUFFER)
    still = change(lost, BUFFER, 5, *insert("x"))
    with pytest.raises(UnknownDocument, match="has the range"):
        still.document(BUFFER)
    found = change(still, BUFFER, 6, *insert("y"), ContentChange(None, None, "ab"), *insert("c"))
    assert found.document(BUFFER).text.value == "cab"
    assert found.document(BUFFER).language == "python"
    assert still.opened(BUFFER, "python", 1, "new").document(BUFFER).text.value == "new"
    with pytest.raises(UnknownDocument, match="not open"):
        still.close(BUFFER).document(BUFFER)


def test_changes_that_cannot_be_followed(folder: Folder, disk: Snapshot) -> None:
    path = folder.path / "a.py"
    path.write_text("on disk")
    uri = path_to_uri(path)
    never_opened = change(disk, uri, 2, *insert("x"))
    undecoded = disk.opened(uri, "python", 1, "x").unreadable_change(uri, "a message was cut off")
    for snapshot, reason in ((never_opened, "before it was opened"), (undecoded, "was cut off")):
        with pytest.raises(UnknownDocument, match=reason):
            snapshot.document(uri)
        with pytest.raises(UnknownDocument, match=reason):
            list(snapshot.files(folder))


def test_closed_documents_are_read_only_inside_the_workspace(
    folder: Folder, disk: Snapshot
) -> None:
    outside = folder.path.parent / "outside.py"
    outside.write_text("x")
    (folder.path / "link.py").symlink_to(outside)
    (folder.path / "data.bin").write_bytes(b"\0")
    with pytest.raises(UnknownDocument, match="lies in no folder"):
        disk.document(path_to_uri(outside))
    with pytest.raises(UnknownDocument, match="lies in no folder"):
        disk.document(path_to_uri(folder.path) + "/../outside.py")
    with pytest.raises(UnreadableDocument, match="behind a link that leaves"):
        disk.document(path_to_uri(folder.path / "link.py"))
    with pytest.raises(UnreadableDocument, match="not a text file"):
        disk.document(path_to_uri(folder.path / "data.bin"))
    with pytest.raises(UnknownDocument, match="There is no file"):
        disk.document(path_to_uri(folder.path / "none.py"))
    opened = disk.opened(path_to_uri(outside), "python", 1, "typed")
    assert opened.document(path_to_uri(outside)).text.value == "typed"


def test_folders_inside_folders(tmp_path: Path) -> None:
    (tmp_path / "one" / "two").mkdir(parents=True)
    one = Folder.at(path_to_uri(tmp_path / "one"))
    two = Folder.at(path_to_uri(tmp_path / "one" / "two") + "/", "second")
    assert one is not None
    assert two is not None
    snapshot = Snapshot().with_folders([one, two])
    inner = path_to_uri(tmp_path / "one" / "two" / "sub" / "a.py")
    assert snapshot.folder_of(inner) is two
    assert snapshot.relative(inner) == "sub/a.py"
    assert snapshot.folder_of(path_to_uri(tmp_path / "one" / "b.py")) is one
    assert snapshot.folder_of(path_to_uri(tmp_path / "b.py")) is None
    assert snapshot.folder_of(BUFFER) is None
    assert (one.name, two.name) == ("one", "second")
    assert Folder.at("vscode-remote://host/x") is None


async def test_waiting_for_a_snapshot() -> None:
    store = SnapshotStore()
    opened = asyncio.create_task(store.wait(lambda now: now.is_open(BUFFER), 5))
    never = asyncio.create_task(store.wait(lambda now: now.is_open("untitled:2"), 0.01))
    await asyncio.sleep(0)
    after = store.update(lambda now: now.opened(BUFFER, "python", 1, "a"))
    store.update(lambda now: now.close(BUFFER))
    assert await opened is after
    assert await never is None
    assert await store.wait(lambda now: now.revision == 2, 0) is store.now


async def test_a_failing_update_or_predicate_changes_nothing() -> None:
    store = SnapshotStore()

    def fail(now: Snapshot) -> Snapshot:
        raise ValueError("no")

    first = store.now
    with pytest.raises(ValueError, match="no"):
        store.update(fail)
    assert store.now is first

    def raises_later(now: Snapshot) -> bool:
        return bool(now.revision and 1 // 0)

    broken = asyncio.create_task(store.wait(raises_later, 5))
    fine = asyncio.create_task(store.wait(lambda now: now.is_open(BUFFER), 5))
    await asyncio.sleep(0)
    store.update(lambda now: now.opened(BUFFER, "python", 1, "a"))
    assert await fine is store.now
    with pytest.raises(ZeroDivisionError):
        await broken


async def test_a_cancelled_waiter_is_forgotten() -> None:
    store = SnapshotStore()
    waiting = asyncio.create_task(store.wait(lambda now: now.revision > 0, 5))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    store.update(lambda now: now.with_folders([]))
    assert store.now.revision == 1
