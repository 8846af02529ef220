"""What is Kubernetes' own, against a server that speaks its API (see `support.fake_cluster`)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixwright_sandbox import SandboxUnavailable, open_sandbox
from fixwright_sandbox.dependencies import wanted
from fixwright_sandbox.dependencies.sources import Sources
from fixwright_sandbox.owner import Owner
from support.engines import required
from support.fake_cluster import FakeCluster, fake_cluster, kubeconfig
from support.sandboxes import PATIENCE, Bench, open_or_skip

pytestmark = pytest.mark.docker
IMAGE = "fixwright/python:1"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCluster]:
    required("docker", root=False)
    with fake_cluster() as opened:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, opened.port)))
        yield opened


async def test_a_pod_has_nothing_to_gain(cluster: FakeCluster) -> None:
    async with await open_or_skip("kubernetes") as sandbox:
        assert (await Bench(sandbox).run("print(1)")).status == "passed"
        ((name, pod),) = cluster.pods.items()
        stats = await sandbox.stats()
        assert [each.identity for each in stats.environments] == [f"pod:test/{name}"]
        spec = pod.manifest["spec"]
        assert pod.manifest["metadata"]["labels"] == {"fixwright.sandbox": "1"}
        owner = pod.manifest["metadata"]["annotations"]["fixwright.sandbox.owner"]
        assert owner == str(Owner.current())
    assert cluster.pods == {}
    assert spec["automountServiceAccountToken"] is False
    assert spec["restartPolicy"] == "Never"
    assert spec["activeDeadlineSeconds"] > 0
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"memory", "cpu", "ephemeral-storage"} == set(container["resources"]["limits"])
    assert all(each["emptyDir"]["medium"] == "Memory" for each in spec["volumes"])
    (policy,) = cluster.policies.values()
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert policy["spec"]["egress"] == policy["spec"]["ingress"] == []


async def test_packages_are_not_installed_and_what_to_do_is_said(cluster: FakeCluster) -> None:
    what = wanted("python", {"requirements.txt": lambda: b"greet-kit==1.0\n"})
    async with await open_or_skip("kubernetes") as sandbox:
        installed = await sandbox.layers().start(what, given=Sources()).wait()
    assert installed.record is None
    assert "backend kubernetes can't install packages" in installed.message
    assert "sandbox.images.python" in installed.message
    assert cluster.pods == {}


async def test_the_policy_may_be_there_already(cluster: FakeCluster) -> None:
    for _ in range(2):
        await (await open_or_skip("kubernetes")).close()
    assert len(cluster.policies) == 1


async def test_an_image_that_the_cluster_can_not_get(cluster: FakeCluster) -> None:
    cluster.missing.add(IMAGE)
    async with await open_or_skip("kubernetes") as sandbox:
        result = await Bench(sandbox).run("print(1)")
    assert result.status == "image"
    assert "can't get the image fixwright/python:1" in result.message
    assert "push it to a registry" in result.message
    assert cluster.pods == {}


async def test_a_pod_that_is_taken_away_is_replaced(cluster: FakeCluster) -> None:
    async with await open_or_skip("kubernetes") as sandbox:
        bench = Bench(sandbox)
        run = bench.start("import time\nprint('on', flush=True)\ntime.sleep(600)")
        async with asyncio.timeout(PATIENCE):
            async for event in run.events():
                if event.kind == "stdout":
                    break
            ((_, pod),) = cluster.pods.items()
            pod.process.kill()
            result = await run.wait()
        assert (result.status, result.stdout.data) == ("error", b"on\n")
        assert "The pod ended before the run did" in result.message
        assert (await bench.run("print('next')")).stdout.data == b"next\n"


async def test_pods_of_dead_owners_are_removed(cluster: FakeCluster) -> None:
    async with await open_or_skip("kubernetes") as sandbox:
        assert (await Bench(sandbox).run("print(1)")).status == "passed"
        ((ours, pod),) = cluster.pods.items()
        dead = Owner(Owner.current().host, 2**22 + 1, 1)
        elsewhere = Owner("another-boot/1", 1, 1)
        for name, owner in (("dead", dead), ("elsewhere", elsewhere)):
            marked = {"name": name, "labels": {}, "annotations": {}}
            marked["annotations"] = {"fixwright.sandbox.owner": str(owner)}
            cluster.pods[name] = type(pod)({**pod.manifest, "metadata": marked}, pod.process)
        await (await open_or_skip("kubernetes")).close()
        assert set(cluster.pods) == {ours, "elsewhere"}


async def test_an_api_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("kubernetes")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, 1)))
    with pytest.raises(SandboxUnavailable, match="The Kubernetes API does not answer"):
        await open_sandbox("kubernetes")


async def test_no_cluster_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("kubernetes")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(SandboxUnavailable, match="No Kubernetes cluster is told"):
        await open_sandbox("kubernetes")


async def test_the_client_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes.client", None)
    with pytest.raises(SandboxUnavailable, match=r"pip install 'fixwright\[kubernetes\]'"):
        await open_sandbox("kubernetes")
