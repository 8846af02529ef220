"""Packages that a run lacks: asked for, installed, and the run repeated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lsprotocol import types as lsp

from fixwright.runs.dependencies import Ask, Consents, may_lack, missing_module, provides
from fixwright_sandbox.dependencies import Package, Wanted
from support.editor import editing
from support.made_runs import made_run, result, workspace
from support.needs import needs
from support.packages import serve_index, write_wheel

SOURCE = "import greet_kit\nprint(greet_kit.HELLO)\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project that asks for a package."""
    place = tmp_path / "project"
    place.mkdir()
    (place / "pyproject.toml").write_text("")
    (place / "requirements.txt").write_text("greet-kit==1.0\n")
    (place / "main.py").write_text(SOURCE)
    return place


@pytest.fixture
def variables(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The user's settings: folders of its own, and a registry."""
    house = tmp_path / "house"
    write_wheel(house, "greet-kit", "1.0", {"greet_kit.py": "HELLO = 'hello'\n"})
    with serve_index(house) as index:
        yield {
            "PIP_INDEX_URL": index.url,
            "FIXWRIGHT_SANDBOX_BACKEND": "bubblewrap",
            **{
                f"XDG_{name}_HOME": str(tmp_path / name.lower())
                for name in ("CACHE", "DATA", "CONFIG")
            },
        }


@pytest.mark.slow
@pytest.mark.bubblewrap
async def test_a_yes_installs_and_repeats_the_run(
    folder: Path, variables: dict[str, str], tmp_path: Path
) -> None:
    needs("bubblewrap")
    async with editing(folder, environment=variables) as editor:
        editor.answer = "Install"
        uri = editor.open_file(folder / "main.py")
        report = await editor.run(uri)
        assert report["failures"][0]["kind"] == "ModuleNotFoundError"
        await editor.until(lambda: editor.shown.questions, "the question")
        (question,) = editor.shown.questions
        assert "greet-kit==1.0 (requirements.txt:1)" in question.message
        await editor.until(lambda: not editor.shown.diagnostics[uri].items, "the second run")
        again = await editor.run(uri)
        assert (again["status"], again["stdout"]) == ("passed", "hello\n")
    consent = json.loads((tmp_path / "data/fixwright/dependencies.json").read_text())
    assert list(consent) == [str(folder)]
    async with editing(folder, environment=variables) as editor:
        uri = editor.open_file(folder / "main.py")
        assert (await editor.run(uri))["status"] == "passed"
        assert not editor.shown.questions


@pytest.mark.slow
@pytest.mark.bubblewrap
async def test_a_no_installs_nothing_and_is_asked_once(
    folder: Path, variables: dict[str, str], tmp_path: Path
) -> None:
    needs("bubblewrap")
    async with editing(folder, environment=variables) as editor:
        editor.answer = "Not now"
        uri = editor.open_file(folder / "main.py")
        await editor.run(uri)
        await editor.until(lambda: editor.shown.questions, "the question")
        assert (await editor.run(uri))["status"] == "failed"
        told = await editor.command("fixwright.installDependencies", {"uri": uri})
        assert (told["status"], told["packages"][0]["name"]) == ("refused", "greet-kit")
        assert len(editor.shown.questions) == 2  # the second by the command
    assert not (tmp_path / "cache/fixwright/layers").exists()


@pytest.mark.slow
@pytest.mark.bubblewrap
async def test_the_command_installs_and_tells_what(folder: Path, variables: dict[str, str]) -> None:
    needs("bubblewrap")
    settings = {"sandbox": {"dependencies": "always"}}
    async with editing(folder, environment=variables, settings=settings) as editor:
        uri = editor.open_file(folder / "main.py")
        told = await editor.command("fixwright.installDependencies", {"uri": uri})
        assert told["status"] == "installed", told
        assert told["installed"] == [{"name": "greet-kit", "version": "1.0"}]
        assert not editor.shown.questions
        assert (await editor.run(uri))["status"] == "passed"


@pytest.mark.slow
@pytest.mark.bubblewrap
async def test_a_workspace_cannot_say_always(folder: Path, variables: dict[str, str]) -> None:
    needs("bubblewrap")
    (folder / "fixwright.toml").write_text('[sandbox]\ndependencies = "always"\n')
    async with editing(folder, environment=variables) as editor:
        uri = editor.open_file(folder / "main.py")
        told = await editor.command("fixwright.installDependencies", {"uri": uri})
        assert told["status"] == "refused"
        assert editor.shown.questions


@pytest.mark.slow
@pytest.mark.bubblewrap
async def test_the_light_bulb_offers_a_known_package(
    folder: Path, variables: dict[str, str]
) -> None:
    needs("bubblewrap")
    (folder / "main.py").write_text("import requests\n")
    async with editing(
        folder, environment={**variables, "FIXWRIGHT_SANDBOX_PYTHON": "/usr/bin/python3"}
    ) as editor:
        uri = editor.open_file(folder / "main.py")
        report = await editor.run(uri)
        if report["status"] == "passed":
            pytest.skip("this machine's own interpreter has requests")
        place = lsp.Range(lsp.Position(0, 0), lsp.Position(0, 1))
        titles = [each.title for each in await editor.actions(uri, place)]
        assert "Install requests into the sandbox…" in titles


@pytest.mark.slow
@pytest.mark.bubblewrap
def test_the_command_line_plans_asks_and_installs(folder: Path, variables: dict[str, str]) -> None:
    needs("bubblewrap")

    def fixwright(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "fixwright", *arguments], capture_output=True, text=True,
            timeout=120, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, **variables, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip

    deps = ("sandbox", "deps", str(folder))
    planned = fixwright(*deps)
    assert (planned.returncode, planned.stdout) == (0, "greet-kit==1.0 (requirements.txt:1)\n")
    refused = fixwright(*deps, "--install")
    assert (refused.returncode, "Nobody agreed" in refused.stderr) == (3, True), refused
    done = fixwright(*deps, "--install", "--yes", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["status"]) == (0, "installed")
    run = ("run", str(folder / "main.py"))
    fresh = fixwright(*run)
    assert (fresh.stdout, "have changed" in fresh.stderr) == ("hello\n", False)
    (folder / "requirements.txt").write_text("greet-kit==1.0\nother-kit==2.0\n")
    (folder / "more.txt").write_text("nobody asks for this\n")
    stale = fixwright(*run)
    assert "requirements.txt has changed since packages were installed" in stale.stderr
    assert "fixwright sandbox deps --install" in stale.stderr
    assert "has changed" not in fixwright(*run).stderr  # told once
    (warning,) = json.loads(fixwright(*run, "--json").stdout)["warnings"]
    assert warning["kind"] == "StalePackages"  # and yet it stands in every report


@pytest.mark.slow
@pytest.mark.bubblewrap
async def test_a_run_with_packages_that_are_not_asked_for_any_more_says_so(
    folder: Path, variables: dict[str, str], tmp_path: Path
) -> None:
    needs("bubblewrap")
    settings = {"sandbox": {"dependencies": "always"}}
    async with editing(folder, environment=variables, settings=settings) as editor:
        uri = editor.open_file(folder / "main.py")
        await editor.command("fixwright.installDependencies", {"uri": uri})
        manifest = folder / "requirements.txt"
        assert (await editor.run(uri))["warnings"] == []
        manifest.write_text("# a remark, and nothing else\ngreet-kit==1.0\n")
        assert (await editor.run(uri))["warnings"] == []
        manifest.write_text("greet-kit>=1.0\n")
        reports = [await editor.run(uri) for _ in range(2)]
        (first,), (warning,) = (report["warnings"] for report in reports)
        assert first == warning
        assert (warning["kind"], warning["uri"]) == ("StalePackages", manifest.as_uri())
        assert (reports[1]["status"], reports[1]["stdout"]) == ("passed", "hello\n")
        told = [each for each in editor.shown.messages if "requirements.txt has changed" in each]
        assert len(told) == 1
        status = await editor.command("fixwright.status", {})
        (stale,) = status["stalePackages"]
        assert stale["message"] == warning["message"]
        await editor.command("fixwright.installDependencies", {"uri": uri})
        assert (await editor.run(uri))["warnings"] == []
        assert (await editor.command("fixwright.status", {}))["stalePackages"] == []
        for record in (tmp_path / "cache/fixwright/layers").glob("*.json"):
            record.unlink()
        report = await editor.run(uri)
        assert (report["status"], report["warnings"][0]["kind"]) == ("failed", "StalePackages")
        assert "not there any more" in report["warnings"][0]["message"]


def test_consents_are_of_one_workspace_and_one_set(tmp_path: Path) -> None:
    consents = Consents(tmp_path / "data" / "consents.json")
    wanted = Wanted("python", (Package("a", "", "a.py:1"),))
    ask = Ask(tmp_path / "one", wanted)
    assert not consents.agreed(ask)
    consents.agree(ask)
    consents.use(ask)
    assert consents.agreed(ask)
    used = consents.used(ask.directory, "python")
    assert used is not None
    assert used.key == wanted.key
    assert consents.used(ask.directory, "node") is None
    assert not consents.agreed(Ask(tmp_path / "two", wanted))
    more = Wanted("python", (*wanted.packages, Package("b", "", "b.py:1")))
    assert not consents.agreed(Ask(ask.directory, more))


@pytest.mark.parametrize(
    ("kind", "message", "module"),
    [
        ("ModuleNotFoundError", "No module named 'a.b'", "a.b"),
        ("Error", "Cannot find module 'left-pad'", "left-pad"),
        ("Error", "Cannot find package '@a/b' imported from /workspace/x.mjs", "@a/b"),
        ("Error", "Cannot find module './mine'", None),
        ("KeyError", "'a'", None),
    ],
)
def test_what_a_failure_says_is_missing(kind: str, message: str, module: str | None) -> None:
    assert missing_module(kind, message) == module


def test_a_java_package_that_is_nowhere_may_be_what_the_pom_names(tmp_path: Path) -> None:
    missing = {
        "type": "diagnostic",
        "severity": "error",
        "kind": "compiler.err.doesnt.exist",
        "message": "package org.a does not exist",
        "path": "a.py",
        "line": 0,
        "column": 0,
        "endLine": 0,
        "endColumn": 1,
    }
    finished = made_run(workspace(a="x"), result("failed", [missing]))
    assert may_lack(finished)
    asks = Wanted("java", (Package("org.a:kit", ":1", "pom.xml:3"),))
    assert provides(Ask(tmp_path, asks), finished)
    assert not provides(Ask(tmp_path, Wanted("java")), finished)
