"""Which layers stay, and that pruning takes the others."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from fixwright_sandbox.dependencies.cargo import stubs
from fixwright_sandbox.dependencies.records import Keep, Record, Records, Release, surplus
from fixwright_sandbox.dependencies.sources import sources
from fixwright_sandbox.leftovers import leftovers, prune

DAY = 86_400.0


def record(records: Records, name: str, *, unused: float, size: int = 1) -> Record:
    """A complete layer that was used so many seconds ago."""
    place = records.folder / f"fixwright-layer-{name}"
    place.mkdir(parents=True)
    (place / "module.py").write_text("")
    file = records.file("bubblewrap", "python", "ground", name)
    made = Record(
        "bubblewrap", "python", str(place), name, (Release("a", "1"),), size, time.time(), file
    )
    assert records.publish(made)
    os.utime(file, (time.time() - unused, time.time() - unused))
    return made


def test_a_record_is_read_as_it_was_written_and_the_first_stays(tmp_path: Path) -> None:
    records = Records(tmp_path)
    made = record(records, "one", unused=0)
    assert records.find(made.file) == made
    assert not records.publish(made)
    assert list(records) == [made]
    made.file.write_text("{")
    assert records.find(made.file) is None


def test_old_ones_go_and_the_oldest_of_too_much_but_none_that_is_in_use(tmp_path: Path) -> None:
    records = Records(tmp_path)
    busy = record(records, "busy", unused=60, size=100)
    fresh = record(records, "fresh", unused=DAY, size=10)
    stale = record(records, "stale", unused=2 * DAY, size=10)
    old = record(records, "old", unused=40 * DAY, size=10)
    assert surplus(list(records), Keep(size=1 << 30)) == [old]
    assert surplus(list(records), Keep(size=112)) == [stale, old]
    assert surplus(list(records), Keep(size=0)) == [fresh, stale, old]
    assert busy not in surplus(list(records), Keep(seconds=0, size=0))


def test_pruning_takes_the_record_first_and_then_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    records = Records()
    kept = record(records, "kept", unused=0)
    old = record(records, "old", unused=40 * DAY)
    assert old.place in {each.id for each in leftovers()}
    assert kept.place not in {each.id for each in leftovers()}
    prune()
    assert list(records) == [kept]
    assert not Path(old.place).exists()
    assert Path(kept.place).exists()


def test_the_users_settings_count_and_secrets_in_them_are_known(tmp_path: Path) -> None:
    config = tmp_path / "pip/pip.conf"
    config.parent.mkdir()
    config.write_text("[global]\nindex-url = https://me:pw@example.org/simple\n")
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path), "OTHER": "1"}
    given = sources("python", environ)
    assert given.environment["PIP_INDEX_URL"] == "https://me:pw@example.org/simple"
    assert given.secrets == ("me:pw",)
    assert "OTHER" not in given.environment
    (tmp_path / ".npmrc").write_text("//example.org/:_authToken=abc123\n")
    told = sources("node", environ)
    assert told.secrets == ("abc123",)
    assert told.files[".fixwright/npmrc"] == b"//example.org/:_authToken=abc123\n"


def test_what_go_env_has_set_is_taken_unless_a_variable_says_otherwise(tmp_path: Path) -> None:
    proxies = tmp_path / "proxies" / "all"
    proxies.mkdir(parents=True)
    (tmp_path / "go").mkdir()
    (tmp_path / "go" / "env").write_text(
        f"GOPROXY=file://{proxies},https://me:pw@example.org|direct\n"
        "GOPRIVATE=example.org\nGOFLAGS=-x\n"
    )
    given = sources("go", {"XDG_CONFIG_HOME": str(tmp_path), "GOPRIVATE": "other.example"})
    assert given.environment.keys() == {"GOPROXY", "GOPRIVATE"}
    assert given.environment["GOPRIVATE"] == "other.example"
    assert given.secrets == ("me:pw",)
    assert given.shown == (str(proxies.parent),)


def test_of_cargos_settings_registries_are_taken_and_tokens_go_apart(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("certificates")
    (tmp_path / "config.toml").write_text(
        f'[http]\ncainfo = "{tmp_path}/ca.pem"\n[build]\nrustc-wrapper = "evil"\n'
        '[source.crates-io]\nreplace-with = "mine"\n[source.mine]\nregistry = "sparse+https://a/"\n'
        '[registries.our-own]\nindex = "sparse+https://b/"\ntoken = "abc"\n'
    )
    (tmp_path / "credentials.toml").write_text('[registries.other]\ntoken = "def"\n')
    given = sources("rust", {"CARGO_HOME": str(tmp_path)})
    assert given.files == {
        ".fixwright/CARGO_HTTP_CAINFO": b"certificates",
        ".fixwright/cargo.toml": (
            b'[source."crates-io"]\nreplace-with = "mine"\n'
            b'[source."mine"]\nregistry = "sparse+https://a/"\n'
            b'[registries."our-own"]\nindex = "sparse+https://b/"\n'
        ),
    }
    assert given.environment["CARGO_REGISTRIES_OUR_OWN_TOKEN"] == "abc"
    assert given.secrets == ("abc", "def")


def test_files_that_cargo_looks_for_stay_in_the_tree() -> None:
    manifest = (
        b'[package]\nname = "a"\nbuild = "make.rs"\n[[bin]]\nname = "a"\n[[bin]]\nname = "b"\n'
        b'[[bin]]\nname = "../../c"\n[[test]]\nname = "d"\npath = "elsewhere.rs"\n'
    )
    found = stubs({"x/Cargo.toml": manifest, "Cargo.toml": b"[workspace]\n", "Cargo.lock": b""})
    assert sorted(found) == ["x/make.rs", "x/src/bin/b.rs", "x/src/lib.rs", "x/src/main.rs"]
