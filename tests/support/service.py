"""The sandbox's service as a process of its own, and a client that speaks plain HTTP to it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from fixwright_sandbox import SandboxSettings
from fixwright_sandbox.service.server import serve
from fixwright_sandbox.service.settings import Allowance, ServiceSettings
from fixwright_sandbox.service.tokens import Tokens

PATIENCE = 60.0
TOKEN = "first-token-of-the-tests"
OTHER = "other-token-of-the-tests"


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def fields(self) -> list[str]:
        """The fields that a problem names."""
        assert self.headers["content-type"] == "application/problem+json", self
        return [each["field"] for each in self.json["errors"]]


@dataclass(frozen=True)
class Service:
    """A service that runs."""

    process: subprocess.Popen[str]
    port: int
    token: str = TOKEN

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    def socket_address(self, path: str) -> str:
        return f"ws://{self.authority}{path}"

    def headers(self, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **more}

    def open(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> http.client.HTTPResponse:
        """A reply whose body is still to be read; a body that is not bytes goes as JSON."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, body, {**self.headers(), **headers})
        return connection.getresponse()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        with contextlib.closing(self.open(method, path, body, **headers)) as reply:
            told = {name.lower(): value for name, value in reply.getheaders()}
            return Reply(reply.status, told, reply.read())

    def create(self, **body: Any) -> str:
        """The path of a new sandbox."""
        reply = self.ask("POST", "/v1/sandboxes", body)
        assert reply.status == 201, reply
        return reply.headers["location"]

    def run(self, sandbox: str, **body: Any) -> dict[str, Any]:
        """A run that has ended."""
        reply = self.ask("POST", f"{sandbox}/runs?wait=60", body)
        assert reply.status == 201 and reply.json["state"] == "ended", reply
        return cast("dict[str, Any]", reply.json)

    def start(self, sandbox: str, **body: Any) -> str:
        """The path of a run that goes on."""
        reply = self.ask("POST", f"{sandbox}/runs", body)
        assert reply.status == 201, reply
        return reply.headers["location"]

    def lines(self, path: str, **headers: str) -> Iterator[dict[str, Any]]:
        """Events as they come."""
        with contextlib.closing(self.open("GET", path, **headers)) as reply:
            assert reply.status == 200, reply.read()
            for line in reply:
                if line.strip():
                    yield json.loads(line)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it, and wait for that."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


@dataclass(frozen=True)
class Setup:
    """How a service for tests is set up; travels as JSON."""

    backend: str = "bubblewrap"
    allowance: dict[str, float] = field(default_factory=dict[str, float])
    settings: dict[str, Any] = field(default_factory=dict[str, Any])


@contextlib.contextmanager
def serving(setup: Setup | None = None, environment: Mapping[str, str] | None = None):
    """A service that is stopped in the end, however the test goes."""
    told = json.dumps(vars(setup or Setup()))
    with started([sys.executable, "-m", "support.service", told], environment) as service:
        yield service


@contextlib.contextmanager
def started(command: list[str], environment: Mapping[str, str] | None = None) -> Generator[Service]:
    """A service of that command, which says where it listens."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **(environment or {})},
    )  # fmt: skip
    assert process.stdout is not None
    service = Service(process, 0)
    try:
        line = process.stdout.readline()
        assert line.startswith("Listening on "), (line, process.poll())
        service = Service(process, int(line.rpartition(":")[2]))
        yield service
    finally:
        service.stop(signal.SIGKILL if sys.exc_info()[0] else signal.SIGTERM)


def _main(told: dict[str, Any]) -> None:
    settings = ServiceSettings(
        port=0,
        allowance=Allowance(**told["allowance"]),
        sandbox=SandboxSettings(backend=told["backend"], pool=0),
        **cast("dict[str, Any]", {"head_seconds": 2, **told["settings"]}),
    )

    def listening(address: str) -> None:
        sys.stdout.write(f"Listening on {address}\n")
        sys.stdout.flush()

    asyncio.run(serve(settings, Tokens({"first": TOKEN, "other": OTHER}), listening))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    _main(json.loads(sys.argv[1]))
