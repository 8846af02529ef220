"""Cargo sees by content what changed; what was built is run again only of exactly that."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from fixwright_sandbox.guest.freshness import Tree
from fixwright_sandbox.runtimes.rust.guest import driver
from support.compiled_stage import HostStage

_MANIFEST = '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2024"\n'
_needs_rust = pytest.mark.skipif(shutil.which("cargo") is None, reason="there is no Rust")


def _main(says: str) -> str:
    return f'fn main() {{ println!("{says}"); }}\n'


def _stage(tmp_path: Path, name: str) -> HostStage:
    scratch = tmp_path / name
    scratch.mkdir()
    home = os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "RUSTUP_HOME": home}
    return HostStage(str(tmp_path / "tree"), str(scratch), str(tmp_path / "cache"), environment)


def _run(tmp_path: Path, name: str, path: str) -> HostStage:
    stage = _stage(tmp_path, name)
    status = driver.main({"kind": "file", "path": path}, stage)  # pyright: ignore[reportArgumentType]  # a stage by its shape
    assert status == 0, stage.reports
    return stage


@_needs_rust
@pytest.mark.slow
def test_a_draft_taken_back_with_its_old_time_is_built_anew(tmp_path: Path) -> None:
    source = tmp_path / "tree" / "src" / "main.rs"
    source.parent.mkdir(parents=True)
    (tmp_path / "tree" / "Cargo.toml").write_text(_MANIFEST)
    for number, says in enumerate(["first", "second", "first", "second"]):
        source.unlink(missing_ok=True)
        source.write_text(_main(says))
        os.utime(source, (1_000_000_000, 1_000_000_000))
        assert _run(tmp_path, f"run-{number}", "src/main.rs").stdout == says.encode() + b"\n"
        assert source.stat().st_mtime == 1_000_000_000
    assert not (tmp_path / "tree" / "Cargo.lock").exists()


@_needs_rust
@pytest.mark.slow
@pytest.mark.parametrize("path", ["main.rs", "src/main.rs"])
def test_what_did_not_change_is_not_compiled(tmp_path: Path, path: str) -> None:
    source = tmp_path / "tree" / path
    source.parent.mkdir(parents=True)
    source.write_text(_main("x"))
    if path == "src/main.rs":
        (tmp_path / "tree" / "Cargo.toml").write_text(_MANIFEST)
    _run(tmp_path, "run-1", path)
    (tmp_path / "tree" / "notes.txt").write_text("new") if path == "main.rs" else None
    again = _run(tmp_path, "run-2", path)
    told = [call for call in again.calls if call["call"] == "tool" and "metadata" not in str(call)]
    assert [call for call in told if "compiler-artifact" in call["stdout"]] == []
    assert again.stdout == b"x\n"


def test_a_file_keeps_the_time_of_its_content(tmp_path: Path) -> None:
    root, record = tmp_path / "tree", str(tmp_path / "record.json")
    root.mkdir()
    file = root / "a.rs"
    file.write_text("one")
    os.utime(file, (1_000_000_000, 1_000_000_000))
    tree = Tree(str(root), record)
    with tree.dated():
        seen = file.stat().st_mtime_ns
        assert seen > 1_500_000_000 * 10**9
    assert file.stat().st_mtime == 1_000_000_000
    tree.save()
    file.unlink()
    file.write_text("one")
    with Tree(str(root), record).dated():
        assert file.stat().st_mtime_ns == seen
    file.write_text("two")
    with Tree(str(root), record).dated():
        assert file.stat().st_mtime_ns > seen


def test_the_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    root, record = tmp_path / "tree", str(tmp_path / "record.json")
    root.mkdir()
    (root / "a.rs").write_text("one")
    first = Tree(str(root), record)
    first.save()
    os.utime(root / "a.rs")
    assert Tree(str(root), record).digest == first.digest
    (root / "b.rs").write_text("")
    assert Tree(str(root), record).digest != first.digest
