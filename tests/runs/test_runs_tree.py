"""Which files a run sees, and which document each of them is."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixwright.runs.target import RunRefused
from fixwright.runs.tree import Root, tree_of
from fixwright.workspace.changes import ContentChange
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.paths import path_to_uri, uri_to_path
from fixwright.workspace.snapshot import Folder, Snapshot
from fixwright.workspace.text import Encoding
from fixwright_sandbox import Blob, HostFile, Tree


def plant(root: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = root / name.replace("__", "/")
        path = path.with_name(f"{path.name}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def workspace(*roots: Path) -> Snapshot:
    return Snapshot().with_folders([Folder(path_to_uri(each), each.name, each) for each in roots])


def opened(snapshot: Snapshot, path: Path, text: str) -> Snapshot:
    return snapshot.opened(path_to_uri(path), "python", 1, text)


def shown(tree: Tree) -> dict[str, str]:
    """What a run reads at each path."""
    return {
        path: (entry.data if isinstance(entry, Blob) else entry.path.read_bytes()).decode()
        for path, entry in tree.items()
    }


def test_open_documents_lie_over_the_disk(tmp_path: Path) -> None:
    plant(tmp_path, a="old", sub__b="b")
    snapshot = opened(workspace(tmp_path), tmp_path / "a.py", "new")
    snapshot = opened(snapshot, tmp_path / "fresh.py", "fresh")
    root, tree = tree_of(Draft.over(snapshot), path_to_uri(tmp_path / "sub/b.py"))
    assert root.directory == tmp_path
    assert shown(tree) == {"a.py": "new", "fresh.py": "fresh", "sub/b.py": "b"}
    assert isinstance(tree["sub/b.py"], HostFile)


def test_a_draft_lies_over_the_open_documents(tmp_path: Path) -> None:
    plant(tmp_path, a="a", gone="gone", here="moved")
    draft = Draft.over(opened(workspace(tmp_path), tmp_path / "a.py", "typed"))
    draft = draft.write(path_to_uri(tmp_path / "a.py"), "drafted")
    draft = draft.create(path_to_uri(tmp_path / "new/made.py"), "made")
    draft = draft.delete(path_to_uri(tmp_path / "gone.py"))
    draft = draft.rename(path_to_uri(tmp_path / "here.py"), path_to_uri(tmp_path / "there.py"))
    _, tree = tree_of(draft, path_to_uri(tmp_path / "a.py"))
    assert shown(tree) == {"a.py": "drafted", "new/made.py": "made", "there.py": "moved"}


def test_the_executable_bit_survives_an_open_document(tmp_path: Path) -> None:
    plant(tmp_path, a="a")
    (tmp_path / "a.py").chmod(0o755)
    _, tree = tree_of(Draft.over(opened(workspace(tmp_path), tmp_path / "a.py", "b")), None)
    assert tree["a.py"] == Blob(b"b", executable=True)


def test_a_folder_is_meant_by_its_own_uri(tmp_path: Path) -> None:
    inside = tmp_path / "project"
    inside.mkdir()
    (tmp_path / "beside.py").write_text("not of the workspace")
    (inside / "a.py").write_text("a")
    root, tree = tree_of(Draft.over(workspace(inside)), path_to_uri(inside))
    assert root.directory == inside
    assert shown(tree) == {"a.py": "a"}


def test_an_ignored_document_runs_while_it_is_open(tmp_path: Path) -> None:
    plant(tmp_path, a="a", venv__lib="installed")
    closed = workspace(tmp_path)
    uri = path_to_uri(tmp_path / "venv/lib.py")
    assert shown(tree_of(Draft.over(closed), uri)[1]) == {"a.py": "a"}
    open_too = opened(closed, tmp_path / "venv/lib.py", "mine")
    assert shown(tree_of(Draft.over(open_too), uri)[1]) == {"a.py": "a", "venv/lib.py": "mine"}


def test_a_file_outside_all_folders_sees_its_siblings_only(tmp_path: Path) -> None:
    plant(tmp_path, alone="disk", beside="beside", below__deep="deep", other__c="c")
    (tmp_path / ".secret").write_text("hidden")
    (tmp_path / "link.py").symlink_to(tmp_path / "below/deep.py")
    snapshot = opened(workspace(tmp_path / "other"), tmp_path / "alone.py", "typed")
    snapshot = opened(snapshot, tmp_path / "beside.py", "typed, too")
    snapshot = opened(snapshot, tmp_path / "below/deep.py", "not beside")
    snapshot = opened(snapshot, tmp_path / "other/c.py", "of a folder")
    uri = path_to_uri(tmp_path / "alone.py")
    root, tree = tree_of(Draft.over(snapshot), uri)
    assert (root.directory, root.path_of(uri)) == (tmp_path, "alone.py")
    assert shown(tree) == {"alone.py": "typed", "beside.py": "typed, too"}
    drafted = Draft.over(snapshot).write(uri, "drafted")
    assert shown(tree_of(drafted, uri)[1])["alone.py"] == "drafted"


def test_a_document_in_a_directory_that_is_not_there_runs_alone(tmp_path: Path) -> None:
    path = tmp_path / "not/yet.py"
    assert shown(tree_of(Draft.over(opened(Snapshot(), path, "x")), path_to_uri(path))[1]) == {
        "yet.py": "x"
    }


def test_large_files_beside_a_file_outside_all_folders_are_left_out(tmp_path: Path) -> None:
    plant(tmp_path, alone="disk")
    with (tmp_path / "download.iso").open("wb") as file:
        file.truncate(1 << 30)
    snapshot = opened(Snapshot(), tmp_path / "alone.py", "typed")
    _, tree = tree_of(Draft.over(snapshot), path_to_uri(tmp_path / "alone.py"))
    assert set(tree) == {"alone.py"}


@pytest.mark.parametrize("inside", [True, False])
def test_nothing_runs_beside_a_document_whose_text_is_lost(tmp_path: Path, inside: bool) -> None:
    plant(tmp_path, a="a", lost="stale")
    snapshot = workspace(tmp_path) if inside else Snapshot()
    snapshot = opened(snapshot, tmp_path / "a.py", "a")
    snapshot = opened(snapshot, tmp_path / "lost.py", "fresh")
    uri = path_to_uri(tmp_path / "lost.py")
    snapshot = snapshot.changed(uri, 1, [ContentChange((0, 0), (0, 0), "x")], Encoding.UTF16)
    with pytest.raises(UnknownDocument, match=r"lost track of lost\.py"):
        tree_of(Draft.over(snapshot), path_to_uri(tmp_path / "a.py"))


@pytest.mark.parametrize(
    ("language", "name"),
    [("python", "untitled.py"), ("shellscript", "untitled.sh"), ("lua", "untitled.txt")],
)
def test_an_untitled_document_is_a_tree_of_its_own(
    tmp_path: Path, language: str, name: str
) -> None:
    plant(tmp_path, a="a")
    uri = "untitled:Untitled-1"
    snapshot = workspace(tmp_path).opened(uri, language, 1, "new")
    root, tree = tree_of(Draft.over(snapshot), uri)
    assert shown(tree) == {name: "new"}
    assert (root.directory, root.path_of(uri), root.uri_of(name)) == (None, name, uri)
    assert root.uri_of("a.py") is None
    assert root.path_of(path_to_uri(tmp_path / "a.py")) is None


def test_links_show_what_the_editor_shows_of_their_target(tmp_path: Path) -> None:
    plant(tmp_path, real="disk")
    outside = tmp_path.parent / f"{tmp_path.name}-secret"
    outside.write_text("secret")
    (tmp_path / "a_link.py").symlink_to("real.py")
    (tmp_path / "out.py").symlink_to(outside)
    snapshot = opened(workspace(tmp_path), tmp_path / "real.py", "typed")
    uri = path_to_uri(tmp_path / "real.py")
    root, tree = tree_of(Draft.over(snapshot), uri)
    assert shown(tree) == {"a_link.py": "typed", "real.py": "typed"}
    assert root.path_of(uri) == "real.py"  # and not the link's, beside which other files lie
    assert root.uri_of("a_link.py") == uri


def test_each_root_has_a_tree_and_tests_run_in_the_first(tmp_path: Path) -> None:
    plant(tmp_path, one__a="1", two__b="2", two__in__c="3")
    one, two, inner = tmp_path / "one", tmp_path / "two", tmp_path / "two/in"
    draft = Draft.over(workspace(one, two, inner))
    assert shown(tree_of(draft, path_to_uri(two / "b.py"))[1]) == {"b.py": "2", "in/c.py": "3"}
    assert shown(tree_of(draft, path_to_uri(inner / "c.py"))[1]) == {"c.py": "3"}
    assert shown(tree_of(draft, None)[1]) == {"a.py": "1"}


def test_without_a_folder_there_are_no_tests() -> None:
    with pytest.raises(RunRefused, match=r"No folder is open.*Open a folder\."):
        tree_of(Draft.over(Snapshot()), None)


def test_the_editors_own_spelling_comes_back(tmp_path: Path) -> None:
    plant(tmp_path, é="1", closed="2")
    spelling = f"FILE://localhost{tmp_path}/é.py"
    snapshot = workspace(tmp_path).opened(spelling, "python", 1, "x")
    root, _ = tree_of(Draft.over(snapshot), spelling)
    assert root.path_of(spelling) == root.path_of(path_to_uri(tmp_path / "é.py")) == "é.py"
    assert root.uri_of("é.py") == spelling
    assert root.uri_of("closed.py") == path_to_uri(tmp_path / "closed.py")


PARTS = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1, max_size=9
).filter(lambda part: part not in {".", ".."})
ANYTHING = st.lists(
    PARTS | st.sampled_from(["..", ".", "", "<string>", "a", "~", "%2e%2e", "..%2f"]), max_size=6
)
ROOT = Path("/home/me/project")


@settings(deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=4).filter(lambda parts: not parts[0].startswith("<")))
def test_a_path_comes_back_from_its_uri(parts: list[str]) -> None:
    root, path = Root(ROOT), "/".join(parts)
    uri = root.uri_of(path)
    assert uri is not None
    assert root.path_of(uri) == path


@settings(deadline=None)
@given(ANYTHING.map("/".join))
def test_no_path_leads_out_of_the_root(path: str) -> None:
    root = Root(ROOT)
    uri = root.uri_of(path)
    if uri is not None:
        place = uri_to_path(uri)
        assert place is not None
        assert ROOT in place.parents
        assert root.path_of(uri) == str(PurePosixPath(path))
    assert root.uri_of(f"/{path}") is None
    assert root.uri_of(f"../{path}") is None


@settings(deadline=None)
@given(ANYTHING.map("/".join))
def test_no_uri_is_a_path_out_of_the_tree(rest: str) -> None:
    path = Root(ROOT).path_of(f"file://{ROOT}/{rest}")
    assert path is None or not {"..", ".", "", "/"} & set(path.split("/"))
    assert Root(ROOT).path_of(f"file://{ROOT}-other/{rest}".replace("..", "")) is None


@pytest.mark.parametrize("path", ["<string>", "<frozen importlib._bootstrap>", "", ".", "/etc/x"])
def test_what_is_no_file_of_the_tree_has_no_uri(path: str) -> None:
    assert Root(ROOT).uri_of(path) is None
