"""Engines of other machines, by TLS and by SSH: everything travels by the stream."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fixwright_sandbox import Blob, Sandbox, SandboxSettings, SandboxUnavailable, open_sandbox
from fixwright_sandbox.backends.base import BackendError
from fixwright_sandbox.backends.endpoint import Endpoint
from support.engines import SecureProxy, certificates, run, sshd
from support.sandboxes import PATIENCE, Bench, open_or_skip

pytestmark = pytest.mark.docker
FOREVER = "import time\nprint('on', flush=True)\nwhile True: time.sleep(1)"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    certificates(folder)
    return folder


@pytest.fixture
async def proxy(keys: Path) -> AsyncIterator[SecureProxy]:
    await (await open_or_skip("docker")).close()
    opened = SecureProxy(keys)
    await opened.start()
    yield opened
    await opened.stop()


def by_tls(monkeypatch: pytest.MonkeyPatch, proxy: SecureProxy, keys: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(keys))


async def works(sandbox: Sandbox) -> None:
    """A tree goes there, a run's output and files come back, and another run follows."""
    bench = Bench(sandbox)
    bench.tree["data/large.bin"] = Blob(bytes(range(256)) * 8192)
    code = (
        "import sys\n"
        "data = open('data/large.bin', 'rb').read()\n"
        "open('out.bin', 'wb').write(data[::-1])\n"
        "sys.stdout.buffer.write(data)\n"
        "print(sys.stdin.read(), file=sys.stderr)\n"
    )
    first = await bench.run(code, stdin=b"typed")
    assert (first.status, first.stderr.data) == ("passed", b"typed\n"), first
    assert first.stdout.total == 2 << 20
    assert [(file.path, file.size) for file in first.files] == [("out.bin", 2 << 20)]
    again = await bench.run("print('again')")
    assert (again.stdout.data, again.files_sent) == (b"again\n", 1)


async def started(bench: Bench) -> asyncio.Task[object]:
    run = bench.start(FOREVER)
    async with asyncio.timeout(PATIENCE):
        async for event in run.events():
            if event.kind == "stdout":
                break
    return asyncio.create_task(run.wait())


async def test_an_engine_behind_tls(
    proxy: SecureProxy, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_tls(monkeypatch, proxy, keys)
    async with await open_sandbox(SandboxSettings(backend="docker", pool=0)) as sandbox:
        await works(sandbox)
    assert proxy.carried > 4 << 20  # all of it went that way


async def test_an_engine_of_a_context(
    proxy: SecureProxy, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `docker context create far --docker host=…,ca=…,cert=…,key=…` makes it."""
    for name in ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    files = ",".join(f"{name}={keys}/{name}.pem" for name in ("ca", "cert", "key"))
    endpoint = f"host=tcp://127.0.0.1:{proxy.port},{files}"
    making = ("docker", "context", "create", "far", "--docker", endpoint)
    await asyncio.to_thread(run, *making)
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    found = await asyncio.to_thread(Endpoint.find, None)
    assert found.url == f"tcp://127.0.0.1:{proxy.port}"
    async with await open_sandbox(SandboxSettings(backend="docker", pool=0)) as sandbox:
        assert (await Bench(sandbox).run("print(1)")).status == "passed"
    assert proxy.carried > 0


async def test_an_engine_behind_tls_that_goes_and_comes_back(
    proxy: SecureProxy, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_tls(monkeypatch, proxy, keys)
    async with await open_sandbox(SandboxSettings(backend="docker", pool=0)) as sandbox:
        bench = Bench(sandbox)
        run = bench.start(FOREVER)
        async with asyncio.timeout(PATIENCE):
            async for event in run.events():
                if event.kind == "stdout":
                    break
            await proxy.stop()
            result = await run.wait()
        assert (result.status, result.stdout.data) == ("engine", b"on\n"), result
        assert "Docker Engine" in result.message
        await proxy.start()
        assert (await bench.run("print('back')")).stdout.data == b"back\n"


async def test_an_engine_that_is_not_who_it_should_be(
    proxy: SecureProxy, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is spoken to: a stranger's certificate, or one that does not know ours."""
    others = tmp_path / "others"
    others.mkdir()
    certificates(others)
    by_tls(monkeypatch, proxy, others)
    with pytest.raises(SandboxUnavailable, match="No Docker Engine answers: "):
        await open_sandbox(SandboxSettings(backend="docker"))


async def test_certificates_that_are_missing_are_named(
    proxy: SecureProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_tls(monkeypatch, proxy, tmp_path / "none")
    with pytest.raises(
        SandboxUnavailable, match=r"no folder \S+none with the engine's certificates"
    ):
        await open_sandbox(SandboxSettings(backend="docker"))


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(BackendError, match="has to begin with unix://, tcp:// or ssh://"):
        Endpoint.find("gopher://there")


def test_what_the_environment_says_comes_before_the_context(tmp_path: Path) -> None:
    told = {"DOCKER_HOST": "tcp://there:1", "DOCKER_CONFIG": str(tmp_path)}
    assert Endpoint.find(None, told).url == "tcp://there:1"
    assert Endpoint.find("unix:///x", told).url == "unix:///x"
    assert Endpoint.find("unix:///x", told).address() == Path("/x")
    assert Endpoint.find(None, told).address() == ("there", 1, None)


# ---- SSH


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    programs = tmp_path / "programs"
    programs.mkdir()
    with sshd(programs) as host:
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        temporary = Path(tempfile.mkdtemp(prefix="fw-"))  # a socket's path has to be short
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        yield host
        temporary.rmdir()  # nothing was left there


async def test_an_engine_behind_ssh(far: str) -> None:
    await (await open_or_skip("docker")).close()
    settings = SandboxSettings(backend="docker", pool=0, docker_host=far)
    async with await open_sandbox(settings) as sandbox:
        await works(sandbox)


async def test_a_tunnel_that_breaks_is_made_again(far: str) -> None:
    await (await open_or_skip("docker")).close()
    settings = SandboxSettings(backend="docker", pool=0, docker_host=far)
    async with await open_sandbox(settings) as sandbox:
        bench = Bench(sandbox)
        waiting = await started(bench)
        tunnel = sandbox._backend._engine.endpoint._tunnel  # type: ignore[attr-defined]  # to break it
        tunnel._process.kill()
        result = await asyncio.wait_for(waiting, PATIENCE)
        assert getattr(result, "status", None) in {"engine", "error"}
        assert (await bench.run("print('back')")).stdout.data == b"back\n"


async def test_ssh_that_does_not_get_there_says_why(far: str) -> None:
    nowhere = far.rpartition(":")[0] + ":1"
    with pytest.raises(SandboxUnavailable, match=r"SSH does not get to ssh://.*refused"):
        await open_sandbox(SandboxSettings(backend="docker", docker_host=nowhere))


async def test_an_engine_behind_ssh_that_is_not_there(far: str) -> None:
    settings = SandboxSettings(backend="docker", docker_host=f"{far}/run/none.sock")
    with pytest.raises(SandboxUnavailable, match="No Docker Engine answers"):
        await open_sandbox(settings)


DOOMED = """
import asyncio, sys
from fixwright_sandbox import *
async def main():
    async with open_sandbox(SandboxSettings(backend="docker", docker_host=sys.argv[1], pool=0)):
        print("open", flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.mark.slow
async def test_a_tunnel_ends_with_its_owner_and_its_socket_with_the_next(far: str) -> None:
    await (await open_or_skip("docker")).close()
    temporary = Path(tempfile.gettempdir())
    variables = {"TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path)}
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", DOOMED, far),
        stdout=subprocess.PIPE,
        env={**os.environ, **variables},
    )
    assert owner.stdout is not None
    async with asyncio.timeout(PATIENCE):
        assert await owner.stdout.readline() == b"open\n"
    (folder,) = await asyncio.to_thread(lambda: list(temporary.glob("fixwright-ssh-*")))
    assert tunnels(folder)
    owner.kill()
    await owner.wait()
    async with asyncio.timeout(PATIENCE):
        while tunnels(folder):  # noqa: ASYNC110  # not our child: nobody tells
            await asyncio.sleep(0.05)
    settings = SandboxSettings(backend="docker", pool=0, docker_host=far)
    async with await open_sandbox(settings):
        assert not folder.exists()


def tunnels(folder: Path) -> list[str]:
    """SSH clients that listen in a folder."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def test_contexts_are_read_as_json(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "absent"}))
    with pytest.raises(BackendError, match="absent"):
        Endpoint.find(None, {"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "absent"})
