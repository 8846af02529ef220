"""Engines of a test's own, and ways to one: a second dockerd, Podman's service, TLS, SSH.

What could disturb others happens to these only.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

IMAGE = "fixwright/python:1"
SOCKET = Path("/var/run/docker.sock")
_PATIENCE = 60.0


def run(*argv: str, **more: str) -> str:
    """A program's output; a failure says what it said."""
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=180, check=False, env={**os.environ, **more}
    )
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout


def required(*programs: str, root: bool = True) -> None:
    """Skip where the machine can't have what is tested, saying what it lacks."""
    lacking = [program for program in programs if shutil.which(program) is None]
    if lacking:
        pytest.skip(f"not installed: {', '.join(lacking)}")
    if root and os.getuid() != 0:
        pytest.skip("only root can start an engine of its own")


@contextmanager
def daemon(argv: list[str], log: Path, ready: list[str]) -> Generator[subprocess.Popen[bytes]]:
    """A background process, from when `ready` succeeds; at the end it is gone."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )
    try:
        await_success(ready, process, log)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def await_success(argv: list[str], process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while subprocess.run(argv, capture_output=True, timeout=30, check=False).returncode != 0:
        if process.poll() is not None or time.monotonic() > end:
            pytest.skip(f"{argv[0]} can't run here: {log.read_text(errors='replace')[-400:]}")
        time.sleep(0.05)  # nothing tells when a daemon is ready


class Dockerd:
    """A Docker daemon of the test's own, on a socket and storage of its own."""

    def __init__(self, folder: Path, *options: str, within: tuple[str, ...] = ()) -> None:
        self._within = within  # what starts it elsewhere, in other namespaces say
        self.folder = folder
        self.host = f"unix://{folder}/docker.sock"
        self._options = options
        self._running: contextlib.ExitStack = contextlib.ExitStack()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, again with what it held before."""
        folder = self.folder
        argv = [
            *self._within,
            *("dockerd", "-H", self.host),
            *("--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"),
            *("--pidfile", f"{folder}/pid", "--bridge=none"),
            *("--iptables=false", "--ip6tables=false", *self._options),
        ]
        ready = ["docker", "-H", self.host, "version"]
        self.process = self._running.enter_context(daemon(argv, folder / "log", ready))

    def stop(self) -> None:
        """Stop it in an orderly way, which stops its containers."""
        self._running.close()

    def discard(self) -> None:
        """Stop it and remove all that it had."""
        # What a runtime of its own left running would outlive it.
        left = "docker ps -aq | xargs -r docker rm -f"
        subprocess.run(
            ["sh", "-c", left],
            env={**os.environ, "DOCKER_HOST": self.host},
            capture_output=True,
            timeout=60,
            check=False,
        )
        self.stop()
        _unmount_below(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    def docker(self, *arguments: str) -> str:
        """The client's output."""
        return run("docker", "-H", self.host, *arguments)


@contextmanager
def dockerd(*options: str, image: bool = True) -> Generator[Dockerd]:
    """A daemon with Python's image."""
    required("dockerd", "docker")
    folder = Path(tempfile.mkdtemp(prefix="fw-dockerd-"))
    folder.chmod(0o711)  # whom it maps its users to has to get through
    engine = Dockerd(folder, *options)
    try:
        engine.start()
        if image:
            copy_image(engine.host)
        yield engine
    finally:
        engine.discard()


def _unmount_below(folder: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((each for each in mounts if each.startswith(str(folder))), reverse=True):
        subprocess.run(["umount", "-l", mount], capture_output=True, check=False)


def copy_image(host: str) -> None:
    """Give another engine Python's image, as the usual one has it."""
    if subprocess.run(
        ["docker", "image", "inspect", IMAGE], capture_output=True, check=False
    ).returncode:
        pytest.skip(f"the engine has no {IMAGE}")
    with subprocess.Popen(["docker", "save", IMAGE], stdout=subprocess.PIPE) as saving:
        subprocess.run(
            ["docker", "-H", host, "load"], stdin=saving.stdout, capture_output=True, check=True
        )


@contextmanager
def podman() -> Generator[str]:
    """Podman's service with storage of its own and Python's image; yields its address."""
    required("podman", "docker")
    folder = Path(tempfile.mkdtemp(prefix="fw-podman-"))
    # crun does not take the hybrid cgroups that some machines have; runc does.
    runtime = shutil.which("runc")
    options = ["--runtime", runtime] if runtime else []
    options += ["--root", f"{folder}/root", "--runroot", f"{folder}/run"]
    host = f"unix://{folder}/podman.sock"
    argv = ["podman", *options, "system", "service", "--time=0", host]
    try:
        with daemon(argv, folder / "log", ["docker", "-H", host, "version"]):
            copy_image(host)
            yield host
    finally:
        subprocess.run(
            ["podman", *options, "rm", "-af"], capture_output=True, timeout=60, check=False
        )
        _unmount_below(folder)
        shutil.rmtree(folder, ignore_errors=True)


# ---- ways to an engine


def certificates(folder: Path) -> None:
    """An authority, and of it a server's and a client's certificate, as Docker names them."""
    required("openssl", root=False)
    key = ("-newkey", "rsa:2048", "-nodes", "-days", "2")

    def openssl(*arguments: str) -> None:
        run("openssl", *arguments)

    authority = ("-keyout", f"{folder}/ca-key.pem", "-out", f"{folder}/ca.pem")
    openssl("req", "-x509", *key, *authority, "-subj", "/CN=test authority")
    for name, usage in (("server", "serverAuth"), ("client", "clientAuth")):
        request, extension = folder / f"{name}.csr", folder / f"{name}.ext"
        extension.write_text(f"extendedKeyUsage={usage}\nsubjectAltName=IP:127.0.0.1\n")
        own = ("-keyout", f"{folder}/{name}-key.pem", "-out", str(request))
        openssl("req", *key, *own, "-subj", f"/CN={name}")
        signed = ("-CA", f"{folder}/ca.pem", "-CAkey", f"{folder}/ca-key.pem", "-CAcreateserial")
        out = ("-out", f"{folder}/{name}.pem", "-extfile", str(extension), "-days", "2")
        openssl("x509", "-req", "-in", str(request), *signed, *out)
    shutil.copy(folder / "client.pem", folder / "cert.pem")
    shutil.copy(folder / "client-key.pem", folder / "key.pem")


class SecureProxy:
    """TLS on a port of the loopback, in front of the engine; asks for the client's certificate."""

    def __init__(self, folder: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server-key.pem")
        context.load_verify_locations(folder / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self.carried = 0
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self.port, ssl=self._context
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """As when the machine goes: nobody listens, every connection breaks."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        there = await asyncio.open_unix_connection(SOCKET)
        try:
            copies = [self._copy(reader, there[1]), self._copy(there[0], writer)]
            done, pending = await asyncio.wait(
                [asyncio.create_task(each) for each in copies], return_when="FIRST_COMPLETED"
            )
            del done
            for each in pending:
                each.cancel()
        finally:
            writer.transport.abort()
            there[1].transport.abort()
            self._tasks.discard(task)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                self.carried += len(data)
                writer.write(data)
                await writer.drain()


@contextmanager
def sshd(home: Path) -> Generator[str]:
    """An SSH server of the test's own, and a client's settings in `home` that get there."""
    required("sshd", "ssh", "ssh-keygen")
    folder = Path(tempfile.mkdtemp(prefix="fw-sshd-"))
    for name in ("host", "user"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/{name}")
    shutil.copy(folder / "user.pub", folder / "authorized")
    port = free_port()
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nPermitRootLogin yes\n"
    )
    public = (folder / "host.pub").read_text().strip()
    (folder / "known").write_text(f"[127.0.0.1]:{port} {public}\n")
    Path("/run/sshd").mkdir(exist_ok=True)
    wrapper = home / "ssh"  # the client reads nobody's settings but these
    options = f"-F none -i {folder}/user -o UserKnownHostsFile={folder}/known"
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} {options} "$@"\n')
    wrapper.chmod(0o755)
    program = shutil.which("sshd")
    assert program is not None
    argv = [program, "-D", "-e", "-f", f"{folder}/config"]
    ready = [str(wrapper), "-p", str(port), "127.0.0.1", "true"]
    try:
        with daemon(argv, folder / "log", ready):
            yield f"ssh://{os.environ.get('USER', 'root')}@127.0.0.1:{port}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def secure_proxy(folder: Path) -> Generator[int]:
    """A `SecureProxy` in a loop of its own; yields its port."""
    loop = asyncio.new_event_loop()
    proxy = SecureProxy(folder)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(proxy.start(), loop).result(_PATIENCE)
        yield proxy.port
        asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result(_PATIENCE)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
