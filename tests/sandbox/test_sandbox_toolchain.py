"""The host's own tools, for backends that bring none."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixwright_sandbox import RunFile
from fixwright_sandbox.backends.base import MissingImageError
from fixwright_sandbox.backends.toolchain import find_toolchain
from fixwright_sandbox.runtimes import catalogue
from support.probe_runtime import probe_runtime
from support.sandboxes import Bench, backends, open_or_skip


def described(homes: list[str], tools: list[str]) -> catalogue.Runtime:
    return catalogue.parse(
        "odd", f'title = "Odd"\nimage = "o"\nhomes = {homes}\ntools = {tools}\ninstall = "buy it"'
    )


def program(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)


def test_tools_of_the_system_need_nothing() -> None:
    found = find_toolchain(described([], ["sh"]), {"PATH": "/usr/bin:/bin"})
    assert (found.folders, found.path, dict(found.variables)) == ((), (), {})


def test_a_tool_outside_brings_the_folder_it_lies_in(tmp_path: Path) -> None:
    program(tmp_path / "real" / "v9" / "bin" / "tool")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tool").symlink_to("../real/v9/bin/tool")
    path = str(tmp_path / "bin")
    found = find_toolchain(described([], ["tool"]), {"PATH": path})
    assert found.folders == (tmp_path,)
    (tmp_path / "other" / "bin").mkdir(parents=True)
    (tmp_path / "other" / "bin" / "tool").symlink_to("../../real/v9/bin/tool")
    found = find_toolchain(described([], ["tool"]), {"PATH": str(tmp_path / "other" / "bin")})
    assert found.folders == (tmp_path / "other", tmp_path / "real" / "v9")
    assert found.path == (str(tmp_path / "other" / "bin"),)


def test_homes_are_told_by_variables_and_patterns(tmp_path: Path) -> None:
    program(tmp_path / "v1" / "bin" / "tool")
    (tmp_path / "etc-7").mkdir()
    homes = ["$TOOL_HOME", f"TOOL_STORE={tmp_path}/v1", "$NOWHERE", f"{tmp_path}/etc-*", "/no/such"]
    environment = {"TOOL_HOME": str(tmp_path / "v1"), "PATH": "/usr/bin"}
    found = find_toolchain(described(homes, ["tool"]), environment)
    assert found.folders == (tmp_path / "v1", tmp_path / "etc-7")
    assert found.path == (str(tmp_path / "v1" / "bin"),)
    assert dict(found.variables) == dict.fromkeys(("TOOL_HOME", "TOOL_STORE"), str(tmp_path / "v1"))


def test_of_a_home_only_the_parts_are_shown_that_are_named(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "tool")
    (tmp_path / "registry").mkdir()
    (tmp_path / "credentials").mkdir()
    found = find_toolchain(
        described([f"TOOL_HOME={tmp_path}:bin,registry,git"], ["tool"]), {"PATH": "/usr/bin"}
    )
    assert found.folders == (tmp_path / "bin", tmp_path / "registry")
    assert found.path == (str(tmp_path / "bin"),)
    assert dict(found.variables) == {"TOOL_HOME": str(tmp_path)}


def test_what_is_missing_is_named_and_how_to_get_it() -> None:
    with pytest.raises(MissingImageError, match=r"^Odd needs nope, which is not") as error:
        find_toolchain(described([], ["sh", "nope"]), {"PATH": "/usr/bin:/bin"})
    assert "(buy it)" in str(error.value)
    assert "fixwright sandbox build odd" in str(error.value)


@pytest.mark.parametrize("backend", backends("bubblewrap", "unconfined"))
async def test_a_run_without_its_tools_is_told_apart(backend: str, tmp_path: Path) -> None:
    with probe_runtime(tmp_path):
        description = tmp_path / "probe" / "runtime.toml"
        text = description.read_text(encoding="utf-8").replace('"cp"', '"no-such-tool"')
        description.write_text(text, encoding="utf-8")
        async with await open_or_skip(backend) as sandbox:
            bench = Bench(sandbox)
            result = await bench.run(RunFile("a.probe"), runtime="probe")
            assert result.status == "image"
            assert result.message.startswith("Probe needs no-such-tool, which is not installed")


@pytest.mark.parametrize(
    "text",
    [
        "title = 3",
        'image = "x"\nwithin = "python"',
        "",
        'image = "x"\ncolour = "red"',
        'image = "x"\nextensions = [1]',
        'image = "x"\nlanguages = "go"',
        'image = "x"\n[limits]\nmemory_bytes = "much"',
        'image = "x"\n[limits]\nmemory_bytes = -1',
        'image = "x"\n[limits]\nfriends = 1',
        'image = "x"\n[environment]\nA = 1',
        'image = "x"\ntests = 1',
        'image = "x"\nname = "other"',
        "= nonsense",
    ],
)
def test_a_description_that_can_not_be_is_refused(text: str) -> None:
    with pytest.raises(catalogue.RuntimeDescriptionError, match=r"^The runtime\.toml of odd"):
        catalogue.parse("odd", text)
