"""The Neovim plugin: its own suite, its linters, and the main job in the real editor.

What happens in the editor is written in Lua, beside the plugin (`clients/neovim/tests`), and run
by mini.test in child Neovims with real keys. Here is what starts it, and with which server.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

PLUGIN = Path(__file__).parents[2] / "clients" / "neovim"
SUITES = sorted(path.name for path in (PLUGIN / "tests").glob("test_*.lua"))
STOP = "{ execute = { stop_on_error = true } }"  # what waits in vain once, waits for each test
ANSI = re.compile(r"\x1b\[[0-9;]*m")

pytestmark = [pytest.mark.editor, pytest.mark.slow, pytest.mark.timeout(480)]


def not_here(reason: str) -> NoReturn:
    """Skip on a machine of one's own; where the editors must be there, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True)
class Tools:
    """What `clients/neovim/test/install` has installed."""

    prefix: Path

    @property
    def nvim(self) -> Path:
        return self.prefix / "bin" / "nvim"

    def run_suite(self, suite: str, home: Path, **environment: str) -> str:
        """Run one file of tests; returns what mini.test printed, without colours.

        Everything that Neovim and the server keep goes under `home`, their configuration is
        looked for there as well.
        """
        kept = {
            f"XDG_{name}_HOME": str(home / name.lower())
            for name in ("CONFIG", "DATA", "STATE", "CACHE")
        }
        done = subprocess.run(
            [
                self.nvim, "--clean", "--headless", "-u", "tests/minit.lua",
                "-c", f"lua MiniTest.run_file('tests/{suite}', {STOP})",
            ],
            cwd=PLUGIN,
            env=os.environ | kept | {"MINI_TEST": str(self.prefix / "mini.test/")} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )  # fmt: skip
        printed = ANSI.sub("", done.stdout + done.stderr)
        if done.returncode != 0 or "Fails (0)" not in printed:
            pytest.fail(f"{suite} ended with {done.returncode}:\n{printed}", pytrace=False)
        return printed


@pytest.fixture(scope="module")
def tools() -> Tools:
    """Neovim and the test tools."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    found = Tools(Path(home) / "fixwright-e2e" / "neovim")
    for program in ("nvim", "luacheck", "stylua"):
        if not (found.prefix / "bin" / program).exists():
            not_here(f"{program} is not installed: run clients/neovim/test/install")
    return found


@pytest.fixture(scope="module")
def server() -> str:
    """The command line of this checkout's server, as JSON."""
    program = Path(sys.executable).with_name("fixwright")
    if not program.exists():
        not_here(f"{program} does not exist: run scripts/setup")
    return json.dumps([str(program), "serve"])


def test_linters_are_content(tools: Tools) -> None:
    if shutil.which("node") is None:
        not_here("node is not installed: run scripts/setup")
    done = subprocess.run(
        [PLUGIN / "test" / "lint"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("suite", SUITES)
def test_plugin(tools: Tools, suite: str, tmp_path: Path) -> None:
    """The plugin's own suite, against a server inside Neovim that answers as it is told."""
    tools.run_suite(suite, tmp_path)


def test_main_job_with_the_plugin(tools: Tools, server: str, tmp_path: Path) -> None:
    tools.run_suite("e2e/story_plugin.lua", tmp_path, FIXWRIGHT_SERVER=server)


def test_main_job_without_the_plugin(tools: Tools, server: str, tmp_path: Path) -> None:
    tools.run_suite("e2e/story_plain.lua", tmp_path, FIXWRIGHT_SERVER=server)
