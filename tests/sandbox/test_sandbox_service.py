"""The service as its clients see it: a real process, real HTTP and WebSockets."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from fixwright_sandbox.service.document import document
from support.needs import needs
from support.service import TOKEN, Service, Setup, serving, started

BACKENDS = [
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap, id="bubblewrap"),
    pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.slow], id="docker"),
]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    needs("bubblewrap")
    with serving() as running:
        yield running


@pytest.fixture
def box(service: Service) -> Iterator[str]:
    """The path of a sandbox."""
    path = service.create(files={"main.py": "print('hello')", "data/a.txt": "one"})
    yield path
    service.ask("DELETE", path)


async def line(socket: ClientConnection) -> str:
    """What the run writes, in however many events, until its line ends."""
    text = ""
    while not text.endswith("\n"):
        text += json.loads(await socket.recv())["data"]
    return text


@pytest.mark.parametrize("backend", BACKENDS)
def test_create_run_terminate(backend: str) -> None:
    needs(backend)
    with serving(Setup(backend)) as service:
        sandbox = service.create(label="mine", files={"main.py": "print('hello')"})
        run = service.run(sandbox, file="main.py")
        assert run["result"]["status"] == "passed"
        assert run["result"]["stdout"]["data"] == "hello\n"
        assert run["result"]["backend"] == backend
        stats = service.ask("GET", f"{sandbox}/stats").json
        assert len(stats["environments"]) == 1 and stats["files"] == 1
        assert service.ask("DELETE", sandbox).status == 204
        assert service.ask("GET", sandbox).status == 404
        assert service.stop() == 0


@pytest.mark.bubblewrap
class TestFiles:
    def test_travel_as_they_are(self, service: Service, box: str) -> None:
        data = bytes(range(256)) * 4096
        put = service.ask("PUT", f"{box}/files/sub/b.bin?executable=true", data)
        assert put.json == {"path": "sub/b.bin", "size": len(data), "executable": True}
        assert service.ask("GET", f"{box}/files/sub/b.bin").body == data
        listed = service.ask("GET", f"{box}/files?under=sub").json["files"]
        assert listed == [put.json]
        assert service.ask("DELETE", f"{box}/files/sub").status == 204
        assert service.ask("GET", f"{box}/files/sub/b.bin").fields == ["path"]
        told = [each["path"] for each in service.ask("GET", f"{box}/files").json["files"]]
        assert told == ["data/a.txt", "main.py"]

    def test_are_told_in_the_body_of_a_creation(self, service: Service) -> None:
        files = {"x": {"data": "AAH/", "encoding": "base64", "executable": True}}
        box = service.create(files=files)
        assert service.ask("GET", f"{box}/files/x").body == b"\0\1\xff"
        service.ask("DELETE", box)

    def test_of_a_run_are_collected_and_put_back(self, service: Service, box: str) -> None:
        command = "echo two > data/a.txt; printf '\\377' > new"
        run = service.run(box, command=command)
        changes = {each["path"]: each["change"] for each in run["result"]["files"]}
        assert changes == {"data/a.txt": "modified", "new": "created"}
        assert service.ask("GET", f"{box}/runs/{run['id']}/files/new").body == b"\xff"
        assert service.ask("GET", f"{box}/files/data/a.txt").body == b"one"
        kept = service.run(box, command=command, keep=True)
        assert kept["result"]["kept"]
        assert service.ask("GET", f"{box}/files/data/a.txt").body == b"two\n"

    def test_go_back_to_a_snapshot(self, service: Service, box: str) -> None:
        assert service.ask("POST", f"{box}/snapshots", {"name": "clean"}).json["files"] == 2
        service.ask("PUT", f"{box}/files/more", b"1")
        assert service.ask("POST", f"{box}/reset", {"to": "clean"}).json["files"] == 2
        assert service.ask("POST", f"{box}/reset", {"to": "other"}).fields == ["to"]


@pytest.mark.bubblewrap
class TestRuns:
    def test_are_told_in_every_end(self, service: Service, box: str) -> None:
        assert service.run(box, code="raise SystemExit(3)")["result"]["exit_code"] == 3
        endless = service.run(box, code="print('on', flush=True)\nwhile 1: pass", timeout=0.5)
        assert endless["result"]["status"] == "timeout"
        assert endless["result"]["stdout"]["data"] == "on\n"
        listed = service.ask("GET", f"{box}/runs").json["runs"]
        assert [each["state"] for each in listed] == ["ended", "ended"]

    def test_are_interrupted_killed_cancelled_forgotten(self, service: Service, box: str) -> None:
        code = "print('on', flush=True)\nimport time; time.sleep(600)"
        ends: dict[str, dict[str, Any]] = {}
        for order in ("interrupt", "kill", "cancel"):
            run = service.start(box, code=code)
            events = service.lines(f"{run}/events")
            assert [next(events)["kind"], next(events)["kind"]] == ["start", "stdout"]
            assert service.ask("POST", f"{run}/{order}").status in {200, 204}
            ends[order] = list(events)[-1]["result"]
        assert ends["interrupt"]["status"] == "failed"
        assert ends["kill"]["signal"] == "SIGKILL"
        assert ends["cancel"]["status"] == "cancelled"
        assert service.ask("DELETE", run).status == 204
        assert service.ask("GET", run).fields == ["run"]

    def test_read_what_is_written_to_them(self, service: Service, box: str) -> None:
        run = service.start(box, code="print(input()[::-1])", interactive=True)
        assert service.ask("POST", f"{run}/stdin?close=true", b"abc\n").json == {"written": 4}
        assert service.ask("GET", f"{run}?wait=60").json["result"]["stdout"]["data"] == "cba\n"
        assert service.ask("POST", f"{run}/stdin", b"more").status == 409

    def test_events_are_resumed_by_their_numbers(self, service: Service, box: str) -> None:
        run = service.start(box, command="for n in 1 2 3; do echo $n; sleep 0.05; done")
        whole = list(service.lines(f"{run}/events"))
        assert [each["seq"] for each in whole] == list(range(len(whole)))
        assert (whole[0]["kind"], whole[-1]["kind"]) == ("start", "end")
        assert list(service.lines(f"{run}/events?since=2")) == whole[2:]
        assert list(service.lines(f"{run}/events?since=99")) == []
        sse = service.ask(
            "GET", f"{run}/events", Accept="text/event-stream", **{"Last-Event-ID": "1"}
        )
        blocks = sse.body.decode().split("\n\n")[:-1]
        assert [json.loads(each.partition("data: ")[2]) for each in blocks] == whole[2:]
        assert blocks[0].startswith(f"id: 2\nevent: {whole[2]['kind']}\n")

    async def test_talk_over_a_websocket(self, service: Service, box: str) -> None:
        code = "while (line := input()) != 'end': print(line.upper(), flush=True)"
        run = service.start(box, code=code, interactive=True)
        address = service.socket_address(f"{run}/events")
        async with connect(address, additional_headers=service.headers()) as socket:
            assert json.loads(await socket.recv())["kind"] == "start"
            await socket.send(json.dumps({"op": "stdin", "data": "abc\n"}))
            assert await line(socket) == "ABC\n"
            await socket.send("[1")
            assert "problem" in json.loads(await socket.recv())
            await socket.send(json.dumps({"op": "signal", "signal": "SIGNOPE"}))
            assert json.loads(await socket.recv())["field"] == "signal"
        offered = ["fixwright.v1", f"fixwright.token.{TOKEN}"]  # it goes on without a listener
        async with connect(f"{address}?since=1", subprotocols=offered) as socket:  # type: ignore[arg-type]  # plain names
            assert socket.subprotocol == "fixwright.v1"
            assert await line(socket) == "ABC\n"
            await socket.send(json.dumps({"op": "stdin", "data": "end\n"}))
            *_, last = [json.loads(each) async for each in socket]
        assert last["result"]["status"] == "passed"

    def test_that_can_not_be_name_their_field(self, service: Service, box: str) -> None:
        def refused(**body: Any) -> list[str]:
            reply = service.ask("POST", f"{box}/runs", body)
            assert reply.status == 422, reply
            return reply.fields

        assert refused() == ["command"]
        assert refused(command="true", code="1") == ["command"]
        assert refused(file="nope.py") == ["file"]
        assert refused(code="1", runtime="cobol") == ["runtime"]
        assert refused(code="1", limits={"memory_bytes": 1 << 39}) == ["limits.memory_bytes"]
        assert refused(code="1", limits={"wall_seconds": -1}) == ["limits.wall_seconds"]
        assert refused(code="1", timeout=1e9) == ["timeout"]
        assert refused(code="1", env={"A B": "1"}) == ["env.A B.[key]"]
        assert refused(code="1", nope=1) == ["nope"]
        assert refused(command="true", args=["1"]) == ["args"]


@pytest.mark.bubblewrap
def test_it_tells_about_itself(service: Service, box: str) -> None:
    service.run(box, code="1")
    metrics = service.ask("GET", "/metrics").body.decode()
    assert 'fixwright_sandbox_runs_total{runtime="python",status="passed"}' in metrics
    assert 'fixwright_service_requests_total{method="POST",status="201"}' in metrics
    names = [each["name"] for each in service.ask("GET", "/v1/runtimes").json["runtimes"]]
    assert "python" in names
    looked = service.ask("POST", "/v1/safety", {"code": "import os\nos.remove('x')"}).json
    assert [each["name"] for each in looked["findings"]] == ["os.remove"]
    assert service.ask("POST", "/v1/safety", {"code": "", "language": "x"}).fields == ["language"]
    assert service.ask("GET", "/v1/version").json["backend"] == "bubblewrap"
    assert service.ask("GET", "/readyz").json == {"status": "ok"}


@pytest.mark.bubblewrap
class TestSessions:
    def open(self, service: Service, box: str, **body: Any) -> str:
        answer = service.ask("POST", f"{box}/sessions", body)
        assert answer.status == 201, answer.json
        return f"{box}/sessions/{answer.json['id']}"

    def cell(self, service: Service, session: str, code: str, **body: Any) -> dict[str, Any]:
        answer = service.ask("POST", f"{session}/cells?wait=60", {"code": code, **body})
        assert answer.status == 201, answer.json
        return answer.json["result"]

    @pytest.mark.parametrize(
        ("runtime", "first", "second", "out"),
        [
            ("python", "x = 6", "print(x * 7)", "42\n"),
            ("bash", "x=6; f() { echo $((x * 7)); }", "f", "42\n"),
        ],
    )
    def test_keep_their_state(
        self, service: Service, box: str, runtime: str, first: str, second: str, out: str
    ) -> None:
        session = self.open(service, box, runtime=runtime)
        assert service.ask("GET", session).json["state"] == "new"
        assert self.cell(service, session, first)["status"] == "passed"
        assert self.cell(service, session, second)["stdout"]["data"] == out
        told = service.ask("GET", session).json
        assert (told["state"], told["runtime"]) == ("alive", runtime)
        listed = service.ask("GET", f"{box}/sessions").json["sessions"]
        assert told in listed
        restarted = service.ask("POST", f"{session}/restart").json
        assert restarted["state"] == "new"
        assert self.cell(service, session, second)["stdout"]["data"] != out
        assert service.ask("DELETE", session).status == 204
        assert service.ask("GET", session).fields == ["session"]

    def test_tell_values_and_places(self, service: Service, box: str) -> None:
        session = self.open(service, box)
        assert self.cell(service, session, "6 * 7")["reports"][0]["data"] == {"text/plain": "42"}
        service.ask("PUT", f"{box}/files/cells.py", b"# %%\n1 / 0\n")
        failed = self.cell(service, session, "1 / 0\n", path="cells.py", line=1)
        frame = failed["reports"][0]["frames"][0]
        assert (frame["path"], frame["line"]) == ("cells.py", 1)
        wrong = service.ask("POST", f"{session}/cells", {"code": "1", "path": "no.py"})
        assert wrong.fields == ["path"]
        service.ask("DELETE", session)

    def test_stream_and_are_interrupted(self, service: Service, box: str) -> None:
        session = self.open(service, box)
        self.cell(service, session, "x = 5")
        code = "print('on', flush=True)\nwhile True: pass"
        started = service.ask("POST", f"{session}/cells", {"code": code}).json
        events = service.lines(f"{box}/runs/{started['id']}/events")
        assert [next(events)["kind"], next(events)["data"]] == ["start", "on\n"]
        assert service.ask("GET", session).json["running"]
        assert service.ask("POST", f"{session}/interrupt").status == 204
        assert list(events)[-1]["result"]["reports"][0]["kind"] == "KeyboardInterrupt"
        assert self.cell(service, session, "print(x)")["stdout"]["data"] == "5\n"
        late = self.cell(service, session, "while True: pass", timeout=0.3)
        assert late["message"].endswith("The session's state is kept.")
        service.ask("DELETE", session)

    async def test_cells_talk_over_a_websocket(self, service: Service, box: str) -> None:
        session = self.open(service, box, runtime="bash")
        body = {"code": 'echo who; read -r name; echo "hello $name"', "interactive": True}
        started = service.ask("POST", f"{session}/cells", body).json
        address = service.socket_address(f"{box}/runs/{started['id']}/events")
        async with connect(address, additional_headers=service.headers()) as socket:
            assert json.loads(await socket.recv())["kind"] == "start"
            assert await line(socket) == "who\n"
            await socket.send('{"op": "stdin", "data": "Ada\\n"}')
            assert await line(socket) == "hello Ada\n"
            assert json.loads(await socket.recv())["result"]["status"] == "passed"
        service.ask("DELETE", session)

    def test_that_are_lost_say_so(self, service: Service, box: str) -> None:
        session = self.open(service, box, runtime="bash")
        assert self.cell(service, session, "exit 3")["exit_code"] == 3
        assert service.ask("GET", session).json["state"] == "lost"
        refused = service.ask("POST", f"{session}/cells", {"code": "true"})
        assert (refused.status, refused.fields) == (409, ["session"])
        service.ask("POST", f"{session}/restart")
        assert self.cell(service, session, "true")["status"] == "passed"
        service.ask("DELETE", session)

    def test_are_bounded_and_of_runtimes_that_have_them(self, service: Service, box: str) -> None:
        refused = service.ask("POST", f"{box}/sessions", {"runtime": "go"})
        assert (refused.status, refused.fields) == (422, ["runtime"])
        assert "Go keeps no state" in refused.json["detail"]
        opened = [self.open(service, box) for _ in range(8)]
        full = service.ask("POST", f"{box}/sessions", {})
        assert full.status == 429
        for session in opened:
            service.ask("DELETE", session)


def test_the_document_is_up_to_date() -> None:
    """Write it anew: python -m fixwright_sandbox.service.document > docs/sandbox-openapi.json."""
    page = Path(__file__).parents[2] / "docs" / "sandbox-openapi.json"
    assert page.read_text(encoding="utf-8") == document()


@pytest.mark.bubblewrap
def test_from_the_command_line(tmp_path: Path) -> None:
    needs("bubblewrap")
    file = tmp_path / "tokens"
    command = [
        sys.executable, "-m", "fixwright", "sandbox", "serve", "--port", "0",
        "--backend", "bubblewrap", "--token-file", str(file),
    ]  # fmt: skip
    with started(command) as service:
        name, token = file.read_text().split()
        assert (name, file.stat().st_mode & 0o777) == ("default", 0o600)
        mine = Service(service.process, service.port, token)
        assert mine.ask("GET", "/v1/sandboxes").json == {"sandboxes": []}
        assert service.ask("GET", "/v1/sandboxes").status == 401
        assert service.stop() == 0


@pytest.mark.bubblewrap
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_examples_of_the_page_run(service: Service, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (example,) = (each for each in blocks if each.startswith("# $service is"))
    (tmp_path / "tokens").write_text(f"default {TOKEN}\n")
    done = subprocess.run(
        ["bash", "-euc", example], capture_output=True, text=True, timeout=60, check=False,
        cwd=tmp_path, env={**os.environ, "service": f"http://{service.authority}"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.count('"hello\\n"') >= 3 and "1 data/numbers.csv" in done.stdout
