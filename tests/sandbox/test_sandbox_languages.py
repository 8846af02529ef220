"""Every runtime with its own driver, as the host asks for it: runs, fails at the exact place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from fixwright.failures.parse import failures_of
from fixwright.workspace.position import Range
from fixwright_sandbox import Blob, Chunk, Job, Result, RunChunks, RunFile, RunTests, Sandbox
from support.sandboxes import Bench, backends, open_or_skip

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


@dataclass(frozen=True)
class Language:
    """A program that says hello, and one that does not."""

    runtime: str
    path: str
    hello: str
    broken: str
    kind: str
    range: Range


JAVA = """\
public class Main {
    public static void main(String[] args) {
        System.out.println(%s);
    }
}
"""
LANGUAGES = [
    Language(
        "node",
        "main.js",
        "console.log('hello')\n",
        "const user = null\nconsole.log(user.name)\n",
        "TypeError",
        Range.of(1, 17, 1, 21),
    ),
    Language(
        "node",
        "main.ts",
        "const word: string = 'hello'\nconsole.log(word)\n",
        "const count: number = 1\nconsole.log(count.nope())\n",
        "TypeError",
        Range.of(1, 18, 1, 22),
    ),
    Language(
        "go",
        "main.go",
        'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("hello") }\n',
        "package main\n\nfunc main() {\n\tprintn(1)\n}\n",
        "UndeclaredName",
        Range.of(3, 1, 3, 7),
    ),
    Language(
        "c",
        "main.c",
        '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n',
        "int main(void) { return nope; }\n",
        "CompileError",
        Range.of(0, 24, 0, 28),
    ),
    Language(
        "rust",
        "main.rs",
        'fn main() { println!("hello"); }\n',
        'fn main() { println!("{}", nope); }\n',
        "E0425",
        Range.of(0, 27, 0, 31),
    ),
    Language(
        "java",
        "Main.java",
        JAVA % '"hello"',
        JAVA % "nope",
        "compiler.err.cant.resolve.location",
        Range.of(2, 27, 2, 31),
    ),
]


@pytest_asyncio.fixture(
    loop_scope="module", scope="module", params=backends("docker", "bubblewrap")
)
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    async with await open_or_skip(request.param) as sandbox:
        yield sandbox


@pytest.fixture(params=LANGUAGES, ids=lambda language: language.path)
def language(request: pytest.FixtureRequest) -> Language:
    return request.param


async def run(
    sandbox: Sandbox, language: Language, text: str, job: Job, *, path: str = ""
) -> Result:
    bench = Bench(sandbox, "languages", {path or language.path: Blob(text.encode())})
    result = await bench.run(job, runtime=language.runtime)
    if result.status == "image":
        pytest.skip(result.message)
    return result


async def test_hello(sandbox: Sandbox, language: Language) -> None:
    for _ in range(2):
        result = await run(sandbox, language, language.hello, RunFile(language.path))
        assert (result.status, result.stdout.data) == ("passed", b"hello\n"), result
        assert failures_of(result, language.path) == ()


async def test_what_is_wrong_is_told_at_its_place(sandbox: Sandbox, language: Language) -> None:
    result = await run(sandbox, language, language.broken, RunFile(language.path))
    assert result.status == "failed", result
    failure = failures_of(result, language.path)[0]
    assert (failure.kind, failure.path, failure.range) == (
        language.kind,
        language.path,
        language.range,
    )


async def test_a_selection_keeps_its_lines(sandbox: Sandbox) -> None:
    language = LANGUAGES[0]
    job = RunChunks(language.path, (Chunk("user.name", 7, 4),))
    result = await run(sandbox, language, "\n" * 7 + "    user.name\n", job)
    failure = failures_of(result, language.path)[0]
    assert (failure.kind, failure.range) == ("ReferenceError", Range.of(7, 4, 7, 8))


async def test_tests_are_told_one_by_one(sandbox: Sandbox) -> None:
    text = """\
import test from 'node:test'
import assert from 'node:assert'
test('adds', () => assert.equal(1 + 1, 2))
test('fails', () => assert.equal(1 + 1, 3))
"""
    result = await run(sandbox, LANGUAGES[0], text, RunTests(("a.test.mjs",)), path="a.test.mjs")
    outcomes = {r["id"]: r["outcome"] for r in result.reports if r["type"] == "test"}
    assert outcomes == {"a.test.mjs::adds": "passed", "a.test.mjs::fails": "failed"}
