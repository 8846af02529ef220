"""A Kubernetes API server as far as the sandbox speaks to one: pods, policies, attaching.

There is no kubelet: a pod is a container of the local Docker Engine with what its manifest says.
What only a real cluster can show (scheduling, its network, its users) is not tested by it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.engines import run

TOKEN = "token-of-the-test"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NAMESPACE = "/namespaces/test/"
_PATIENCE = 60.0


@dataclass
class Pod:
    manifest: dict[str, Any]
    process: asyncio.subprocess.Process
    phase: str = "Running"
    attached: bool = False


@dataclass
class FakeCluster:
    """Every pod and policy that there is."""

    pods: dict[str, Pod] = field(default_factory=dict[str, Pod])
    policies: dict[str, Any] = field(default_factory=dict[str, Any])
    missing: set[str] = field(default_factory=set[str])
    made: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    port: int = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, limit=1 << 20
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for name in list(self.pods):
            await self._delete(name)

    # ---- HTTP

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = lines[0].split(" ")
            pairs = (line.partition(":") for line in lines[1:] if line)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            if headers.get("authorization") != f"Bearer {TOKEN}":
                self._answer(writer, 401, {"message": "Unauthorized"})
            elif headers.get("upgrade", "").lower() == "websocket":
                await self._attach(urlsplit(target).path.split("/")[-2], headers, reader, writer)
            else:
                status, told = await self._route(method, target, json.loads(body or b"{}"))
                self._answer(writer, status, told)
            await writer.drain()
        writer.close()

    def _answer(self, writer: asyncio.StreamWriter, status: int, told: dict[str, Any]) -> None:
        data = json.dumps(told).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)

    async def _route(self, method: str, target: str, body: Any) -> tuple[int, dict[str, Any]]:
        url = urlsplit(target)
        kind, _, name = url.path.partition(_NAMESPACE)[2].partition("/")
        name = name or body.get("metadata", {}).get("name", "")
        if kind == "networkpolicies" and method == "POST":
            if name in self.policies:
                return 409, {"reason": "AlreadyExists"}
            self.policies[name] = body
            return 201, body
        if kind != "pods":
            return 404, {"message": target}
        if method == "POST":
            await self._create(name, body)
            return 201, body
        if url.path.endswith("/pods"):
            assert parse_qs(url.query)["labelSelector"] == ["fixwright.sandbox=1"]
            return 200, {"kind": "PodList", "items": [self._shown(each) for each in self.pods]}
        return await self._one(method, name)

    async def _one(self, method: str, name: str) -> tuple[int, dict[str, Any]]:
        if name not in self.pods:
            return 404, {"reason": "NotFound"}
        shown = self._shown(name)
        if method == "DELETE":
            await self._delete(name)
        return 200, shown

    # ---- pods

    async def _create(self, name: str, manifest: dict[str, Any]) -> None:
        self.made.append(manifest)
        spec = manifest["spec"]
        (container,) = spec["containers"]
        sizes = {each["name"]: each["emptyDir"]["sizeLimit"] for each in spec["volumes"]}
        places: list[str] = []
        for each in container["volumeMounts"]:
            options = f"rw,exec,nosuid,nodev,uid=10001,gid=10001,size={sizes[each['name']]}"
            places += ["--tmpfs", f"{each['mountPath']}:{options}"]
        user = spec["securityContext"]
        argv = [
            *("docker", "run", "-i", "--rm", "--name", name, "--network=none", "--read-only"),
            *("--cap-drop=ALL", "--security-opt=no-new-privileges", "--pids-limit=512"),
            *("--user", f"{user['runAsUser']}:{user['runAsGroup']}", *places),
            *("--memory", container["resources"]["limits"]["memory"], "--entrypoint="),
            *(container["image"], *container["command"]),
        ]
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=-1, stdout=-1, stderr=-1, limit=1 << 20
        )
        self.pods[name] = Pod(manifest, process)

    async def _delete(self, name: str) -> None:
        pod = self.pods.pop(name)
        await asyncio.to_thread(run, "sh", "-c", f"docker rm -f {name} >/dev/null 2>&1 || true")
        with contextlib.suppress(ProcessLookupError):
            pod.process.kill()
        await pod.process.wait()

    def _shown(self, name: str) -> dict[str, Any]:
        pod = self.pods[name]
        image = pod.manifest["spec"]["containers"][0]["image"]
        state: dict[str, Any] = {"running": {}}
        phase, code = pod.phase, pod.process.returncode
        if image in self.missing:
            phase = "Pending"
            told = {"reason": "ErrImagePull", "message": f"no such image: {image}"}
            state = {"waiting": told}
        elif code is not None:
            phase = "Failed"
            state = {"terminated": {"exitCode": code, "reason": "Error"}}
        status = {"name": "runner", "image": image, "imageID": "x", "ready": True, "state": state}
        shown = {"phase": phase, "containerStatuses": [{**status, "restartCount": 0}]}
        return {**pod.manifest, "kind": "Pod", "status": shown}

    # ---- a pod's streams, each message under the number of its channel

    async def _attach(
        self,
        name: str,
        headers: dict[str, str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        assert re.search(r"\bv4\.channel\.k8s\.io\b", headers["sec-websocket-protocol"])
        digest = hashlib.sha1(headers["sec-websocket-key"].encode() + _GUID).digest()
        accept = base64.b64encode(digest).decode()
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n"
            "Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n".encode()
        )
        process = self.pods[name].process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        tasks = [
            asyncio.create_task(self._from(process.stdout, 1, writer)),
            asyncio.create_task(self._from(process.stderr, 2, writer)),
            asyncio.create_task(self._into(reader, process.stdin)),
        ]
        await asyncio.wait([tasks[0], tasks[2]], return_when="FIRST_COMPLETED")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        process.stdin.close()  # as `stdinOnce` has it: who was attached is gone

    async def _from(
        self, source: asyncio.StreamReader, channel: int, writer: asyncio.StreamWriter
    ) -> None:
        while data := await source.read(1 << 16):
            message = bytes([channel]) + data
            length = len(message)
            short = bytes([length]) if length < 126 else b"\x7f" + length.to_bytes(8, "big")
            writer.write(b"\x82" + short + message)
            await writer.drain()

    async def _into(self, reader: asyncio.StreamReader, stdin: asyncio.StreamWriter) -> None:
        while True:
            first, second = await reader.readexactly(2)
            length = second & 127
            if length >= 126:
                size = 2 if length == 126 else 8
                length = int.from_bytes(await reader.readexactly(size), "big")
            mask = await reader.readexactly(4)
            masked = await reader.readexactly(length)
            key = int.from_bytes((mask * (length // 4 + 1))[:length], "big")
            data = (int.from_bytes(masked, "big") ^ key).to_bytes(length, "big")
            if first & 15 == 8:
                return
            if first & 15 == 2 and data[:1] == b"\0":
                stdin.write(data[1:])
                await stdin.drain()


def kubeconfig(folder: Path, port: int) -> Path:
    """What `kubectl config view` would show, in JSON, which is YAML too."""
    path = folder / "kubeconfig"
    told = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [
            {"name": "test", "context": {"cluster": "c", "user": "u", "namespace": "test"}}
        ],
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
    }
    path.write_text(json.dumps(told))
    return path


@contextmanager
def fake_cluster() -> Generator[FakeCluster]:
    """A cluster that is served from a thread, for the client blocks."""
    loop = asyncio.new_event_loop()
    cluster = FakeCluster()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(cluster.start(), loop).result(_PATIENCE)
        yield cluster
        asyncio.run_coroutine_threadsafe(cluster.stop(), loop).result(_PATIENCE)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
