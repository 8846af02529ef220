"""A runtime made for tests: it "compiles" a script by copying it into the cache."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import pytest

from fixwright_sandbox import bundle
from fixwright_sandbox.runtimes import catalogue

DESCRIPTION = """
title = "Probe"
image = "fixwright/python:1"
languages = ["probe"]
extensions = [".probe"]
tools = ["cp"]
environment = { PROBE_CACHE = "{cache}", PROBE_HOME = "{home}" }
[limits]
cache_bytes = 16_777_216
memory_bytes = 67_108_864
processes = 24
"""

DRIVER = """
import hashlib
import os
import sys

from fixwright_sandbox.guest.stage import Stage


def main(job, stage):
    with open(job["path"], "rb") as file:
        name = hashlib.sha256(file.read()).hexdigest()
    built = os.path.join(stage.cache, "bin", name)
    if os.path.exists(built):
        stage.say("kept\\n")
    else:
        stage.say("built\\n")
        os.makedirs(os.path.dirname(built), exist_ok=True)
        assert stage.tool(["cp", job["path"], built]).exit == 0
        os.chmod(built, 0o755)
        # Until then the build itself fills the queue of what the guard is told.
        for number in range(3):
            os.makedirs(os.path.join(stage.cache, "deep", str(number), "er"), exist_ok=True)
    if "--script" in job["args"]:
        stage.tool(["sh", built], runs_code=True)
    if "--break" in job["args"]:
        raise ValueError("broken on purpose")
    if "--stream" in job["args"]:
        lines = []
        ended = stage.stream([built], lines.append, keep=64)
        stage.report({"type": "note", "message": repr((lines, ended.exit, ended.stderr))})
        return ended.exit
    ended = stage.program([built], keep=64)
    stage.report({"type": "note", "message": repr((ended.exit, ended.stderr))})
    with open(stage.data("greeting.txt")) as file:
        stage.report({"type": "note", "message": file.read()})
    return ended.exit


def warm(stage):
    begun = os.path.join(stage.cache, "begun")
    if not os.path.exists(begun):
        open(begun, "w").close()
        stage.tool(["sleep", "3600"])
    open(os.path.join(stage.cache, "warmed"), "w").close()
"""


@contextmanager
def probe_runtime(folder: Path) -> Generator[None]:
    """Add the runtime `probe` to the catalogue, for as long as the context lasts."""
    real = Path(str(resources.files("fixwright_sandbox.runtimes")))
    for each in real.iterdir():
        if (each / "runtime.toml").exists():
            (folder / each.name).symlink_to(each)
    guest = folder / "probe" / "guest"
    guest.mkdir(parents=True)
    (folder / "probe" / "runtime.toml").write_text(DESCRIPTION, encoding="utf-8")
    (guest / "driver.py").write_text(DRIVER, encoding="utf-8")
    (guest / "greeting.txt").write_text("good day", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "_folder", lambda: folder)
        _forget()
        yield
    _forget()


def _forget() -> None:
    catalogue.runtimes.cache_clear()
    catalogue._by_key.cache_clear()
    bundle.load.cache_clear()
