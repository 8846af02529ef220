"""What is a Swarm's own, on one of two real nodes (see `support.swarms`)."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fixwright_sandbox import Execution, SandboxSettings, SandboxUnavailable, open_sandbox
from fixwright_sandbox.backends.base import BackendError
from fixwright_sandbox.backends.manager import Node
from fixwright_sandbox.backends.swarm import CONSTRAINTS_VARIABLE, engine_address
from fixwright_sandbox.owner import Owner
from support.engines import IMAGE, copy_image
from support.sandboxes import PATIENCE, Bench
from support.swarms import OwnSwarm, own_swarm

FOREVER = "import time\nprint('on', flush=True)\nwhile True: time.sleep(1)"
OWNER = """
import asyncio, sys
from fixwright_sandbox import SandboxSettings, open_sandbox
from support.sandboxes import Bench

async def main():
    sandbox = await open_sandbox(SandboxSettings(backend="swarm", pool=0, docker_host=sys.argv[1]))
    await Bench(sandbox).run("pass")
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
NODE = Node("n1", "blue", "10.0.0.2", "ready", "x86_64", 2.0, None, manager=False)


def settings(swarm: OwnSwarm) -> SandboxSettings:
    return SandboxSettings(backend="swarm", pool=0, docker_host=swarm.manager.host)


@pytest.fixture(scope="module")
def swarm() -> Iterator[OwnSwarm]:
    with own_swarm() as made:
        yield made


async def until_none(what: Callable[[], list[str]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while await asyncio.to_thread(what):  # noqa: ASYNC110  # the engines'
            await asyncio.sleep(0.05)


async def until_on(run: Execution) -> None:
    async with asyncio.timeout(PATIENCE):
        async for event in run.events():
            if event.kind == "stdout":
                return
    pytest.fail(f"it ended early: {run.recording.result}")


# ---- where a node's engine is


def test_where_a_nodes_engine_is_reached() -> None:
    template = {"FIXWRIGHT_SWARM_ENGINE": "ssh://fw@{addr}"}
    labelled = Node("n1", "blue", "10.0.0.2", "ready", "x86_64", 2.0, "tcp://b:2376", manager=True)
    manager = Node("n2", "red", "10.0.0.1", "ready", "x86_64", 2.0, None, manager=True)
    assert engine_address(labelled, template) == "tcp://b:2376"
    assert engine_address(NODE, template) == "ssh://fw@10.0.0.2"
    assert engine_address(NODE, {"FIXWRIGHT_SWARM_ENGINE": "tcp://{hostname}:1"}) == "tcp://blue:1"
    assert engine_address(manager, {}) is None
    with pytest.raises(BackendError, match=r"node blue.*--label-add fixwright.engine=ssh://"):
        engine_address(NODE, {})


# ---- a Swarm


@pytest.mark.slow
@pytest.mark.docker
async def test_an_engine_that_manages_no_swarm(swarm: OwnSwarm) -> None:
    said = r"is no manager of a Swarm.*docker swarm init"
    with pytest.raises(SandboxUnavailable, match=said):
        await open_sandbox(SandboxSettings(backend="swarm", docker_host=swarm.worker.host))


@pytest.mark.slow
@pytest.mark.docker
async def test_what_holds_a_service(swarm: OwnSwarm) -> None:
    async with await open_sandbox(settings(swarm)) as sandbox:
        bench = Bench(sandbox)
        code = "print([l for l in open('/proc/self/status') if l.startswith('NoNewPrivs')])"
        assert (await bench.run(code)).stdout.data == b"['NoNewPrivs:\\t1\\n']\n"
        routes = "print([line.split()[1] for line in open('/proc/net/route')][1:])"
        out = (await bench.run(routes)).stdout.data
        assert b"00000000" not in out, out  # there is no way out
        (container,) = await asyncio.to_thread(swarm.containers)
        stats = await sandbox.stats()
        assert [each.identity for each in stats.environments] == [f"container:{container}"]
        told: dict[str, Any] = await asyncio.to_thread(swarm.inspect, container)
    host = told["HostConfig"]
    assert (host["CapDrop"], host["ReadonlyRootfs"], host["Binds"]) == (["ALL"], True, None)
    assert host["Memory"] > 0
    assert 0 < host["PidsLimit"] < 1000
    assert host["NanoCpus"] > 0
    assert host["LogConfig"]["Type"] == "none"
    assert {each["Name"]: each["Hard"] for each in host["Ulimits"]} == {"nofile": 16384}
    options = [each["VolumeOptions"]["DriverConfig"]["Options"]["o"] for each in host["Mounts"]]
    assert all("size=" in each and "nr_inodes=" in each for each in options)
    assert told["Config"]["User"] == "10001:10001"
    assert told["Config"]["Labels"]["fixwright.sandbox.owner"] == str(Owner.current())
    assert swarm.everything() == []


@pytest.mark.slow
@pytest.mark.docker
async def test_no_node_fits(swarm: OwnSwarm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONSTRAINTS_VARIABLE, "node.labels.colour==blue")
    async with await open_sandbox(settings(swarm)) as sandbox:
        result = await Bench(sandbox).run("pass")
    assert result.status == "error"
    assert "No node of the Swarm takes the environment" in result.message
    assert "scheduling constraints not satisfied" in result.message  # the Swarm's own words
    await until_none(swarm.everything)


@pytest.mark.slow
@pytest.mark.docker
async def test_the_node_has_no_image(swarm: OwnSwarm) -> None:
    await asyncio.to_thread(swarm.worker.docker, "rmi", "-f", IMAGE)
    try:
        async with await open_sandbox(settings(swarm)) as sandbox:
            result = await Bench(sandbox).run("pass")
    finally:
        await asyncio.to_thread(copy_image, swarm.worker.host)
    assert result.status == "image", result
    assert "No such image" in result.message
    assert swarm.node in result.message
    await until_none(swarm.everything)


@pytest.mark.slow
@pytest.mark.docker
async def test_what_a_killed_owner_left_goes(swarm: OwnSwarm) -> None:
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OWNER, swarm.manager.host),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert owner.stdout is not None
    assert await asyncio.wait_for(owner.stdout.readline(), PATIENCE) == b"ready\n"
    owner.send_signal(signal.SIGKILL)
    await owner.wait()
    left = await asyncio.to_thread(swarm.everything)
    assert len(left) >= 4, left  # a service, its container, network and volumes
    async with await open_sandbox(settings(swarm)):
        await until_none(swarm.everything)


@pytest.mark.slow
@pytest.mark.docker
async def test_the_node_goes_down_and_comes_back(swarm: OwnSwarm) -> None:
    async with await open_sandbox(settings(swarm)) as sandbox:
        bench = Bench(sandbox)
        run = bench.start(FOREVER)
        await until_on(run)
        await asyncio.to_thread(swarm.worker.stop)
        result = await asyncio.wait_for(run.wait(), PATIENCE)
        assert result.status == "engine", result
        assert result.stdout.data == b"on\n"
        assert "node" in result.message
        await asyncio.to_thread(swarm.worker.start)
        async with asyncio.timeout(PATIENCE):
            while (result := await bench.run("print('back')")).status != "passed":
                pass
        assert result.stdout.data == b"back\n"
    await until_none(lambda: [*swarm.services(), *swarm.containers()])
