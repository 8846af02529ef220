"""The main job in editors that have nothing of ours installed: Helix, and Emacs with Eglot."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

STORY = Path(__file__).parents[2] / "clients" / "plain" / "test" / "eglot_story.el"
BROKEN = "def mean(values):\n    return sum(values) / len(value)\n\nprint(mean([1, 2, 3]))\n"
FIXED = BROKEN.replace("len(value)", "len(values)")

HELIX_LANGUAGES = """
[language-server.fixwright]
command = {command}
args = ["serve"]
config = {{ fixwright = {{ model = {{ provider = "none" }} }} }}

[[language]]
name = "python"
language-servers = ["fixwright"]
"""

pytestmark = [pytest.mark.editor, pytest.mark.slow, pytest.mark.timeout(240)]


def not_here(reason: str) -> NoReturn:
    """Skip on a machine of one's own; where the editors must be there, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def programs() -> Path:
    """The directory of `hx`, `emacs` and `tmux`, as `clients/plain/test/install` made it."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    found = Path(home) / "fixwright-e2e" / "plain" / "bin"
    for name in ("hx", "emacs", "tmux"):
        if not (found / name).exists():
            not_here(f"{name} is not installed: run clients/plain/test/install")
    return found


@pytest.fixture(scope="module")
def server() -> Path:
    """This checkout's server."""
    program = Path(sys.executable).with_name("fixwright")
    if not program.exists():
        not_here(f"{program} does not exist: run scripts/setup")
    return program


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A project with one broken file."""
    (tmp_path / "project" / ".git").mkdir(parents=True)
    file = tmp_path / "project" / "broken.py"
    file.write_text(BROKEN)
    return file


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Everybody's configuration and caches in a directory of the test."""
    names = ("CONFIG", "DATA", "STATE", "CACHE")
    kept = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in names}
    return dict(os.environ) | kept | {"HOME": str(tmp_path), "TERM": "xterm-256color"}


def test_emacs_with_eglot(
    programs: Path, server: Path, broken: Path, environment: dict[str, str]
) -> None:
    done = subprocess.run(
        [programs / "emacs", "-Q", "--batch", "-l", STORY, broken, server, "serve"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.stdout.count("ok - ") >= 5, done.stdout + done.stderr
    assert broken.read_text() == FIXED
    assert done.returncode == 0, done.stdout + done.stderr


class Terminal:
    """A program in a terminal of tmux: a server of its own, no configuration of the user's."""

    def __init__(self, tmux: Path, command: list[str], cwd: Path, env: dict[str, str]) -> None:
        self._tmux = [str(tmux), "-L", f"fixwright-{uuid.uuid4().hex[:8]}", "-f", "/dev/null"]
        self._env = env
        size = ["-x", "140", "-y", "30"]
        self._call("new-session", "-d", *size, "-c", str(cwd), shlex.join(command))

    def _call(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._tmux, *arguments],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.stdout

    def screen(self) -> str:
        """What is shown now."""
        return self._call("capture-pane", "-p")

    def keys(self, *keys: str) -> None:
        """Press keys, by tmux's names; anything else is typed."""
        self._call("send-keys", *keys)

    def wait(self, *texts: str, gone: str | None = None, seconds: float = 60) -> str:
        """Wait until one of the texts is shown and `gone` is not; returns the one."""
        end = time.monotonic() + seconds
        while True:
            shown = self.screen()
            found = next((text for text in texts if text in shown), None)
            if found is not None and (gone is None or gone not in shown):
                return found
            if time.monotonic() > end:
                pytest.fail(f"waited for {texts}, without {gone!r}:\n{shown}", pytrace=False)
            time.sleep(0.05)

    def close(self) -> None:
        """End the program and its terminal."""
        self._call("kill-server")


@pytest.fixture
def helix(
    programs: Path, server: Path, broken: Path, environment: dict[str, str]
) -> Iterator[Terminal]:
    """Helix with the broken file, set up as the documentation says."""
    config = Path(environment["XDG_CONFIG_HOME"]) / "helix"
    config.mkdir(parents=True)
    (config / "languages.toml").write_text(HELIX_LANGUAGES.format(command=f'"{server}"'))
    (config / "config.toml").write_text('[editor]\nend-of-line-diagnostics = "hint"\n')
    terminal = Terminal(
        programs / "tmux", [str(programs / "hx"), broken.name], broken.parent, environment
    )
    yield terminal
    terminal.close()


def test_helix(helix: Terminal, broken: Path) -> None:
    helix.wait("return sum(values)")
    complaint = "name 'value' is not defined"
    not_yet = "is not supported for any language server"
    argument = f'{{"uri":"{broken.as_uri()}"}}'
    found = not_yet
    while found == not_yet:  # the server is still starting
        helix.keys(f":lsp-workspace-command fixwright.runFile {argument}", "Enter")
        found = helix.wait(complaint, not_yet)

    helix.keys("/len.value", "Enter", " a")  # its place, and the menu of code actions
    helix.wait("Fix this error", "(verified)")
    helix.keys("Enter")
    helix.wait("len(values)", gone=complaint)

    helix.keys(":write-quit", "Enter")
    end = time.monotonic() + 10
    while broken.read_text() != FIXED and time.monotonic() < end:
        time.sleep(0.05)
    assert broken.read_text() == FIXED
