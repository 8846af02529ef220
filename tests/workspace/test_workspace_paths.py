"""URIs and paths: one key for every spelling, nothing from outside."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixwright.workspace.paths import (
    canonical,
    display_name,
    path_to_uri,
    relative_path,
    stays_inside,
    uri_to_path,
)

names = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1
).filter(lambda name: name not in {".", ".."})


@settings(deadline=None)
@given(st.lists(names, min_size=1, max_size=4))
def test_paths_come_back(parts: list[str]) -> None:
    path = Path("/", *parts)
    uri = path_to_uri(path)
    assert uri_to_path(uri) == path
    assert canonical(uri) == uri
    assert uri.isascii()


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a%20b/c.py", "/a b/c.py"),
        ("file:///a b/c.py", "/a b/c.py"),
        ("file:///%c3%A9.py", "/é.py"),
        ("file:///é.py", "/é.py"),
        ("FILE://localhost/a.py", "/a.py"),
        ("file://LocalHost/a.py", "/a.py"),
        ("file:/a.py", "/a.py"),
        ("file:////a//b/./c/../d/", "/a/b/d"),
        ("file:///../../etc", "/etc"),
        ("file:///a%2F..%2Fb", "/b"),
        ("file:///c#/x.py#L1", "/c#/x.py#L1"),
        ("file:///what?.py", "/what?.py"),
        ("file:///100%25%2525", "/100%%25"),
        ("file:///100%", "/100%"),
        ("file:///c%3A/dir/a.py", "/c:/dir/a.py"),
        ("file:///C:/dir/a.py", "/C:/dir/a.py"),
        ("file:///", "/"),
        ("file:///%FF", "/\udcff"),
    ],
)
def test_spellings(uri: str, path: str) -> None:
    assert uri_to_path(uri) == Path(path)
    assert canonical(uri) == path_to_uri(Path(path))


@pytest.mark.parametrize(
    "uri",
    ["untitled:Untitled-1", "file://host/a", "file:a", "file:", "", "http:///a", "file:///a%00b"],
)
def test_what_names_no_local_file(uri: str) -> None:
    assert uri_to_path(uri) is None
    assert canonical(uri) == uri


def test_the_spelling_is_that_of_vs_code() -> None:
    path = Path("/a b/c:d/@x+(1)/é#?%&=;,$!'*~-._.py")
    assert path_to_uri(path) == (
        "file:///a%20b/c%3Ad/%40x%2B%281%29/%C3%A9%23%3F%25%26%3D%3B%2C%24%21%27%2A~-._.py"
    )


def test_relative_paths() -> None:
    assert relative_path(Path("/a"), Path("/a/b/c")) == "b/c"
    assert relative_path(Path("/"), Path("/b")) == "b"
    assert relative_path(Path("/a"), Path("/a")) is None
    assert relative_path(Path("/a"), Path("/ab/c")) is None
    assert relative_path(Path("/a"), Path("/a/../b")) is None


def test_links_that_leave(tmp_path: Path) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    root.mkdir()
    other.mkdir()
    (root / "out").symlink_to(other)
    (root / "in").symlink_to(root)
    (root / "loop").symlink_to("loop")
    assert stays_inside(root / "in" / "new.py", [root])
    assert stays_inside(root / "out" / "x", [root, other])
    assert not stays_inside(root / "out" / "x", [root])
    assert not stays_inside(root / "out", [root])
    assert not stays_inside(root / "loop", [other])


def test_names_for_people() -> None:
    assert display_name("file:///a/b%20c.py") == "b c.py"
    assert display_name("untitled:1") == "untitled:1"
