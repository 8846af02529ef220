"""What breaks while it is in use: editors, engines, programs, limits. Nothing stays behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from fixwright.lsp.features.running import RUN_WITHOUT
from fixwright.workspace.paths import path_to_uri
from support.docker_proxy import docker_proxy
from support.editor import PATIENCE, Editor, editing
from support.leftovers import Trail, containers_of, until_none, until_programs
from support.models import ScriptedModel, edit, scripted_model
from support.needs import needs
from support.raw import Message, RawServer, raw_server

BACKENDS = [
    pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.slow]),
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
]
SLOW = pytest.mark.slow
REQUEST_CANCELLED = -32800


def sandboxed(backend: str, **limits: object) -> dict[str, Any]:
    needs(backend)
    return {"sandbox": {"backend": backend, **limits}}


async def output_of(editor: Editor, text: str) -> str:
    """Wait until a program has said something; returns its run's id."""
    await editor.until(lambda: _saying(editor, text), f"output {text!r}")
    return str(_saying(editor, text)[0]["runId"])


def _saying(editor: Editor, text: str) -> list[dict[str, Any]]:
    return [each for each in editor.shown.events if text in str(each.get("data"))]


# ---- the editor goes ------------------------------------------------------------------------


async def run_from(server: RawServer, path: Path) -> None:
    """Run a file and wait for its first output."""
    await server.initialize(
        workspaceFolders=[{"uri": path_to_uri(path.parent), "name": "w"}],
        capabilities={"experimental": {"fixwright": 1}},
    )
    argument = {"uri": path_to_uri(path)}
    server.post(
        "workspace/executeCommand", {"command": "fixwright.runFile", "arguments": [argument]}
    )

    def is_output(message: Message) -> bool:
        event = message.get("params") or {}
        return message.get("method") == "fixwright/runEvent" and event["type"] == "stdout"

    await server.wait_for(is_output, "output")


async def nothing_is_left(trail: Trail, backend: str, pid: int) -> None:
    await until_none(trail.processes)
    if backend == "docker":
        await until_none(lambda: containers_of(pid))
    await until_none(trail.files)


def marked(tmp_path: Path) -> tuple[Path, Trail]:
    trail = Trail(tmp_path / "tmp")
    (tmp_path / "w").mkdir()
    path = tmp_path / "w" / "a.py"
    path.write_text(trail.program())
    return path, trail


@pytest.mark.parametrize("backend", BACKENDS)
async def test_an_editor_that_is_killed_leaves_nothing(tmp_path: Path, backend: str) -> None:
    needs(backend)
    path, trail = marked(tmp_path)
    editor = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.doomed_editor", str(path), backend,
        stdout=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            **trail.environment,
            "PYTHONPATH": os.pathsep.join(["tests", os.environ.get("PYTHONPATH", "")]),
        },
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        assert editor.stdout is not None
        pid = int(await asyncio.wait_for(editor.stdout.readline(), PATIENCE))
        await until_programs(trail)
    finally:
        editor.kill()
        await editor.wait()
    await nothing_is_left(trail, backend, pid)


def close_input(server: RawServer) -> None:
    assert server.process.stdin is not None
    server.process.stdin.close()


def terminate(server: RawServer) -> None:
    server.process.terminate()


def hang_up(server: RawServer) -> None:
    server.process.send_signal(signal.SIGHUP)


def say_exit(server: RawServer) -> None:
    server.notify("exit")


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "end", [close_input, *(pytest.param(end, marks=SLOW) for end in (terminate, hang_up, say_exit))]
)
async def test_a_server_that_is_ended_in_a_run_leaves_nothing(
    tmp_path: Path, backend: str, end: Callable[[RawServer], None]
) -> None:
    needs(backend)
    path, trail = marked(tmp_path)
    async with raw_server(FIXWRIGHT_SANDBOX_BACKEND=backend, **trail.environment) as server:
        await run_from(server, path)
        await until_programs(trail)
        end(server)
        assert await server.ended() == 1
        await nothing_is_left(trail, backend, server.process.pid)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_shutdown_in_a_run_leaves_nothing(tmp_path: Path, backend: str) -> None:
    needs(backend)
    path, trail = marked(tmp_path)
    async with raw_server(FIXWRIGHT_SANDBOX_BACKEND=backend, **trail.environment) as server:
        await run_from(server, path)
        await server.result("shutdown")
        await until_none(trail.programs)
        server.notify("exit")
        assert await server.ended() == 0
        await nothing_is_left(trail, backend, server.process.pid)


@pytest.mark.slow
@pytest.mark.bubblewrap
async def test_an_editor_that_goes_while_the_server_starts_leaves_nothing(tmp_path: Path) -> None:
    needs("bubblewrap")
    path, trail = marked(tmp_path)
    folder = {"uri": path_to_uri(path.parent), "name": "w"}
    async with raw_server(FIXWRIGHT_SANDBOX_BACKEND="bubblewrap", **trail.environment) as server:
        await server.initialize(workspaceFolders=[folder])
        close_input(server)
        assert await server.ended() == 1
        await nothing_is_left(trail, "bubblewrap", server.process.pid)


# ---- the engine goes ------------------------------------------------------------------------


@pytest.mark.docker
@pytest.mark.slow
async def test_an_engine_that_stops_in_a_run(tmp_path: Path) -> None:
    needs("docker")
    path, trail = marked(tmp_path)
    other = path.with_name("b.py")
    other.write_text("print(valu)\n")
    async with docker_proxy() as proxy:
        environment = {**trail.environment, "DOCKER_HOST": proxy.host}
        async with editing(
            path.parent, ours=True, settings=sandboxed("docker"), environment=environment
        ) as editor:
            uri, other_uri = editor.open_file(path), editor.open_file(other)
            await editor.run(other_uri)
            [diagnostic] = await editor.diagnostics(other_uri, 1)

            running = asyncio.create_task(editor.run(uri))
            await output_of(editor, "started")
            await proxy.stop()
            report = await running
            assert report["status"] == "engine", report
            assert report["reason"].endswith("start the engine and run it again.")
            assert report["stdout"] == "started\n"
            await until_none(trail.programs)
            assert editor.shown.diagnostics[other_uri].items == (diagnostic,)
            assert editor.text(uri) == path.read_text()

            report = await editor.run(other_uri)
            assert report["status"] in ("engine", "refused"), report
            assert "Docker" in report["reason"]
            assert not editor.shown.questions or report["backend"] != "unconfined"

            await proxy.start()
            report = await editor.run(other_uri)
            assert (report["status"], report["backend"]) == ("failed", "docker")
            pid = editor.server.pid
        await until_none(lambda: containers_of(pid))


# ---- no sandbox at all ----------------------------------------------------------------------

NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
DOCKER = {"sandbox": {"backend": "docker"}}


@pytest.mark.slow
@pytest.mark.parametrize("answer", [None, "Do not run"])
async def test_without_a_sandbox_a_run_is_refused(tmp_path: Path, answer: str | None) -> None:
    path = tmp_path / "a.py"
    path.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    async with editing(tmp_path, settings=DOCKER, environment=NO_ENGINE) as editor:
        editor.answer = answer
        report = await editor.run(editor.open_file(path))
        assert (report["status"], report["backend"]) == ("refused", "none")
        assert "Docker" in report["reason"]
        [question] = editor.shown.questions
        assert report["reason"] in question.message
        assert "everything that your account can" in question.message
        assert "By its text it may write files (line 1)." in question.message
        assert not (tmp_path / "ran").exists()


@pytest.mark.slow
async def test_without_a_sandbox_a_yes_runs_once(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("print(valu)\n")
    async with editing(tmp_path, settings=DOCKER, environment=NO_ENGINE) as editor:
        uri = editor.open_file(path)
        editor.answer = RUN_WITHOUT
        report = await editor.run(uri)
        assert (report["status"], report["backend"]) == ("failed", "unconfined")
        await editor.diagnostics(uri, 1)
        await editor.run(uri)
        assert len(editor.shown.questions) == 2, "every run asks anew"


@pytest.mark.parametrize("proven_before", [False, True])
async def test_without_a_sandbox_nothing_is_fixed(tmp_path: Path, proven_before: bool) -> None:
    """A yes is for a run of one's own code, never for what a rule or a model wrote."""
    ran = tmp_path / "ran"
    path = tmp_path / "a.py"
    path.write_text(f"open({str(ran)!r}, 'w')\nvalue = 1\nprint(valu)\n")
    async with editing(tmp_path, settings=DOCKER, environment=NO_ENGINE) as editor:
        uri = editor.open_file(path)
        place = lsp.Range(start=lsp.Position(2, 6), end=lsp.Position(2, 10))
        diagnostic = lsp.Diagnostic(range=place, message="valu is not defined", source="Pyright")
        editor.answer = RUN_WITHOUT
        if proven_before:
            await editor.run(uri)
            [diagnostic] = await editor.diagnostics(uri, 1)
            ran.unlink()
        report = await editor.fix(uri, diagnostic)
        assert (report["status"], report["applied"]) == ("refused", False)
        assert "Docker" in report["reason"]
        assert not ran.exists()
        assert len(editor.shown.questions) == int(proven_before)


@pytest.mark.slow
async def test_a_sandbox_that_is_turned_off_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("print(1)\n")
    async with editing(tmp_path, settings={"sandbox": {"backend": "none"}}) as editor:
        report = await editor.run(editor.open_file(path))
        assert report["status"] == "refused"
        assert "turned off" in report["reason"]


# ---- cancelling -----------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_run_is_cancelled_in_each_of_the_three_ways(tmp_path: Path, backend: str) -> None:
    path, trail = marked(tmp_path)
    settings = sandboxed(backend)
    async with editing(
        path.parent, ours=True, settings=settings, environment=trail.environment
    ) as editor:
        uri = editor.open_file(path)

        request = editor.command("fixwright.runFile", {"uri": uri}, msg_id="one")
        running = asyncio.create_task(request)
        await output_of(editor, "started")
        editor.client.cancel_request(lsp.CancelParams(id="one"))
        with pytest.raises(JsonRpcException) as caught:
            await asyncio.wait_for(running, PATIENCE)
        assert caught.value.code == REQUEST_CANCELLED
        await until_none(trail.programs)

        for way in ("progress", "command"):
            editor.shown.events.clear()
            editor.shown.progress.clear()
            running = asyncio.create_task(editor.run(uri))
            run_id = await output_of(editor, "started")
            if way == "progress":
                token = editor.shown.progress[-1][0]
                editor.client.window_work_done_progress_cancel(
                    lsp.WorkDoneProgressCancelParams(token=token)
                )
            else:
                answer = await editor.command("fixwright.cancel", {"runId": run_id})
                assert answer == {"cancelled": 1}
            report = await asyncio.wait_for(running, PATIENCE)
            assert (report["status"], report["stdout"]) == ("cancelled", "started\n"), way
            await until_none(trail.programs)
            ends = [value for _, value in editor.shown.progress if value["kind"] == "end"]
            assert len(ends) == 1
        assert (await editor.command("fixwright.status"))["jobs"] == []
        assert await editor.command("fixwright.cancel", {"runId": "none"}) == {"cancelled": 0}


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
async def test_two_runs_at_once(tmp_path: Path, backend: str) -> None:
    paths = [tmp_path / name for name in ("a.py", "b.py", "c.py", "d.py")]
    for path in paths:
        path.write_text(f"open('mine', 'w').write({path.name!r})\nprint(open('mine').read())\n")
    async with editing(tmp_path, settings=sandboxed(backend)) as editor:
        uris = [editor.open_file(path) for path in paths]
        reports = await asyncio.gather(*(editor.run(uri) for uri in uris))
        assert [report["stdout"] for report in reports] == [f"{path.name}\n" for path in paths]
        assert all(report["files"][0]["path"] == "mine" for report in reports)
    assert not (tmp_path / "mine").exists()


# ---- limits ---------------------------------------------------------------------------------

GIGABYTE = "import os\nfor _ in range(1024):\n    os.write(1, b'x' * (1 << 20))\n"


def peak_memory(pid: int) -> int:
    """Bytes of memory that a process has had at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) << 10


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_gigabyte_of_output_ends_at_the_limit(tmp_path: Path, backend: str) -> None:
    path = tmp_path / "a.py"
    path.write_text(GIGABYTE)
    async with editing(tmp_path, ours=True, settings=sandboxed(backend)) as editor:
        report = await editor.run(editor.open_file(path))
        assert (report["status"], report["truncated"]) == ("output", True)
        assert "8 MiB of output" in report["reason"]
        assert len(report["stdout"]) < 1 << 17
        assert "left out" in report["stdout"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_gigabyte_of_allowed_output_takes_no_memory(tmp_path: Path, backend: str) -> None:
    path = tmp_path / "a.py"
    path.write_text("import sys\nprint('before', len(sys.argv))\n")
    settings = sandboxed(backend, output="2g")
    async with editing(tmp_path, ours=True, settings=settings) as editor:
        uri = editor.open_file(path)
        await editor.run(uri)
        before = peak_memory(editor.server.pid)
        whole = lsp.Range(start=lsp.Position(0, 0), end=lsp.Position(9, 0))
        editor.type(uri, whole, GIGABYTE + "print('\\nthe end')\n")
        report = await editor.command("fixwright.runFile", {"uri": uri})
        assert (report["status"], report["truncated"]) == ("passed", True), report["reason"]
        assert report["stdout"].endswith("the end\n")
        assert peak_memory(editor.server.pid) - before < 128 << 20


LIMITS = [
    pytest.param("while True: pass\n", {"timeout": 1}, "timeout", "1 s, its time limit", id="time"),
    pytest.param(
        "held = []\nwhile True: held.append(bytearray(1 << 20))\n",
        {"memory": "96m"}, "memory", "96 MiB, its memory limit", id="memory",
    ),
    pytest.param(
        "import os, time\nwhile True:\n    if os.fork() == 0: time.sleep(60)\n",
        {"pids": 20}, "processes", "20 processes", id="processes",
    ),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("program", "limits", "status", "said"), LIMITS)
async def test_the_settings_limits_end_a_run_and_are_named(
    tmp_path: Path, backend: str, program: str, limits: dict[str, object], status: str, said: str
) -> None:
    path = tmp_path / "a.py"
    path.write_text(f"print('began', flush=True)\n{program}")
    async with editing(tmp_path, settings=sandboxed(backend, **limits)) as editor:
        uri = editor.open_file(path)
        report = await editor.run(uri)
        assert report["status"] == status, report
        assert said in report["reason"]
        assert report["stdout"] == "began\n"
        shown = await editor.diagnostics(uri)
        assert shown[0].code in (status, "BlockingIOError"), "what the refused fork raised"


# ---- the text changes during a fix ----------------------------------------------------------

WRONG = (
    "def mean(values):\n    return sum(values) / (len(values) + 1)\n\n\n"
    "assert mean([1, 2, 3]) == 2, 'the mean'\n"
)
RIGHT = WRONG.replace("(len(values) + 1)", "len(values)")
REPAIR = {**edit("a.py", "(len(values) + 1)", "len(values)"), "delay": 0.5}


async def fix_while(
    tmp_path: Path, model: ScriptedModel, change: Callable[[Editor, str], None]
) -> tuple[dict[str, Any], str]:
    """Fix WRONG; `change` happens while the model thinks. Returns the report and the text."""
    path = tmp_path / "a.py"
    path.write_text(WRONG)
    settings = {**sandboxed("bubblewrap"), "model": model.settings}
    async with editing(tmp_path, settings=settings, environment=model.environment) as editor:
        uri = editor.open_file(path)
        await editor.run(uri)
        [diagnostic] = await editor.diagnostics(uri, 1)
        fixing = asyncio.create_task(editor.fix(uri, diagnostic))
        await asyncio.wait_for(model.server.wait_until(lambda it: bool(it.requests)), PATIENCE)
        change(editor, uri)
        report = await fixing
        return report, editor.text(uri)


@pytest.mark.bubblewrap
async def test_what_is_typed_beside_a_fix_is_kept_and_the_fix_proven_again(tmp_path: Path) -> None:
    async with scripted_model([REPAIR]) as model:
        report, text = await fix_while(
            tmp_path, model, lambda editor, uri: editor.insert(uri, 4, 0, "print('mine 😀')\n")
        )
    assert (report["status"], report["applied"]) == ("verified", True), report["reason"]
    assert report["after"]["stdout"] == "mine 😀\n", "what was proven is what is applied"
    assert text == RIGHT.replace("assert", "print('mine 😀')\nassert")


@pytest.mark.slow
@pytest.mark.bubblewrap
async def test_what_is_typed_into_a_fix_makes_it_stale(tmp_path: Path) -> None:
    async with scripted_model([REPAIR]) as model:
        report, text = await fix_while(
            tmp_path, model, lambda editor, uri: editor.insert(uri, 1, 41, "00")
        )
    assert (report["status"], report["applied"]) == ("stale", False)
    assert "a.py" in report["reason"]
    assert text == WRONG.replace("+ 1)", "+ 100)")


@pytest.mark.slow
@pytest.mark.bubblewrap
async def test_a_document_closed_during_a_fix_is_opened_again(tmp_path: Path) -> None:
    async with scripted_model([REPAIR]) as model:
        report, text = await fix_while(tmp_path, model, lambda editor, uri: editor.close(uri))
    assert (report["status"], report["applied"]) == ("verified", True), report["reason"]
    assert text == RIGHT
    assert (tmp_path / "a.py").read_text() == WRONG, "only the editor writes files"


@pytest.mark.slow
@pytest.mark.bubblewrap
async def test_breaking_the_rest_during_a_fix_is_not_called_verified(tmp_path: Path) -> None:
    async with scripted_model([REPAIR]) as model:
        report, text = await fix_while(
            tmp_path, model, lambda editor, uri: editor.insert(uri, 4, 0, "print(nope)\n")
        )
    assert (report["status"], report["applied"]) == ("unverified", False), report
    assert text == WRONG.replace("assert", "print(nope)\nassert")


@pytest.mark.slow
@pytest.mark.bubblewrap
@pytest.mark.parametrize("ours", [True, False])
async def test_typing_as_the_edit_arrives_makes_it_stale(tmp_path: Path, ours: bool) -> None:
    path = tmp_path / "a.py"
    path.write_text(WRONG)
    async with scripted_model([{**REPAIR, "delay": 0}]) as model:
        settings = {**sandboxed("bubblewrap"), "model": model.settings}
        async with editing(
            tmp_path, ours=ours, settings=settings, environment=model.environment
        ) as editor:
            uri = editor.open_file(path)
            await editor.run(uri)
            [diagnostic] = await editor.diagnostics(uri, 1)
            editor.before_edit = lambda: editor.insert(uri, 1, 41, "00")
            report = await editor.fix(uri, diagnostic)
            assert (report["status"], report["applied"]) == ("stale", False)
            assert "edited meanwhile" in report["reason"]
            assert editor.text(uri) == WRONG.replace("+ 1)", "+ 100)")
