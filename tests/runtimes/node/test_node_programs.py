"""What a program sees of Node, and when its types are checked."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fixwright_sandbox import jobs
from fixwright_sandbox.runtimes.node.guest import driver
from support.node_stage import TOOLS, NodeStage, environment, node, run_job

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        node() is None or not (TOOLS / "bin" / "esbuild").exists(), reason="needs Node and esbuild"
    ),
]


class Place:
    """Folders of runs, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "tree"
        for name in ("tree", "cache"):
            (folder / name).mkdir()
        self.runs = 0

    def write(self, **files: str) -> None:
        for name, text in files.items():
            stem, _, ending = name.rpartition("_")
            (self.root / f"{stem}.{ending}").write_text(text)

    def run(self, job: jobs.Job, **env: str) -> tuple[int, NodeStage]:
        self.runs += 1
        scratch = self.folder / f"scratch-{self.runs}"
        scratch.mkdir()
        variables = {**environment(self.folder), **env}
        cache = str(self.folder / "cache")
        stage = NodeStage(str(self.root), str(scratch), cache, variables)
        return run_job(driver.main, jobs.to_wire(job), stage), stage


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _kinds(stage: NodeStage) -> list[tuple[str, str]]:
    return [(each["kind"], each.get("severity", "failure")) for each in stage.reports]


WATCHED = """\
const kept = Object.keys(process.env).sort().join();
const count = process.eventNames().flatMap((name) => process.listeners(name)).length;
console.log(process.argv.length, require.main === module, module.paths.length > 0);
console.log(process.exit.name, process.exit.length, new Error('x').stack.split('\\n').length <= 11);
console.log(Object.keys(globalThis).join());
function deep(n) { return n ? deep(n - 1) : new Error('deep').stack.split('\\n').length; }
console.log(deep(30), (Error.stackTraceLimit = 3, deep(30)));
const before = Error.prepareStackTrace;
Error.prepareStackTrace = (error, sites) => sites.length;
console.log(new Error('x').stack > 0);
Error.prepareStackTrace = before;
console.error('to stderr');
process.on('exit', (code) => console.log('exit', code));
process.exitCode = 7;
"""


def test_a_program_sees_what_node_shows(place: Place) -> None:
    place.write(main_js=WATCHED)
    status, stage = place.run(jobs.RunFile("main.js"))
    alone = subprocess.run(
        [str(node()), "main.js"], cwd=place.root, capture_output=True, check=False
    )
    assert status == alone.returncode == 7
    assert stage.stdout == alone.stdout
    assert stage.stderr == alone.stderr


@pytest.mark.parametrize(
    "source",
    [
        "setTimeout(() => { throw new TypeError('late') }, 1)",
        "Promise.reject(new Error('no', { cause: 'x' }))",
        "throw { not: 'an error' }",
        "const a = {; }",
        "require('./nowhere')",
        "function f() { f() } f()",
        "process.stdout.destroy(); throw new Error('quiet')",
        "Object.freeze(Error.prototype); null.x",
        "class E extends Error { get message() { throw 1 } } throw new E()",
        "process.exitCode = 3",
        "process.abort()",
        "process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 10000)",
    ],
)
def test_stderr_and_status_are_nodes_own(place: Place, source: str) -> None:
    place.write(main_js=f"{source}\n")
    status, stage = place.run(jobs.RunFile("main.js"))
    alone = subprocess.run(
        [str(node()), "main.js"], cwd=place.root, capture_output=True, check=False
    )
    assert status == alone.returncode
    if source != "process.abort()":  # whose trace holds addresses
        assert stage.stderr == alone.stderr


def test_types_are_checked_when_asked(place: Place) -> None:
    place.write(main_ts="const n: number = 'x';\nconsole.log(n);\n")
    job = jobs.RunFile("main.ts")
    status, stage = place.run(job)
    assert (status, stage.reports, stage.stdout) == (0, [], b"x\n")
    status, stage = place.run(job, FIXWRIGHT_TYPES="always")
    assert (status, _kinds(stage)) == (2, [("TS2322", "error")])
    place.write(main_ts="const n: number = 'x';\nthrow new Error(n.toString());\n")
    assert _kinds(place.run(job)[1]) == [("Error", "failure"), ("TS2322", "warning")]
    assert _kinds(place.run(job, FIXWRIGHT_TYPES="never")[1]) == [("Error", "failure")]


def test_types_alone(place: Place) -> None:
    place.write(main_ts="throw new Error('it is not run' as never as number);\n")
    job: dict[str, Any] = {"kind": "tests", "targets": ["main.ts"], "framework": "tsc"}
    scratch = place.folder / "scratch"
    scratch.mkdir()
    stage = NodeStage(
        str(place.root), str(scratch), str(place.folder / "cache"), environment(place.folder)
    )
    assert run_job(driver.main, job, stage) == 1
    assert _kinds(stage) == [("TS2769", "error")]


def test_what_is_transformed_once_is_kept(place: Place) -> None:
    place.write(main_ts="import { b } from './b';\nconsole.log(b as number);\n")
    place.write(b_ts="export const b: number = 1;\n")
    job = jobs.RunFile("main.ts")
    _, first = place.run(job)
    _, second = place.run(job)
    place.write(b_ts="export const b: number = 2;\n")
    _, third = place.run(job)
    assert [len(each.calls) for each in (first, second, third)] == [2, 1, 2]
    assert [each.stdout for each in (first, second, third)] == [b"1\n", b"1\n", b"2\n"]


def test_what_a_program_writes_and_loads_is_transformed_for_it(place: Place) -> None:
    place.write(
        main_ts="import { writeFileSync } from 'node:fs';\n"
        "writeFileSync('made.ts', 'export const made: number = 5;');\n"
        "const name: string = './made';\n"
        "console.log((await import(name)).made);\n"
    )
    status, stage = place.run(jobs.RunFile("main.ts"))
    assert (status, stage.stdout) == (0, b"5\n"), stage.stderr


def test_a_forked_typescript_program(place: Place) -> None:
    place.write(
        main_ts="import { fork } from 'node:child_process';\n"
        "const child = fork('./child.ts');\n"
        "child.on('exit', (code: number) => { console.log('child', code); });\n",
        child_ts="const n: number = 1;\nthrow new Error(`in the child ${n}`);\n",
    )
    status, stage = place.run(jobs.RunFile("main.ts"))
    assert (status, stage.stdout, stage.reports) == (0, b"child 1\n", []), stage.stderr


def test_no_file_and_no_tool(place: Place) -> None:
    status, stage = place.run(jobs.RunFile("gone.js"))
    assert (status, _kinds(stage)) == (1, [("ENOENT", "failure")])
    place.write(main_tsx="export {};\n")
    path = f"{Path(str(node())).parent}:/usr/bin"
    status, stage = place.run(jobs.RunFile("main.tsx"), PATH=path)
    assert (status, _kinds(stage)) == (1, [("ToolMissing", "failure")])
    assert "npm install" in stage.said


def test_reports_of_hostile_errors_are_json(place: Place) -> None:
    place.write(
        main_js="const error = new Error('m');\n"
        "Object.defineProperty(error, 'stack', { get() { throw 1 } });\n"
        "Object.defineProperty(error, 'cause', { get() { return error } });\n"
        "error.name = { toString() { throw 2 } };\n"
        "throw error;\n"
    )
    status, stage = place.run(jobs.RunFile("main.js"))
    assert status != 0
    assert len(json.dumps(stage.reports)) < 20_000
    assert _kinds(stage) == [("Error", "failure")]
