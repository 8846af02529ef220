"""Drafts taken up again, and changes taken back, from what a session keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fixwright.agent.drafts import recorded
from fixwright.agent.sessions.checkpoints import Restored, checkpoints, undo
from fixwright.agent.sessions.drafts import Resumed, resumed_draft
from fixwright.agent.sessions.journal import StoredJournal
from fixwright.agent.sessions.records import digest_of
from fixwright.agent.sessions.resume import draft_texts
from fixwright.agent.sessions.store import SessionStore
from fixwright.workspace.draft import Draft
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "project"
    found.mkdir()
    for name in ("edited", "renamed", "deleted"):
        (found / name).write_text(f"{name}\n1\n2\n3\n4\n5\n")
    return found


@pytest.fixture
def now(folder: Path) -> Snapshot:
    opened = Folder.at(path_to_uri(folder))
    assert opened is not None
    return Snapshot().with_folders([opened])


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[StoredJournal]:
    store = SessionStore(tmp_path / "state" / "sessions.db")
    yield await store.create([path_to_uri(tmp_path / "project")], "propose")
    await store.close()


def drafted(folder: Path, now: Snapshot) -> Draft:
    uri = {
        each: path_to_uri(folder / each) for each in ("edited", "renamed", "deleted", "to", "new")
    }
    draft = Draft.over(now).write(uri["edited"], "edited\n1\n2\n3\n4\nfive\n")
    draft = draft.rename(uri["renamed"], uri["to"])
    draft = draft.write(uri["to"], "renamed\n1\n2\n3\n4\nV\n")
    return draft.delete(uri["deleted"]).create(uri["new"], "new\n")


async def keep(journal: StoredJournal, draft: Draft) -> None:
    entries, texts = recorded(draft)
    data = {"id": "c1", "text": "", "error": False, "draft": entries}
    await journal.append("result", data, texts)


async def taken_up(journal: StoredJournal, now: Snapshot) -> Resumed:
    return await resumed_draft(draft_texts(journal.events), journal.text, now)


async def test_a_draft_is_taken_up_over_what_is_there_now(
    journal: StoredJournal, folder: Path, now: Snapshot
) -> None:
    draft = drafted(folder, now)
    await keep(journal, draft)
    resumed = await taken_up(journal, now)
    assert resumed.left_out == ()
    assert resumed.draft.same_result(draft)
    assert resumed.draft.diff() == draft.diff()


async def test_nothing_that_was_typed_since_gives_way(
    journal: StoredJournal, folder: Path, now: Snapshot
) -> None:
    await keep(journal, drafted(folder, now))
    (folder / "renamed").write_text("RENAMED\n1\n2\n3\n4\n5\n")
    (folder / "deleted").write_text("not to be deleted\n")
    typed = now.opened(path_to_uri(folder / "edited"), "plaintext", 1, "EDITED\n1\n2\n3\n4\n5\n")
    resumed = await taken_up(journal, typed)
    (sentence,) = resumed.left_out
    assert "deleted would be deleted, but has changed since" in sentence
    assert resumed.draft.text(path_to_uri(folder / "edited")) == "EDITED\n1\n2\n3\n4\nfive\n"
    assert resumed.draft.text(path_to_uri(folder / "to")) == "RENAMED\n1\n2\n3\n4\nV\n"
    touching = now.opened(
        path_to_uri(folder / "edited"), "plaintext", 1, "edited\n1\n2\n3\n4\n55\n"
    )
    resumed = await taken_up(journal, touching)
    assert "edited, line 6: the proposed change" in resumed.left_out[1]
    assert resumed.draft.text(path_to_uri(folder / "edited")) == "edited\n1\n2\n3\n4\n55\n"


async def test_what_the_editor_has_taken_is_no_draft_any_more(
    journal: StoredJournal, folder: Path, now: Snapshot
) -> None:
    draft = drafted(folder, now)
    await keep(journal, draft)
    entries, _ = recorded(draft)
    documents = [{name: each[name] for name in ("uri", "before", "after")} for each in entries]
    await journal.append("applied", {"label": "all", "documents": documents})
    assert (await taken_up(journal, now)).draft.is_empty


async def test_what_can_not_be_taken_up_is_named(
    journal: StoredJournal, folder: Path, now: Snapshot, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("x")
    names = [path_to_uri(folder / "edited"), path_to_uri(outside)]
    entries = [
        {"op": "edit", "uri": uri, "from": None, "before": digest_of("x"), "after": digest_of(text)}
        for uri, text in zip(names, ("never kept", "y"), strict=True)
    ]
    await journal.append("result", {"id": "c1", "draft": entries}, ["x", "y"])
    resumed = await taken_up(journal, now)
    assert resumed.draft.is_empty
    lost, away = resumed.left_out
    assert "edited is left out: its text was not kept" in lost
    assert "lies in no folder of the workspace" in away


async def apply(journal: StoredJournal, *documents: tuple[str, str | None, str | None]) -> int:
    listed = [
        {
            "uri": uri,
            "before": None if before is None else digest_of(before),
            "after": None if after is None else digest_of(after),
        }
        for uri, before, after in documents
    ]
    texts = [each for _, before, after in documents for each in (before, after) if each is not None]
    event = await journal.append("applied", {"label": "the change", "documents": listed}, texts)
    return event.seq


async def test_undo_restores_what_stands_as_it_was_left(journal: StoredJournal) -> None:
    await journal.append("user", {"text": "go"})
    seq = await apply(
        journal, ("file:///a", "1", "2"), ("file:///b", None, "new"), ("file:///c", "old", None)
    )
    (found,) = checkpoints(journal.events)
    assert (found.seq, found.label, found.written) == (seq, "the change", ())
    plan = await undo(journal, found, {"file:///a": "2", "file:///b": "new", "file:///c": None})
    assert plan.refused == plan.remarks == ()
    assert plan.restored == (
        Restored("file:///a", "2", "1"),
        Restored("file:///b", "new", None),
        Restored("file:///c", None, "old"),
    )


@pytest.mark.parametrize(
    ("present", "why"),
    [
        ({"file:///a": "2 and more", "file:///b": None}, "a is not put back: it has changed since"),
        ({"file:///a": None, "file:///b": None}, "a is not put back: it is gone"),
        ({"file:///a": "2", "file:///b": "x"}, "b is not put back: there is a file of this name"),
    ],
)
async def test_undo_refuses_where_the_user_has_worked_since(
    journal: StoredJournal, present: dict[str, str | None], why: str
) -> None:
    await apply(journal, ("file:///a", "1", "2"), ("file:///b", "gone", None))
    plan = await undo(journal, checkpoints(journal.events)[0], present)
    assert plan.restored == ()
    (sentence,) = plan.refused
    assert why in sentence


async def test_undo_names_a_text_that_was_not_kept(tmp_path: Path) -> None:
    store = SessionStore(tmp_path / "state" / "sessions.db", redact=lambda t: t.replace("pw", "*"))
    journal = await store.create([], "propose")
    await apply(journal, ("file:///a", "pw=1", "2"))
    plan = await undo(journal, checkpoints(journal.events)[0], {"file:///a": "2"})
    assert "its text before was not kept" in plan.refused[0]
    await store.close()


async def test_undo_goes_back_step_by_step(journal: StoredJournal) -> None:
    first = await apply(journal, ("file:///a", "1", "2"))
    second = await apply(journal, ("file:///a", "2", "3"))
    assert [each.seq for each in checkpoints(journal.events)] == [second, first]
    await journal.append("undone", {"applied": second})
    assert [each.seq for each in checkpoints(journal.events)] == [first]
    third = await apply(journal, ("file:///a", "2", "4"))
    assert [each.seq for each in checkpoints(journal.events)] == [third, first]
    await journal.append("undone", {"applied": third})
    await journal.append("undone", {"applied": first})
    assert checkpoints(journal.events) == ()


async def test_what_runs_wrote_is_named(journal: StoredJournal) -> None:
    await journal.append("user", {"text": "one"})
    await journal.append("run", {"evidence": "run-1", "report": {"files": [{"path": "early.txt"}]}})
    await journal.append("user", {"text": "two"})
    report = {"files": [{"path": "out.txt", "change": "created", "bytes": 3}]}
    await journal.append("run", {"evidence": "run-2", "report": report})
    await apply(journal, ("file:///a", "1", "2"))
    plan = await undo(journal, checkpoints(journal.events)[0], {"file:///a": "2"})
    (remark,) = plan.remarks
    assert remark.startswith("What runs wrote (out.txt) was written in the sandbox alone")
    assert len(plan.restored) == 1
