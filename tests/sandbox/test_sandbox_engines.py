"""Engines of the test's own: what they offer is used, what they lack refused; they come back."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixwright_sandbox import Execution, Sandbox, SandboxSettings, SandboxUnavailable, open_sandbox
from fixwright_sandbox.backends.base import BackendError
from fixwright_sandbox.backends.isolation import oci_runtime
from fixwright_sandbox.backends.labels import LABEL
from fixwright_sandbox.backends.podman import find_service
from fixwright_sandbox.owner import Owner
from support.engines import Dockerd, dockerd
from support.sandboxes import PATIENCE, Bench, open_or_skip

FOREVER = "import time\nprint('on', flush=True)\nwhile True: time.sleep(1)"


def settings(engine: Dockerd, **changes: object) -> SandboxSettings:
    return SandboxSettings(backend="docker", pool=0, docker_host=engine.host, **changes)  # type: ignore[arg-type]  # fields by name


def containers(engine: Dockerd) -> list[str]:
    return engine.docker("ps", "-aq", "--no-trunc", "--filter", f"label={LABEL}").split()


async def started(run: Execution) -> None:
    async with asyncio.timeout(PATIENCE):
        async for event in run.events():
            if event.kind == "stdout":
                return
    pytest.fail(f"it ended early: {run.recording.result}")


async def until_none(what: Callable[[], list[str]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while await asyncio.to_thread(what):  # noqa: ASYNC110  # the engine's
            await asyncio.sleep(0.05)


# ---- isolation


@pytest.mark.parametrize(
    ("asked", "offered", "chosen"),
    [
        ("default", ["runc"], None),
        ("runsc", ["runc", "runsc"], "runsc"),
        ("kata", ["runc", "kata-runtime"], "kata-runtime"),
        ("kata", ["io.containerd.kata.v2"], "io.containerd.kata.v2"),
    ],
)
def test_the_runtime_that_is_asked_for(asked: str, offered: list[str], chosen: str | None) -> None:
    assert oci_runtime(asked, offered, "Docker") == chosen  # type: ignore[arg-type]  # parametrised


@pytest.mark.parametrize("asked", ["runsc", "kata"])
def test_less_than_what_is_asked_for_is_never_used(asked: str) -> None:
    with pytest.raises(
        BackendError, match=f"has no runtime {asked}.*it has crun, runc.*daemon.json"
    ):
        oci_runtime(asked, ["runc", "crun"], "Docker")  # type: ignore[arg-type]  # parametrised


@pytest.mark.docker
async def test_an_engine_without_it_opens_no_sandbox() -> None:
    await (await open_or_skip("docker")).close()
    with pytest.raises(SandboxUnavailable, match=r"Docker has no runtime kata \(Kata Containers\)"):
        await open_sandbox(SandboxSettings(backend="docker", isolation="kata"))


@pytest.mark.parametrize("backend", ["bubblewrap", "unconfined"])
async def test_what_has_no_engine_has_no_such_isolation(backend: str) -> None:
    with pytest.raises(SandboxUnavailable, match=f"{backend} has no isolation runsc"):
        await open_sandbox(SandboxSettings(backend=backend, isolation="runsc"))  # type: ignore[arg-type]  # parametrised


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dockerd]:
    """An engine that has what it calls kata: runc by a wrapper that says that it was used."""
    folder = tmp_path_factory.mktemp("runtime")
    used, wrapper = folder / "used", folder / "kata"
    wrapper.write_text(f'#!/bin/sh\necho "$@" >>{used}\nexec {shutil.which("runc")} "$@"\n')
    wrapper.chmod(0o755)
    with dockerd("--add-runtime", f"kata={wrapper}") as engine:
        yield engine


@pytest.mark.slow
@pytest.mark.docker
async def test_the_asked_runtime_reaches_the_engine(own: Dockerd) -> None:
    async with await open_sandbox(settings(own, isolation="kata")) as sandbox:
        assert (await Bench(sandbox).run("print(1)")).status == "passed"
        (container,) = await asyncio.to_thread(containers, own)
        told = json.loads(await asyncio.to_thread(own.docker, "inspect", container))
        assert told[0]["HostConfig"]["Runtime"] == "kata"
    path = json.loads(await asyncio.to_thread(own.docker, "info", "-f", "{{json .Runtimes}}"))
    used = Path(path["kata"]["path"]).with_name("used")
    assert " create " in await asyncio.to_thread(used.read_text)


@pytest.mark.slow
@pytest.mark.docker
async def test_limits_are_held_from_outside(own: Dockerd) -> None:
    async with await open_sandbox(settings(own)) as sandbox:
        assert (await Bench(sandbox).run("pass")).status == "passed"
        (container,) = await asyncio.to_thread(containers, own)
        told = json.loads(await asyncio.to_thread(own.docker, "inspect", container))
    host = told[0]["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] > 0  # no swap beside the memory
    assert 0 < host["PidsLimit"] < 1000
    assert host["NanoCpus"] > 0
    assert {each["Name"]: each["Hard"] for each in host["Ulimits"]} == {"nofile": 16384}
    assert all("size=" in options for options in host["Tmpfs"].values())
    assert (host["CapDrop"], host["ReadonlyRootfs"], host["Binds"]) == (["ALL"], True, None)
    assert told[0]["Config"]["Labels"]["fixwright.sandbox.owner"] == str(Owner.current())


# ---- the daemon's end, and what is left


@pytest.mark.slow
@pytest.mark.docker
async def test_the_daemon_restarts_in_the_middle_of_a_run(own: Dockerd) -> None:
    async with await open_sandbox(settings(own)) as sandbox:
        bench = Bench(sandbox)
        run = bench.start(FOREVER)
        await started(run)
        await asyncio.to_thread(own.stop)
        result = await asyncio.wait_for(run.wait(), PATIENCE)
        assert result.status == "engine", result
        assert result.stdout.data == b"on\n"
        assert (await bench.run("pass")).status == "engine"
        await asyncio.to_thread(own.start)
        assert (await bench.run("print('back')")).stdout.data == b"back\n"
    await until_none(lambda: containers(own))


@pytest.mark.slow
@pytest.mark.docker
async def test_what_a_reboot_left_is_cleared(own: Dockerd, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container of an earlier boot: it stands still, and its owner can't be asked after."""
    before = Owner("00000000-0000-0000-0000-000000000000/1", 1, 1)
    labels = ("--label", f"{LABEL}=1", "--label", f"{LABEL}.owner={before}")
    stamp = ("--label", f"{LABEL}.started=1000.0")
    await asyncio.to_thread(
        own.docker, "create", "--network=none", *labels, *stamp, "fixwright/python:1", "true"
    )
    assert await asyncio.to_thread(containers, own)
    async with await open_sandbox(settings(own)):
        await until_none(lambda: containers(own))


@pytest.mark.slow
@pytest.mark.docker
async def test_users_are_remapped_where_the_engine_does_that() -> None:
    with dockerd("--userns-remap=default") as engine:
        async with await open_sandbox(settings(engine)) as sandbox:
            result = await Bench(sandbox).run("print(open('/proc/self/uid_map').read().split())")
            assert result.status == "passed", result
            inside, outside, _ = json.loads(result.stdout.data.replace(b"'", b'"'))
            assert inside == "0"
            assert int(outside) > 0
            assert (await sandbox.stats()).users == "remapped"


@pytest.mark.docker
async def test_users_are_told(tmp_path: Path) -> None:
    async with await open_or_skip("docker") as sandbox:
        assert isinstance(sandbox, Sandbox)
        assert (await sandbox.stats()).users in {"host", "remapped", "rootless"}


# ---- where Podman listens


def test_podman_is_found_where_it_listens(tmp_path: Path) -> None:
    import socket

    assert find_service({"CONTAINER_HOST": "unix:///there"}) == "unix:///there"
    folder = tmp_path / "podman"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "podman.sock"))
        assert find_service({"XDG_RUNTIME_DIR": str(tmp_path)}) == f"unix://{folder}/podman.sock"


async def test_podman_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINER_HOST", "unix:///nowhere.sock")
    with pytest.raises(SandboxUnavailable, match="No Podman service answers"):
        await open_sandbox("podman")
