"""The VS Code extension, in a real workbench, with the real server of this checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, cast, get_args, get_origin

import pytest

from fixwright.config import Settings, known_keys

EXTENSION = Path(__file__).parents[2] / "clients" / "vscode"
TOOLS = EXTENSION / "test"
EXTENSION_ONLY = {"server.command", "run.revealOutput", "trace.server"}

in_editor = [pytest.mark.editor, pytest.mark.slow, pytest.mark.timeout(480)]


def not_here(reason: str) -> NoReturn:
    """Skip on a machine of one's own; where the editors must be there, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def run(*command: str | Path, cwd: Path = EXTENSION, timeout: float = 400) -> str:
    """Run to the end; a failure shows everything that was printed."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(f"{command} ended with {done.returncode}:\n{done.stdout}", pytrace=False)
    return done.stdout


@pytest.fixture(scope="module")
def cache() -> Path:
    """Where `clients/vscode/test/install` has put the editor and the browser."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    found = Path(home) / "fixwright-e2e" / "vscode"
    install = "run clients/vscode/test/install"
    if not (found / "driver" / "node_modules" / "playwright-core").is_dir():
        not_here(f"the VS Code workbench is not installed: {install}")
    if not (EXTENSION / "node_modules" / ".bin" / "vsce").exists():
        not_here(f"the extension's packages are not installed: {install}")
    for program in ("node", "npm", os.environ.get("CHROMIUM", "chromium")):
        if shutil.which(program) is None:
            not_here(f"{program} is not installed: {install}")
    return found


@pytest.fixture(scope="module")
def vsix(cache: Path) -> Path:
    """The packaged extension; beside it, in `dist/test`, the suites for the extension host."""
    run("node", "esbuild.mjs", "--tests")
    run("npm", "run", "package")
    return EXTENSION / "fixwright.vsix"


@dataclass(frozen=True)
class Workbench:
    """A running workbench: its address, the folder it opens, its log files."""

    url: str
    modules: Path
    folder: Path
    state: Path

    def drive(self, script: str, *options: str | Path) -> str:
        """Run one of the drivers against it."""
        try:
            return run(
                "node", TOOLS / script, "--url", self.url, "--modules", self.modules,
                "--folder", self.folder, *options,
            )  # fmt: skip
        except pytest.fail.Exception as failure:
            logs = self.state.glob("data/logs/*/exthost*/fixwright.fixwright/*.log")
            tails = [f"{log.name}:\n{log.read_text(errors='replace')[-4000:]}" for log in logs]
            pytest.fail("\n".join([str(failure), *tails]), pytrace=False)


@pytest.fixture
def start(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Workbench]]:
    """Start a workbench whose Fixwright settings name this checkout's server."""
    server = Path(sys.executable).with_name("fixwright")
    if not server.exists():
        not_here(f"{server} does not exist: run scripts/setup")
    state = tmp_path / "state"
    folder = tmp_path / "project"
    folder.mkdir()
    settings = tmp_path / "settings.json"
    # The configuration of whoever runs the tests has no part in them.
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def workbench(*options: str | Path, provider: str = "none") -> Workbench:
        settings.write_text(
            json.dumps(
                {
                    "fixwright.server.command": [str(server), "serve"],
                    "fixwright.model.provider": provider,
                    # Written by those who want the provider "scripted".
                    "fixwright.model.script": str(tmp_path / "script.json"),
                    "fixwright.trace.server": "verbose",
                }
            )
        )
        output = run(TOOLS / "workbench", "start", cache, state, "--settings", settings, *options)
        return Workbench(output.splitlines()[-1], cache / "driver", folder, state)

    yield workbench
    run(TOOLS / "workbench", "stop", state)


class TestPackage:
    pytestmark = in_editor

    def test_holds_what_it_needs_and_nothing_else(self, vsix: Path) -> None:
        with zipfile.ZipFile(vsix) as archive:
            names = {name.lower() for name in archive.namelist()}
        assert names == {
            "[content_types].xml",
            "extension.vsixmanifest",
            "extension/package.json",
            "extension/readme.md",
            "extension/changelog.md",
            "extension/license.txt",
            "extension/icon.png",
            "extension/dist/extension.js",
        }


class TestInTheEditor:
    pytestmark = in_editor

    def test_run_see_fix(self, vsix: Path, start: Callable[..., Workbench], tmp_path: Path) -> None:
        """The packaged extension, in the page, with keys and menus as a person uses them."""
        shots = Path(os.environ.get("FIXWRIGHT_SHOTS", tmp_path / "shots"))
        workbench = start("--vsix", vsix, provider="scripted")
        printed = workbench.drive("story.mjs", "--shots", shots)
        assert printed.count("ok - ") == 7, printed

    def test_suites_in_the_extension_host(
        self, vsix: Path, start: Callable[..., Workbench]
    ) -> None:
        printed = start("--driver").drive("host.mjs", "--extension", EXTENSION)
        assert " passing" in printed
        assert " pending" not in printed


class TestSettings:
    """What the extension offers and what the server takes are the same."""

    @pytest.fixture
    def offered(self) -> dict[str, dict[str, Any]]:
        manifest = json.loads((EXTENSION / "package.json").read_text())
        found: dict[str, dict[str, Any]] = {}
        for page in manifest["contributes"]["configuration"]:
            found |= page["properties"]
        return {name.removeprefix("fixwright."): value for name, value in found.items()}

    def test_every_one_is_known_to_the_server(self, offered: dict[str, dict[str, Any]]) -> None:
        assert set(offered) - EXTENSION_ONLY <= set(known_keys())

    def test_none_overrides_the_servers_own_sources_unasked(
        self, offered: dict[str, dict[str, Any]]
    ) -> None:
        defaults = {name: offered[name]["default"] for name in set(offered) - EXTENSION_ONLY}
        assert set(defaults.values()) == {None}

    def test_choices_are_the_servers(self, offered: dict[str, dict[str, Any]]) -> None:
        for name, setting in offered.items():
            if name in EXTENSION_ONLY or "enum" not in setting:
                continue
            section, key = name.split(".")
            model = cast("type[Any]", Settings.model_fields[section].annotation)
            annotation = model.model_fields[key].annotation
            literal = next(
                part for part in (annotation, *get_args(annotation)) if get_origin(part) is Literal
            )
            assert set(setting["enum"]) == {None, *get_args(literal)}, name

    def test_those_that_could_widen_need_a_trusted_workspace(
        self, offered: dict[str, dict[str, Any]]
    ) -> None:
        manifest = json.loads((EXTENSION / "package.json").read_text())
        trust = manifest["capabilities"]["untrustedWorkspaces"]
        assert trust["supported"] == "limited"
        harmless = {
            *("run.revealOutput", "trace.server"),
            *("index.features", "diagnostics.warnings"),
        }
        assert set(trust["restrictedConfigurations"]) == {
            f"fixwright.{name}" for name in set(offered) - harmless
        }

    def test_each_is_in_the_readme(self, offered: dict[str, dict[str, Any]]) -> None:
        readme = (EXTENSION / "README.md").read_text()
        assert [name for name in offered if f"`fixwright.{name}`" not in readme] == []
