"""Layers and leftovers of Podman, with a service of the test's own."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixwright_sandbox import (
    Blob,
    Request,
    Result,
    RunFile,
    Sandbox,
    SandboxSettings,
    leftovers,
    open_sandbox,
)
from fixwright_sandbox.backends.base import BackendError
from fixwright_sandbox.backends.labels import LABEL, LAYER, OWNER_LABEL
from fixwright_sandbox.backends.owned import Found
from fixwright_sandbox.dependencies import wanted
from fixwright_sandbox.dependencies.recipes import layer_of
from fixwright_sandbox.dependencies.records import Record
from fixwright_sandbox.dependencies.sources import Sources
from fixwright_sandbox.owner import Owner
from support.engines import podman
from support.packages import serve_index, write_wheel

pytestmark = [pytest.mark.slow, pytest.mark.docker]  # its image comes from Docker

TREE = {"requirements.txt": "greet-kit==1.0\n", "main.py": "import greet_kit\nprint(greet_kit.X)\n"}


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with podman() as address:
        yield address


def settings(host: str, layers: Path) -> SandboxSettings:
    return SandboxSettings(
        "podman", pool=0, docker_host=host, layers=layers, install_network="host"
    )


async def run(sandbox: Sandbox, record: Record | None) -> Result:
    layer = None if record is None else layer_of(record)
    tree = {path: Blob(text.encode()) for path, text in TREE.items()}
    return await sandbox.start("podman", Request("python", RunFile("main.py"), tree, layer=layer))


async def test_a_layer_is_filled_with_network_and_used_without(host: str, tmp_path: Path) -> None:
    house = tmp_path / "house"
    write_wheel(house, "greet-kit", "1.0", {"greet_kit.py": "X = 'hello'\n"})
    files = {path: lambda text=text: text.encode() for path, text in TREE.items()}
    async with open_sandbox(settings(host, tmp_path / "layers")) as sandbox:
        layers = sandbox.layers()
        with serve_index(house) as index:
            given = Sources({"PIP_INDEX_URL": index.url})
            installed = await layers.start(wanted("python", files), given=given).wait()
            assert installed.record is not None, installed
            assert [each.name for each in installed.record.releases] == ["greet-kit"]
            failed = await layers.start(
                wanted("python", {"requirements.txt": lambda: b"none-such==1\n"}), given=given
            ).wait()
            assert failed.record is None
        assert (await run(sandbox, None)).status == "failed"
        result = await run(sandbox, installed.record)
        assert result.stdout.data == b"hello\n", result
        probe = "import socket\nprint([each[1] for each in socket.if_nameindex()])\n"
        probe += "open('/layer/python/greet_kit.py', 'a')\n"
        tree = {"main.py": Blob(probe.encode())}
        layer = layer_of(installed.record)
        alone = await sandbox.start(
            "podman", Request("python", RunFile("main.py"), tree, layer=layer)
        )
        assert alone.stdout.data == b"['lo']\n"
        assert alone.reports[0]["kind"] == "OSError"
        assert "Read-only" in str(alone.reports[0]["message"])
    async with open_sandbox(settings(host, tmp_path / "layers")) as sandbox:
        await sandbox.layers().remove(installed.record)
    assert not [each for each in _volumes(host) if each.startswith(LAYER)]


def _volumes(host: str) -> list[str]:
    argv = ["docker", "-H", host, "volume", "ls", "-q"]
    return subprocess.run(
        argv, capture_output=True, check=True, text=True, timeout=60
    ).stdout.splitlines()


async def test_what_dead_owners_left_in_podman_is_listed_and_pruned(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTAINER_HOST", host)
    async with (
        open_sandbox(settings(host, tmp_path / "layers")) as sandbox,
        await sandbox.create("mine", files={"main.py": "print(1)"}) as workspace,
    ):
        assert (await workspace.run(file="main.py")).status == "passed"
        name = _volume_of_the_dead(host)
        found = await asyncio.to_thread(leftovers.found)
        (alive,) = [each for each in found if each.workspace == "mine"]
        assert (alive.kind, alive.backend, alive.left) == ("container", "podman", False)
        (used,) = await asyncio.to_thread(leftovers.usage, (alive,))
        assert used.found == alive
        pruned = await asyncio.to_thread(leftovers.prune)
        (left,) = [each for each in pruned if each.id == name]
        assert (left.kind, left.backend) == ("volume", "podman")
        found = await asyncio.to_thread(leftovers.found)
        assert [each.id for each in found if each.backend == "podman"] == [alive.id]


def _volume_of_the_dead(host: str) -> str:
    """Make a volume whose owner has ended; returns its name."""
    process = subprocess.Popen(["true"])
    process.wait()
    owner = Owner(Owner.current().host, process.pid, 1)
    labels = ["--label", f"{LABEL}=1", "--label", f"{OWNER_LABEL}={owner}"]
    name = f"fixwright-left-{process.pid}"
    argv = ["docker", "-H", host, "volume", "create", *labels, name]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
    return name


def test_an_engine_that_does_not_answer_keeps_nothing_else_from_being_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{tmp_path}/nothing")
    process = subprocess.Popen(["sleep", "600"])
    things = (
        Found("volume", "x", "podman", None, left=True),
        Found("process", str(process.pid), "bubblewrap", None, left=True),
    )
    with pytest.raises(BackendError, match="Podman service"):
        leftovers.remove(things)
    assert process.wait(60) != 0
