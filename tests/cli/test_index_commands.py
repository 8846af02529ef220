"""`fixwright index` and `fixwright symbols`, as a person runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    root.mkdir()
    (root / "pyproject.toml").write_text("")
    (root / "bank.py").write_text("class Account:\n    def deposit(self): pass\n")
    (root / "zero.py").write_bytes(b"\0")
    return root


def fixwright(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fixwright", *arguments],
        cwd=root,
        env={**os.environ, "XDG_CACHE_HOME": str(root.parent / "cache")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_symbols(root: Path) -> None:
    told = fixwright(root, "symbols", "dpst")
    assert (told.stdout, told.returncode) == ("bank.py:2:9: method Account.deposit\n", 0)
    (found,) = json.loads(fixwright(root, "symbols", "Account.depo", "--json").stdout)
    assert (found["name"], found["line"], found["owner"]) == ("deposit", 1, "Account")
    none = fixwright(root, "symbols", "nothing")
    assert (none.stdout, none.returncode) == ("", 1)


def test_build_stats_and_clear(root: Path) -> None:
    built = json.loads(fixwright(root, "index", "build", "--json").stdout)
    assert (built["files"], built["symbols"]) == (2, 2)
    assert built["policies"] == {"binary": 1, "indexed": 1}
    told = fixwright(root, "index", "stats").stdout
    assert "symbols  2 of 2 names" in told
    cleared = json.loads(fixwright(root, "index", "clear", "--json").stdout)
    assert cleared["removed"]
    assert not Path(cleared["folder"]).exists()
    assert "no index" in fixwright(root, "index", "clear").stdout


def test_explain(root: Path) -> None:
    good = fixwright(root, "index", "explain", "bank.py")
    assert "indexed. It is indexed." in good.stdout
    assert good.returncode == 0
    zero = fixwright(root, "index", "--explain", "zero.py")
    assert "binary. It holds zero bytes" in zero.stdout
    assert zero.returncode == 1
    none = json.loads(fixwright(root, "index", "explain", "none.py", "--json").stdout)
    assert none["policy"] == "missing"


def test_search(root: Path) -> None:
    told = fixwright(root, "search", "def deposit")
    assert (told.stdout, told.returncode) == ("bank.py:2:5: def deposit(self): pass\n", 0)
    asked = json.loads(
        fixwright(root, "search", "^CLASS .", "--regex", "-i", "--files", "*.py", "--json").stdout
    )
    assert [(hit["line"], hit["end_column"]) for hit in asked["hits"]] == [(0, 7)]
    assert asked["complete"]
    none = fixwright(root, "search", "nothing")
    assert (none.stdout, none.returncode) == ("", 1)
    bad = fixwright(root, "search", "(", "--regex")
    assert bad.returncode == 2
    assert "not a regular expression" in bad.stderr
    few = fixwright(root, "search", "s", "--limit", "1")
    assert "more than 1" in few.stderr


def test_map(root: Path) -> None:
    told = fixwright(root, "index", "map", "--focus", "bank.py")
    expected = "bank.py:\n1 class Account:\n2   def deposit(self)\n"
    assert (told.stdout, told.returncode) == (expected, 0)
    asked = json.loads(fixwright(root, "index", "map", "--tokens", "10", "--json").stdout)
    assert asked["text"] == "bank.py:\n1 class Account: …\n"
    assert 0 < asked["tokens"] <= 10
    assert asked["leftOut"] == 1
    assert fixwright(root, "index", "map", "--tokens", "1").returncode == 1
