"""Wrong, hostile and enormous input: it is answered with what is wrong, and life goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from fixwright.workspace.paths import path_to_uri
from support.editor import Editor, editing
from support.needs import needs
from support.raw import RawServer, raw_server

pytestmark = pytest.mark.bubblewrap
INVALID_PARAMS = -32602
INVALID_REQUEST = -32600
NOT_INITIALIZED = -32002
METHOD_NOT_FOUND = -32601
SANDBOX = {"sandbox": {"backend": "bubblewrap"}}
HUGE = 100 << 20


@pytest.fixture
async def editor(tmp_path: Path) -> AsyncGenerator[Editor, None]:
    needs("bubblewrap")
    async with editing(tmp_path, settings=SANDBOX) as editor:
        yield editor


@pytest.fixture
async def server() -> AsyncGenerator[RawServer, None]:
    async with raw_server(FIXWRIGHT_SANDBOX_BACKEND="bubblewrap") as server:
        yield server


async def error_of(editor: Editor, command: str, argument: object) -> JsonRpcException:
    with pytest.raises(JsonRpcException) as caught:
        await editor.command(command, argument)
    return caught.value


def span(first: int, last: int) -> dict[str, Any]:
    return {
        "start": {"line": first, "character": 0},
        "end": {"line": last, "character": 10**9},
    }


# ---- arguments of commands ------------------------------------------------------------------


async def test_every_wrong_argument_is_named(editor: Editor, tmp_path: Path) -> None:
    uri = path_to_uri(tmp_path / "a.py")
    editor.open(uri, "print('here')\n")
    place = span(0, 1)
    wrong: list[tuple[str, Any, str]] = [
        ("fixwright.runFile", {}, "uri: Field required"),
        ("fixwright.runFile", None, "uri: Field required"),
        ("fixwright.runFile", "a.py", "the argument: "),
        ("fixwright.runFile", [], "the argument: "),
        ("fixwright.runFile", {"uri": 5}, "uri: Input should be a valid string"),
        ("fixwright.runFile", {"uri": uri, "args": [1]}, "args.0: "),
        ("fixwright.runFile", {"uri": uri, "stdin": {}}, "stdin: "),
        ("fixwright.runFile", {"uri": uri, "stdin": "\ud800"}, "stdin: "),
        ("fixwright.runFile", {"uri": uri, "args": ["\ud800"]}, "args.0: "),
        ("fixwright.runFile", {"uri": uri, "args": ["a\0b"]}, "args.0: "),
        ("fixwright.runSelection", {"uri": uri}, "range: Field required"),
        ("fixwright.runSelection", {"uri": uri, "range": {"start": 1}}, "range.start: "),
        ("fixwright.runSelection", {"uri": uri, "range": span(-1, 1)}, "range.start.line: "),
        ("fixwright.runTests", {"uri": uri, "testId": 3}, "testId: "),
        ("fixwright.fix", {"uri": uri}, "range: Field required"),
        ("fixwright.fix", {"uri": uri, "range": place, "apply": "no"}, "apply: "),
        ("fixwright.fix", {"uri": uri, "range": place, "diagnostic": 1}, "diagnostic: "),
        ("fixwright.clear", {"uri": []}, "uri: "),
        ("fixwright.cancel", {"runId": 7}, "runId: "),
    ]
    for command, argument, said in wrong:
        error = await error_of(editor, command, argument)
        assert error.code == INVALID_PARAMS, (command, argument, error)
        assert said in error.message, (command, argument, error)
    assert (await editor.run(uri))["stdout"] == "here\n"


@pytest.mark.slow
async def test_an_unknown_uri_is_an_error_that_names_it(editor: Editor, tmp_path: Path) -> None:
    place = span(0, 0)
    for uri in (
        path_to_uri(tmp_path / "absent.py"),
        "untitled:Nothing",
        "https://example.com/a.py",
        "file:///etc/absent-entirely.py",
        "file:///%00.py",
        "file://other-host/share/a.py",
        "file:///" + "x" * 5000,
        "",
        "no uri at all \ud83d",
    ):
        for command, more in (
            ("fixwright.runFile", {}),
            ("fixwright.runSelection", {"range": place}),
            ("fixwright.runTests", {}),
            ("fixwright.fix", {"range": place}),
        ):
            error = await error_of(editor, command, {"uri": uri, **more})
            assert error.code == INVALID_PARAMS, (command, uri, error)
            assert error.message.startswith("uri: "), (command, uri, error)


@pytest.mark.slow
async def test_an_unknown_command_is_an_error_that_names_those_there_are(editor: Editor) -> None:
    error = await error_of(editor, "fixwright.runFlie", {})
    assert error.code == INVALID_PARAMS
    assert "'fixwright.runFlie'" in error.message
    assert "fixwright.runFile" in error.message


@pytest.mark.slow
async def test_a_range_past_the_end_is_brought_back_inside(editor: Editor, tmp_path: Path) -> None:
    uri = path_to_uri(tmp_path / "a.py")
    editor.open(uri, "x = 1\nprint(x)")
    wanted = {"uri": uri, "range": span(1, 10**9)}
    assert (await editor.command("fixwright.runSelection", wanted))["stdout"] == "1\n"
    for first, last in ((50, 60), (1, 0)):
        wanted = {"uri": uri, "range": span(first, last)}
        report = await editor.command("fixwright.runSelection", wanted)
        assert (report["status"], report["backend"]) == ("refused", "none")
        assert "Nothing is selected" in report["reason"]
    beyond = lsp.Range(start=lsp.Position(500, 7), end=lsp.Position(10**9, 7))
    assert "Run tests" in [action.title for action in await editor.actions(uri, beyond)]
    report = await editor.command("fixwright.fix", {"uri": uri, "range": span(70, 71)})
    assert (report["status"], report["applied"]) == ("none", False)


# ---- files that are no programs ---------------------------------------------------------------


async def test_files_that_are_not_text_are_refused_in_a_sentence(
    editor: Editor, tmp_path: Path
) -> None:
    (tmp_path / "binary.py").write_bytes(b"\x7fELF\0\0\x01\x02" * 100)
    (tmp_path / "outside.py").symlink_to("/etc/hostname")
    (tmp_path / "directory.py").mkdir()
    huge = tmp_path / "huge.py"
    with huge.open("wb") as file:
        file.truncate(HUGE)
    for name in ("binary.py", "outside.py", "directory.py", "huge.py"):
        report = await editor.run(path_to_uri(tmp_path / name))
        assert report["status"] == "refused", report
        assert name in report["reason"]
        assert report["reason"].endswith(".")
        assert any(report["reason"] in message for message in editor.shown.messages)
        wanted = {"uri": path_to_uri(tmp_path / name), "range": span(0, 0)}
        assert (await editor.command("fixwright.fix", wanted))["status"] == "refused"
        selected = await editor.command("fixwright.runSelection", wanted)
        assert selected["status"] == "refused"
        assert (await editor.command("fixwright.runTests", wanted))["status"] == "refused"


@pytest.mark.slow
async def test_a_language_without_a_runtime_is_refused(editor: Editor, tmp_path: Path) -> None:
    uri = path_to_uri(tmp_path / "a.hs")
    editor.open(uri, 'main = putStrLn "hi"\n', language="haskell")
    report = await editor.run(uri)
    assert report["status"] == "refused"
    assert report["reason"] == (
        "Fixwright can't run haskell yet; it runs Bash, C and C++, Go, Java, "
        "JavaScript and TypeScript, Python, Rust."
    )


@pytest.mark.slow
async def test_latin_1_on_disk_runs_and_is_never_rewritten(editor: Editor, tmp_path: Path) -> None:
    path = tmp_path / "latin.py"
    content = "# -*- coding: latin-1 -*-\nprint(len('é'))\nprint(valu)\n".encode("latin-1")
    path.write_bytes(content)
    report = await editor.run(path_to_uri(path))
    assert report["stdout"] == "1\n"
    assert report["failures"][0]["kind"] == "NameError"
    assert path.read_bytes() == content


@pytest.mark.slow
async def test_half_a_surrogate_pair_in_a_buffer_runs_as_a_replacement_character(
    editor: Editor, tmp_path: Path
) -> None:
    """An editor may hold one; no file can."""
    uri = path_to_uri(tmp_path / "half.py")
    editor.open(uri, "print('\ud83d'); nope\n")
    report = await editor.run(uri)
    assert report["stdout"] == "\ufffd\n"
    [diagnostic] = await editor.diagnostics(uri, 1)
    assert diagnostic.range.start == lsp.Position(0, 12)


@pytest.mark.slow
async def test_what_a_program_says_is_sent_as_valid_text(editor: Editor, tmp_path: Path) -> None:
    """Half of a surrogate pair in an exception would break editors that are strict about JSON."""
    path = tmp_path / "strange.py"
    path.write_text(
        "import os\nos.write(1, b'\\xff\\xfe')\nraise ValueError('\\udc80', '\\0', '\\x1b[31m')\n"
    )
    uri = editor.open_file(path)
    report = await editor.run(uri)
    [diagnostic] = await editor.diagnostics(uri, 1)
    for text in (report["stdout"], report["failures"][0]["message"], diagnostic.message):
        text.encode()


@pytest.mark.slow
async def test_a_file_deleted_while_it_runs(editor: Editor, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    code = "print('started', flush=True)\nimport sys\nsys.stdin.read()\nprint(valu)\n"
    path.write_text(code.replace("sys.stdin.read()", "import time; time.sleep(1)"))
    running = asyncio.create_task(editor.run(path_to_uri(path)))
    await editor.until(lambda: "started" in str(editor.shown.progress))
    path.unlink()
    report = await running
    assert report["status"] == "failed"
    assert report["failures"][0]["kind"] == "NameError"
    error = await error_of(editor, "fixwright.runFile", {"uri": path_to_uri(path)})
    assert "a.py" in error.message


@pytest.mark.slow
async def test_a_huge_document_in_the_editor(editor: Editor, tmp_path: Path) -> None:
    uri = path_to_uri(tmp_path / "huge.py")
    line = "x = '" + "y" * 90 + "'\n"
    editor.open(uri, line * (HUGE // len(line)))
    report = await editor.run(uri)
    assert report["status"] == "refused", report["status"]
    assert "huge.py" in report["reason"]
    other = path_to_uri(tmp_path / "small.py")
    editor.open(other, "print(1)\n")
    editor.close(uri)
    assert (await editor.run(other))["stdout"] == "1\n"


@pytest.mark.slow
async def test_a_huge_file_beside_the_program_does_not_stop_it(
    editor: Editor, tmp_path: Path
) -> None:
    with (tmp_path / "data.bin").open("wb") as file:
        file.truncate(HUGE)
    path = tmp_path / "a.py"
    path.write_text("print('ran')\n")
    assert (await editor.run(path_to_uri(path)))["stdout"] == "ran\n"


# ---- messages ---------------------------------------------------------------------------------


@pytest.mark.slow
async def test_malformed_parameters_are_answered(server: RawServer) -> None:
    await server.initialize()
    for method, params in (
        ("textDocument/codeAction", {}),
        ("textDocument/codeAction", {"textDocument": 3}),
        ("textDocument/documentSymbol", []),
        ("workspace/executeCommand", {"arguments": []}),
        ("workspace/executeCommand", None),
    ):
        error = await server.error(method, params)
        assert error["code"] == INVALID_PARAMS, (method, params, error)
        assert method in error["message"]
        assert "/" not in error["message"].replace(method, ""), "no path of ours"
    error = await server.error("textDocument/noSuchThing", {})
    assert error["code"] == METHOD_NOT_FOUND


async def test_messages_that_are_none_are_passed_over(server: RawServer) -> None:
    await server.initialize()
    for body in (
        b"{",
        b"\xff\xff",
        b"[]",
        b"null",
        b"17",
        b'[{"jsonrpc":"2.0","id":1,"method":"shutdown"}]',
        b'{"jsonrpc":"1.0","id":900,"method":"shutdown"}',
        b'{"jsonrpc":"2.0"}',
        b'{"jsonrpc":"2.0","id":901}',
        b'{"jsonrpc":"2.0","id":[],"result":1}',
        b'{"jsonrpc":"2.0","id":{"a":1},"method":"shutdown"}',
        b'{"jsonrpc":"2.0","id":902,"result":1,"error":{"code":1,"message":"x"}}',
        b'{"jsonrpc":"2.0","method":5,"params":{}}',
        b'{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":903}}',
        b'{"jsonrpc":"2.0","method":"$/cancelRequest","params":{}}',
        b'{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{}}}',
        b'{"jsonrpc":"2.0","method":"textDocument/didClose","params":null}',
        b'{"jsonrpc":"2.0","method":"window/workDoneProgress/cancel","params":{"token":"none"}}',
        b'{"jsonrpc":"2.0","method":"no/such","params":{"a":{"jsonrpc":"2.0"}}}',
        b"[" * 100_000,
    ):
        server.send_body(body)
    status = await server.command("fixwright.status", {})
    assert status["jobs"] == []
    assert await server.shut_down() == 0


@pytest.mark.slow
async def test_data_may_hold_a_key_called_jsonrpc(server: RawServer) -> None:
    await server.initialize()
    params = {
        "textDocument": {"uri": "untitled:a"},
        "range": span(0, 0),
        "context": {
            "diagnostics": [
                {
                    "range": span(0, 0),
                    "message": "m",
                    "data": {"jsonrpc": "2.0", "id": 1, "method": "shutdown"},
                }
            ]
        },
    }
    server.notify(
        "textDocument/didOpen",
        {
            "textDocument": {
                "uri": "untitled:a",
                "languageId": "python",
                "version": 1,
                "text": "x\n",
            }
        },
    )
    actions = await server.result("textDocument/codeAction", params)
    [quick_fix] = [action for action in actions if action["kind"] == "quickfix"]
    assert quick_fix["diagnostics"][0]["data"]["jsonrpc"] == "2.0"


@pytest.mark.slow
async def test_a_change_that_makes_no_sense_loses_the_document_and_says_so(
    server: RawServer,
) -> None:
    """Running or fixing a text that the user does not see would be worse."""
    await server.initialize()
    uri = "untitled:a"
    item = {"uri": uri, "languageId": "python", "version": 3, "text": "print('old')\n"}
    for params in (
        {"textDocument": {"uri": uri, "version": "four"}, "contentChanges": []},
        {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"text": "x"}]},
        {"textDocument": {"uri": uri, "version": 4}, "contentChanges": [{"range": 5, "text": ""}]},
        {
            "textDocument": {"uri": uri, "version": 4},
            "contentChanges": [{"range": span(2, 1), "text": ""}],
        },
    ):
        server.notify("textDocument/didOpen", {"textDocument": item})
        server.notify("textDocument/didChange", params)
        error = await server.error(
            "workspace/executeCommand",
            {"command": "fixwright.runFile", "arguments": [{"uri": uri}]},
        )
        assert "Close it and open it again" in error["message"], params
    server.notify("textDocument/didOpen", {"textDocument": item})
    report = await server.command("fixwright.runFile", {"uri": uri})
    assert report["stdout"] == "old\n"


async def test_values_of_a_newer_protocol_do_not_stop_initialize(server: RawServer) -> None:
    capabilities = {
        "workspace": {
            "symbol": {"symbolKind": {"valueSet": [1, 99]}},
            "workspaceEdit": {
                "documentChanges": True,
                "resourceOperations": ["create", "teleport"],
                "failureHandling": "prayer",
            },
        },
        "textDocument": {
            "publishDiagnostics": {"tagSupport": {"valueSet": [1, 2, 3]}},
            "completion": {"completionItem": {"documentationFormat": ["asciidoc"]}},
            "somethingNew": {"dynamicRegistration": True},
        },
        "general": {"positionEncodings": ["utf-64", "utf-8"]},
    }
    result = await server.initialize(capabilities=capabilities, trace="compact")
    assert result["capabilities"]["positionEncoding"] == "utf-8"


@pytest.mark.slow
async def test_requests_before_initialize_and_after_shutdown_are_refused(
    server: RawServer,
) -> None:
    error = await server.error("fixwright.status", {})
    assert error["code"] == NOT_INITIALIZED
    await server.initialize()
    await server.result("shutdown")
    for method in ("workspace/executeCommand", "textDocument/codeAction", "shutdown"):
        error = await server.error(method, {"command": "fixwright.status"})
        assert error["code"] == INVALID_REQUEST, method
    server.notify("exit")
    assert await server.ended() == 0
