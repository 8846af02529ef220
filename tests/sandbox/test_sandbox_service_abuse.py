"""The service against those who mean it ill, and against those who just go away."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from fixwright_sandbox import leftovers
from support.leftovers import until_none
from support.needs import needs
from support.service import OTHER, PATIENCE, Reply, Service, Setup, serving

pytestmark = pytest.mark.bubblewrap
SMALL: dict[str, float] = {
    "sandboxes": 2, "runs": 2, "streams": 2, "upload_bytes": 1 << 20, "held_bytes": 3 << 20,
    "run_seconds": 30,
}  # fmt: skip
ENDLESS = "print('on', flush=True)\nimport time; time.sleep(600)"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    needs("bubblewrap")
    with serving(Setup(allowance=SMALL)) as running:
        yield running


@pytest.fixture
def box(service: Service) -> Iterator[str]:
    path = service.create(files={"main.py": "print('hello')"})
    yield path
    service.ask("DELETE", path)


def left_by(pid: int) -> list[str]:
    """What belongs to a service of that process, whether or not it lives."""
    return [
        f"{each.kind} {each.id}"
        for each in leftovers.found()
        if each.owner and each.owner.pid == pid
    ]


async def refused(service: Service, path: str, **more: Any) -> int:
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(service.socket_address(path), **more):
            pass
    body = refusal.value.response.body
    assert json.loads(body)["status"] == refusal.value.response.status_code
    return refusal.value.response.status_code


class TestWhoMayEnter:
    @pytest.mark.parametrize(
        "given",
        ["", "Bearer", "Bearer nope", "Basic Zmlyc3Q6", "Bearer \xe9\xff", "Bearer " + "x" * 9000],
    )
    def test_no_valid_token_no_entry(self, service: Service, given: str) -> None:
        for path in ("/v1/sandboxes", "/metrics", "/openapi.json", "/nope"):
            reply = service.ask("GET", path, Authorization=given)
            assert (reply.status, reply.fields) == (401, ["header.Authorization"])
            assert reply.headers["www-authenticate"] == "Bearer"

    def test_no_token_in_the_address(self, service: Service) -> None:
        path = f"/v1/sandboxes?token={service.token}&access_token={service.token}"
        assert service.ask("GET", path, Authorization="").status == 401

    async def test_nor_by_websocket(self, service: Service, box: str) -> None:
        run = service.start(box, code="1")
        path = f"{run}/events"
        assert await refused(service, path) == 401
        assert await refused(service, path, subprotocols=["fixwright.token.nope"]) == 401
        assert await refused(service, f"{path}?token={service.token}") == 401
        mine = {"additional_headers": service.headers()}
        assert await refused(service, f"{box}/runs/nope/events", **mine) == 404
        assert await refused(service, f"{path}?since=x", **mine) == 422
        page = {"additional_headers": service.headers(Origin="https://example.com")}
        assert await refused(service, path, **page) == 403

    def test_only_under_its_own_name(self, service: Service) -> None:
        for host in ("example.com", "127.0.0.1.example.com:80", "", "localhost.", "[::2]"):
            reply = service.ask("GET", "/healthz", Host=host)
            assert (reply.status, reply.fields) == (421, ["header.Host"])
        assert service.ask("GET", "/healthz", Host="localhost:1", Authorization="").status == 200

    def test_no_page_is_let_in_unasked(self, service: Service) -> None:
        reply = service.ask("GET", "/v1/sandboxes", Origin="https://example.com")
        assert not any(name.startswith("access-control") for name in reply.headers)

    def test_another_tokens_things_are_not_there(self, service: Service, box: str) -> None:
        run = service.start(box, code=ENDLESS)
        other = Service(service.process, service.port, OTHER)
        assert other.ask("GET", "/v1/sandboxes").json == {"sandboxes": []}
        for method, path in (
            ("GET", box), ("DELETE", box), ("GET", f"{box}/files/main.py"), ("GET", run),
            ("PUT", f"{box}/files/x"), ("POST", f"{run}/kill"), ("GET", f"{run}/events"),
            ("GET", f"{box}/stats"), ("DELETE", run),
        ):  # fmt: skip
            reply = other.ask(method, path, b"" if method == "PUT" else None)
            assert (reply.status, reply.fields) == (404, ["sandbox"]), (method, path)
        assert service.ask("POST", f"{run}/cancel").json["result"]["status"] == "cancelled"


class TestWhatIsSent:
    @pytest.mark.parametrize(
        "path",
        ["../x", "a/../../x", "%2e%2e/x", "..%2fx", "/etc/x", "a//b", "a%00b", "./x", "x" * 300],
    )
    def test_no_path_leads_out(self, service: Service, box: str, path: str) -> None:
        put = service.ask("PUT", f"{box}/files/{path}", b"x")
        assert (put.status, put.fields) == (422, ["path"])
        assert service.ask("GET", f"{box}/files/{path}").status == 404
        assert service.ask("DELETE", f"{box}/files/{path}").status == 404
        assert service.ask("POST", "/v1/sandboxes", {"files": {"../x": ""}}).fields == ["files"]

    def test_bodies_have_a_bound(self, service: Service, box: str) -> None:
        told = service.ask("PUT", f"{box}/files/x", b"x" * ((1 << 20) + 1))
        assert (told.status, told.fields) == (413, ["body"])
        whole = service.ask("PUT", f"{box}/files/x", b"x" * (1 << 20))
        assert whole.status == 200

    def test_bodies_that_do_not_tell_their_size_have_it_too(
        self, service: Service, box: str
    ) -> None:
        with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE) as raw:
            head = f"PUT {box}/files/x HTTP/1.1\r\nHost: localhost\r\n"
            token = f"Authorization: Bearer {service.token}\r\n"
            raw.sendall(f"{head}{token}Transfer-Encoding: chunked\r\n\r\n".encode())
            piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
            with contextlib.suppress(ConnectionError):
                for _ in range(64):
                    raw.sendall(piece)
            assert raw.recv(100).startswith(b"HTTP/1.1 413 ")

    def test_all_files_together_have_a_bound(self, service: Service, box: str) -> None:
        replies: list[Reply] = []
        for number in range(5):  # each over the one before, which a snapshot keeps
            replies.append(service.ask("PUT", f"{box}/files/x", bytes([number]) * (1 << 20)))
            service.ask("POST", f"{box}/snapshots", {"name": f"s{number}"})
        assert [each.status for each in replies] == [200, 200, 429, 429, 429]
        assert replies[-1].headers["retry-after"]

    @pytest.mark.parametrize(
        "body",
        [
            b"{", b"[" * 100_000, b'{"files": {"\\ud800": "x"}}', b'{"files": {"a": "\\udc00"}}',
            b'{"label": "\\u0000"}', b'{"limits": {"wall_seconds": NaN}}', b"\xff\xfe", b"null",
            b'{"limits": {"memory_bytes": 1e999}}', b'{"env": {"A=B": "1"}}',
            b'{"env": {"A": "\\u0000"}}', b'{"runtime": "../python"}',
            b'{"files": {"a": "", "a/b": ""}}',
            b'{"files": {"a": {"data": "!", "encoding": "base64"}}}',
        ],
    )  # fmt: skip
    def test_bad_json_is_told(self, service: Service, body: bytes) -> None:
        reply = service.ask("POST", "/v1/sandboxes", body, **{"Content-Type": "application/json"})
        assert reply.status in {400, 422}, reply
        assert reply.json["status"] == reply.status and reply.json["detail"]
        assert service.ask("GET", "/v1/sandboxes").json == {"sandboxes": []}


class TestHowMuch:
    def test_sandboxes(self, service: Service, box: str) -> None:
        second = service.create()
        reply = service.ask("POST", "/v1/sandboxes", {})
        assert reply.status == 429 and int(reply.headers["retry-after"]) >= 1
        service.ask("DELETE", second)
        service.ask("DELETE", service.create())

    def test_runs_and_streams(self, service: Service, box: str) -> None:
        runs = [service.start(box, code=ENDLESS) for _ in range(2)]
        assert service.ask("POST", f"{box}/runs", {"code": "1"}).status == 429
        with contextlib.ExitStack() as stack:
            for run in runs:
                stream = stack.enter_context(
                    contextlib.closing(service.open("GET", f"{run}/events"))
                )
                stream.readline()
            assert service.ask("GET", f"{runs[0]}/events").status == 429
        for run in runs:
            service.ask("POST", f"{run}/cancel")
        assert service.run(box, code="1")["result"]["status"] == "passed"

    def test_seconds(self, service: Service, box: str) -> None:
        reply = service.ask("POST", f"{box}/runs", {"code": "1", "timeout": 31})
        assert (reply.status, reply.fields) == (422, ["timeout"])

    def test_requests_and_hourly_seconds(self) -> None:
        allowance = {"requests": 0.5, "hourly_run_seconds": 1.0}
        with serving(Setup(allowance=allowance)) as service:
            box = service.create()
            service.run(box, code="import time; time.sleep(1.2)")
            reply = service.ask("POST", f"{box}/runs", {"code": "1"})
            assert reply.status == 429 and int(reply.headers["retry-after"]) > 100
            replies = [service.ask("GET", box) for _ in range(10)]
            assert replies[0].status == 200
            assert replies[-1].status == 429 and int(replies[-1].headers["retry-after"]) >= 1
            assert service.ask("GET", "/healthz").status == 200


class TestWhoGoes:
    def test_a_head_that_never_ends_is_cut_off(self, service: Service) -> None:
        for first in (
            b"",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
            b"GET /healthz HTTP/1.1\r\n",
        ):
            with (
                socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE) as raw,
                contextlib.suppress(ConnectionError),
            ):
                raw.sendall(first)
                assert raw.recv(1) == b""
        with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE) as raw:
            raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HT")
            with contextlib.suppress(ConnectionError):
                while raw.recv(1000):
                    pass

    async def test_a_listener_that_vanishes_costs_nothing(self, service: Service, box: str) -> None:
        run = service.start(box, code=ENDLESS)
        stream = service.open("GET", f"{run}/events")
        stream.readline()
        stream.close()
        async with connect(
            service.socket_address(f"{run}/events"), additional_headers=service.headers()
        ) as talk:
            await talk.recv()
            raw = talk.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            talk.transport.abort()

        def streams() -> list[str]:
            told = service.ask("GET", "/metrics").body.decode().splitlines()
            value = next(each for each in told if each.startswith("fixwright_service_streams "))
            return [] if value.endswith(" 0") else [value]

        await until_none(streams)
        assert service.ask("GET", run).json["state"] == "running"
        assert service.ask("POST", f"{run}/cancel").status == 200

    async def test_a_slow_reader_gets_everything_and_delays_nobody(
        self, service: Service, box: str
    ) -> None:
        code = "import sys\nfor n in range(60): sys.stdout.write('x' * 65536); sys.stdout.flush()"
        run = service.start(box, code=code, limits={"output_bytes": 1 << 30})
        address = service.socket_address(f"{run}/events")
        async with connect(
            address, additional_headers=service.headers(), max_queue=1, max_size=1 << 22
        ) as slow:
            await slow.recv()
            ended = await asyncio.to_thread(service.ask, "GET", f"{run}?wait=60")
            assert ended.json["state"] == "ended"
            events = [json.loads(each) async for each in slow]
        assert sum(len(each.get("data", "")) for each in events) == 60 * 65536
        assert events[-1]["kind"] == "end"


class TestNothingIsLeft:
    async def test_when_it_is_stopped(self, tmp_path: Path) -> None:
        needs("bubblewrap")
        with serving(environment={"TMPDIR": str(tmp_path)}) as service:
            box = service.create(files={"main.py": ENDLESS})
            run = service.start(box, file="main.py")
            events = service.lines(f"{run}/events")
            assert next(events)["kind"] == "start"
            assert left_by(service.process.pid)
            service.process.send_signal(signal.SIGTERM)
            assert list(events)[-1]["result"]["status"] == "cancelled"
            assert service.stop() == 0
            assert left_by(service.process.pid) == []
            assert not any(os.scandir(tmp_path))

    async def test_when_it_is_killed_and_the_reaper_ran(self) -> None:
        needs("bubblewrap")
        with serving() as service:
            box = service.create(files={"main.py": ENDLESS})
            next(service.lines(f"{service.start(box, file='main.py')}/events"))
            os.kill(service.process.pid, signal.SIGKILL)
            assert service.stop() == -signal.SIGKILL
            leftovers.prune()
            await until_none(lambda: left_by(service.process.pid))

    async def test_of_a_sandbox_that_nobody_uses(self) -> None:
        with serving(Setup(settings={"idle_seconds": 0.5})) as service:
            box = service.create()
            await until_none(lambda: left_by(service.process.pid))
            assert service.ask("GET", box).status == 404
