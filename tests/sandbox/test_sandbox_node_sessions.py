"""Sessions of Node: what stays, what is shown, where failures are told to be, what interrupts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import pytest_asyncio

from fixwright_sandbox import Execution, Result, Sandbox, Session, Workspace
from support.sandboxes import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")
FILES = {
    "lib.mjs": "export const hello = () => 'hi';\nexport default 7;\n",
    "common.cjs": "exports.three = 3;\n",
    "typed.ts": "export interface Shape { a: number }\nexport const four: number = 4;\n",
    "data.json": '{"a": [1]}',
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def workspace(everywhere: Sandbox) -> AsyncIterator[Workspace]:
    async with await everywhere.create(files=FILES, runtime="node") as workspace:
        yield workspace


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def kept(workspace: Workspace) -> AsyncIterator[Session]:
    """A Node that the tests of a backend share: each leaves it alive."""
    async with workspace.session(runtime="node") as session:
        yield session


async def until(session: Session, code: str, said: bytes, **options: Any) -> Execution:
    execution = session.run(code, **options)
    async with asyncio.timeout(PATIENCE):
        async for event in execution:
            assert event.kind != "end", event.result
            if event.kind == "stdout" and said in event.data:
                return execution
    raise AssertionError


def shown(result: Result) -> list[str]:
    assert result.status == "passed", (result.message, result.stderr.data)
    reports = [cast("dict[str, Any]", dict(each)) for each in result.reports]
    return [each["data"]["text/plain"] for each in reports if each["type"] == "result"]


async def value(session: Session, code: str, **options: Any) -> str:
    async with asyncio.timeout(PATIENCE):
        return shown(await session.run(code, **options))[-1]


def failure(result: Result) -> dict[str, Any]:
    assert result.status == "failed", result.message
    assert result.reports, (result.message, result.stderr.data)
    return cast("dict[str, Any]", dict(result.reports[-1]))


async def test_what_is_declared_stays_and_may_be_declared_anew(kept: Session) -> None:
    assert (
        shown(await kept.run("const a = 1; let b = 2; class C {}; function f() { return 3; }"))
        == []
    )
    assert await value(kept, "[a, b, f(), new C()]") == "[ 1, 2, 3, C {} ]"
    assert await value(kept, "let a = 5; const b = 6; class C { x = 1 }; [a, b, new C()]") == (
        "[ 5, 6, C { x: 1 } ]"
    )
    assert await value(kept, "const a = 7; a") == "7"
    assert await value(kept, "_ + 1") == "8"
    assert await value(kept, "const {x, ...rest} = {x: 1, y: 2}; rest") == "{ y: 2 }"
    assert shown(await kept.run("undefined")) == []


async def test_output_is_streamed(kept: Session) -> None:
    run = await until(kept, "console.log('on'); await new Promise(() => {})", b"on")
    kept.interrupt()
    assert (await run).exit_code == 130
    both = await kept.run("console.log(1); console.error(2)")
    assert (both.stdout.data, both.stderr.data) == (b"1\n", b"2\n")


async def test_await_import_and_require(kept: Session) -> None:
    assert await value(kept, "await new Promise((done) => setTimeout(done, 1, 3))") == "3"
    code = "import seven, { hello as greet } from './lib.mjs';\nimport * as fs from 'node:fs';\n"
    assert await value(kept, f"{code}[greet(), seven, typeof fs.readFileSync]") == (
        "[ 'hi', 7, 'function' ]"
    )
    assert await value(kept, "greet()") == "'hi'"
    assert (
        await value(kept, "(await import('./lib.mjs')).default + require('./common.cjs').three")
        == "10"
    )
    assert (
        await value(kept, "import data from './data.json' with { type: 'json' }; data")
        == "{ a: [ 1 ] }"
    )
    assert await value(kept, "typeof import.meta.url + `import('x') const`") == (
        "\"stringimport('x') const\""
    )


async def test_typescript(workspace: Workspace) -> None:
    async with workspace.session(runtime="node") as session:
        assert await value(session, "let n: number = 5; interface A { a: string }; n") == "5"
        code = "import { four, Shape } from './typed';\nconst shape: Shape = { a: four };\nshape"
        assert await value(session, code, path="cells.ts") == "{ a: 4 }"
        code = "enum E { A = 3 }\n\n  (undefined as any).foo;"
        told = failure(await session.run(code, path="cells.ts", line=4))
        (frame,) = told["frames"]
        assert (told["kind"], frame["path"], frame["line"]) == ("TypeError", "cells.ts", 6)
        told = failure(await session.run("let n: = 5", path="cells.ts", line=2))
        assert (told["kind"], told["line"], told["column"]) == ("SyntaxError", 2, 7)


async def test_failures_are_at_their_places(kept: Session) -> None:
    told = failure(await kept.run("\n  undefinedThing.foo"))
    (frame,) = told["frames"]
    assert told["kind"] == "ReferenceError"
    assert frame["path"].startswith("<cell ")
    assert (frame["line"], frame["column"], frame["endColumn"]) == (1, 2, 16)
    told = failure(await kept.run("const g = () => { throw new TypeError('bad') };\ng()"))
    assert [(each["line"], each["name"]) for each in told["frames"]] == [(1, "<module>"), (0, "g")]
    told = failure(await kept.run("1;\nlet 5x"))
    assert (told["kind"], told["place"]["line"], told["place"]["column"]) == ("SyntaxError", 1, 4)
    told = failure(await kept.run("1;\nimport x from 'nopackage'"))
    assert (told["place"]["line"], told["place"]["column"]) == (1, 14)
    told = failure(await kept.run("import { nope } from './lib.mjs'"))
    assert (told["kind"], told["place"]["column"]) == ("SyntaxError", 21)
    told = failure(
        await kept.run("setTimeout(() => { throw new Error('late') }); await new Promise(() => {})")
    )
    assert (told["message"], told["frames"][-1]["line"]) == ("late", 0)
    told = failure(await kept.run("Promise.reject(new RangeError('alone')); 5"))
    assert told["kind"] == "RangeError"
    assert kept.state == "alive"


async def test_failures_move_with_the_file(workspace: Workspace) -> None:
    cell = "function half() {\n  return nope.x;\n}\n"
    await workspace.write("cells.js", f"// %%\n{cell}// %%\nhalf()\n")
    async with workspace.session(runtime="node") as session:
        await session.run(cell, path="cells.js", line=1)
        failed = await session.run("half()\n", path="cells.js", line=5)
        assert b"cells.js:3:" in failed.stderr.data
        places = [
            (each["path"], each["line"], each["column"]) for each in failure(failed)["frames"]
        ]
        assert places == [("cells.js", 5, 0), ("cells.js", 2, 9)]
        await workspace.write("cells.js", f"// 1\n// 2\n// %%\n{cell}// %%\nhalf()\n")
        told = failure(await session.run("half()\n", path="cells.js", line=7))
        assert [each["line"] for each in told["frames"]] == [7, 4]
        await workspace.write("cells.js", "// %%\nhalf()\n")
        told = failure(await session.run("half()\n", path="cells.js", line=1))
        assert [each["path"] for each in told["frames"]] == ["cells.js", "<cells.js as it was>"]


@pytest.mark.parametrize(
    "code",
    [
        "console.log('on'); for (;;);",
        "await 1; console.log('on'); for (;;);",
        "console.log('on'); await new Promise(() => {})",
        "setTimeout(() => { console.log('on'); for (;;); }); await new Promise(() => {})",
        "const spin = () => { try { for (;;); } finally { z = 0; } }; console.log('on'); spin()",
    ],
)
async def test_an_interrupt_keeps_the_state(kept: Session, code: str) -> None:
    await kept.run("let z = 3")
    run = await until(kept, code, b"on")
    kept.interrupt()
    async with asyncio.timeout(PATIENCE):
        result = await run
    assert (result.exit_code, failure(result)["kind"]) == (130, "SIGINT")
    assert await value(kept, "z") == "3"


async def test_a_time_limit_keeps_the_state(kept: Session) -> None:
    await kept.run("let z = 4")
    late = await kept.run("for (;;);", timeout=0.3)
    assert late.status == "timeout"
    assert late.message.endswith("The session's state is kept.")
    assert await value(kept, "z") == "4"


async def test_standard_input_of_each_piece(kept: Session) -> None:
    assert await value(kept, "require('fs').readFileSync(0, 'utf8')", stdin="abc") == "'abc'"
    read = "let all = ''; for await (const part of process.stdin) all += part; all"
    assert await value(kept, read, stdin="def") == "'def'"
    assert await value(kept, read) == "''"
    wait = "await new Promise((done) => process.stdin.once('data', done))"
    code = f"console.log('on'); String({wait})"
    run = await until(kept, code, b"on", interactive=True)
    await run.write("Ada")
    assert shown(await run) == ["'Ada'"]


async def test_what_ends_node_is_said(workspace: Workspace) -> None:
    async with workspace.session(runtime="node") as session:
        ended = await session.run("console.log('on');\nprocess.exit(3)")
        assert (ended.exit_code, ended.stdout.data, session.state) == (3, b"on\n", "lost")
        assert ended.message.endswith(
            "The code ended the session itself. The session's state is lost."
        )
        told = failure(ended)
        assert (told["kind"], told["frames"][-1]["line"]) == ("ExitStatus", 1)
        await session.restart()
        assert await value(session, "1") == "1"
