"""The sandbox's figures, each beside the bare tool, plain Docker and its peers in the same run.

   python benchmarks/sandbox.py [--quick] [--only GROUP,...] [--backend NAME] [--json FILE]

Machines differ and are noisy: read the ratios. In brackets stands what `baseline_sandbox.json`
has. Groups: start, run, language, edit, clients, crowd, output, death. Peers (llm-sandbox,
swe-rex, epicbox) take part where they are installed; no project of ours needs them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import sandbox_peers as peers
from fixwright_sandbox import (
    BackendName,
    Blob,
    HostFile,
    Limits,
    Request,
    Result,
    RunFile,
    Sandbox,
    SandboxSettings,
    leftovers,
    open_sandbox,
)
from main_job import Row, row, shown

BASELINE = Path(__file__).parent / "baseline_sandbox.json"
PASS = {"empty.py": Blob(b"pass\n")}
WAIT = 120.0

_CC = "cc {file} -o {folder}/a && {folder}/a"
PROGRAMS = {
    "python": ("a.py", "pass\n", ["python3", "{file}"]),
    "bash": ("a.sh", "true\n", ["bash", "{file}"]),
    "node": ("a.js", "0\n", ["node", "{file}"]),
    "go": (
        "a.go",
        'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println(1) }\n',
        ["go", "run", "{file}"],
    ),
    "rust": (
        "a.rs",
        "fn main() {}\n",
        ["sh", "-c", "rustc -o {folder}/a {file} && {folder}/a"],
    ),
    "c": ("a.c", "int main(void) { return 0; }\n", ["sh", "-c", _CC]),
    "java": (
        "A.java",
        "public class A { public static void main(String[] a) {} }\n",
        ["java", "{file}"],
    ),
}  # fmt: skip
"""A program of each runtime that does nothing, and how its tools run it without us."""


@dataclass(frozen=True)
class Plan:
    """What to measure, and how often."""

    backend: BackendName
    times: int

    def settings(self, pool: int = 0) -> SandboxSettings:
        return SandboxSettings(self.backend, pool=pool)

    def named(self, what: str) -> str:
        return f"fixwright, {self.backend}: {what}"


async def run(sandbox: Sandbox, workspace: str, request: Request) -> Result:
    result = await asyncio.wait_for(sandbox.start(workspace, request).wait(), WAIT)
    if result.status != "passed":
        raise SystemExit(f"The run {result.status}: {result.message}\n{result.stderr.data!r}")
    return result


async def taken(times: int, work: Callable[[], Awaitable[object]], warm: int = 1) -> list[float]:
    """Milliseconds of each of `times` turns, after some that are not counted."""
    values: list[float] = []
    for turn in range(times + warm):
        start = time.perf_counter()
        await work()
        if turn >= warm:
            values.append((time.perf_counter() - start) * 1000)
    return values


def empty() -> Request:
    return Request("python", RunFile("empty.py"), PASS)


# ---- the groups ---------------------------------------------------------------------------


async def start(plan: Plan) -> AsyncIterator[Row]:
    """From nothing to the end of the first run, and with an environment at hand."""
    few = max(3, plan.times // 8)

    async def cold() -> None:
        async with open_sandbox(plan.settings()) as sandbox:
            await run(sandbox, "w", empty())

    yield row("start", plan.named("cold, open to close"), await taken(few, cold))
    async with open_sandbox(plan.settings()) as sandbox:
        count = iter(range(1000))

        async def fresh() -> None:
            await run(sandbox, f"w{next(count)}", empty())

        yield row("start", plan.named("a new workspace"), await taken(few, fresh))
    for name, values in peers.cold(few):
        yield row("start", name, values)


async def warm(plan: Plan) -> AsyncIterator[Row]:
    """A run of nothing in an environment that waits."""
    async with open_sandbox(plan.settings()) as sandbox:

        async def once() -> None:
            await run(sandbox, "w", empty())

        yield row("run", plan.named("pass"), await taken(plan.times * 3, once, 5))
    for name, values in peers.warm(plan.times):
        yield row("run", name, values)


@dataclass
class _Typist:
    """Runs one file again and again, edited or as it is."""

    sandbox: Sandbox
    workspace: str
    runtime: str
    path: str
    text: str
    tree: dict[str, HostFile]
    turns: int = 0

    async def press(self, *, edited: bool) -> None:
        self.turns += 1
        comment = "#" if self.runtime in {"python", "bash"} else "//"
        tail = f"{comment} {self.turns}\n" if edited else ""
        tree = {**self.tree, self.path: Blob((self.text + tail).encode())}
        await run(self.sandbox, self.workspace, Request(self.runtime, RunFile(self.path), tree))


async def language(plan: Plan) -> AsyncIterator[Row]:
    """A program that does nothing in each runtime: known already, and edited each time."""
    few = plan.times // 2
    async with open_sandbox(plan.settings()) as sandbox:
        for runtime, (name, text, command) in PROGRAMS.items():
            typist = _Typist(sandbox, runtime, runtime, name, text, {})
            try:
                for kind, edited in (("known", False), ("edited", True)):
                    values = await taken(few, partial(typist.press, edited=edited), 3)
                    yield row("language", plan.named(f"{runtime}, {kind}"), values)
            except SystemExit as error:
                print(f"{runtime}: {error}", file=sys.stderr)
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder, name)
                await asyncio.to_thread(file.write_text, text)
                argv = [word.format(file=file, folder=folder) for word in command]
                values = peers.timed_command(argv, max(3, few // 2))
                if values:
                    yield row("language", f"bare {runtime}", values)


async def edit(plan: Plan) -> AsyncIterator[Row]:
    """A run after one unsaved edit, and one after none, over 50 files and over 3,000 of 30 MB."""
    for files in (50, 3000):
        with tempfile.TemporaryDirectory() as name:
            tree = await asyncio.to_thread(_files, Path(name), files)
            async with open_sandbox(plan.settings()) as sandbox:
                typist = _Typist(sandbox, "w", "python", "main.py", "pass\n", tree)
                first = await taken(1, partial(typist.press, edited=True), 0)
                yield row("edit", plan.named(f"{files} files, first"), first)
                for kind, edited in (("unchanged", False), ("one edited", True)):
                    values = await taken(plan.times, partial(typist.press, edited=edited), 3)
                    yield row("edit", plan.named(f"{files} files, {kind}"), values)


def _files(folder: Path, number: int) -> dict[str, HostFile]:
    tree: dict[str, HostFile] = {}
    for index in range(number):
        file = folder / f"package{index % 30}" / f"module{index}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(os.urandom(5000).hex().encode())
        seen = file.stat()
        tree[str(file.relative_to(folder))] = HostFile(
            file, seen.st_size, seen.st_mtime_ns, seen.st_ino
        )
    return tree


async def clients(plan: Plan) -> AsyncIterator[Row]:
    """Runs a second at 1 to 32 clients, each with a workspace of its own."""
    async with open_sandbox(plan.settings()) as sandbox:
        for number in (1, 2, 4, 8, 16, 32):
            await asyncio.gather(*(_client(sandbox, index, 1) for index in range(number)))
            each = max(2, plan.times * 2 // number)
            begun = time.perf_counter()
            await asyncio.gather(*(_client(sandbox, index, each) for index in range(number)))
            rate = number * each / (time.perf_counter() - begun)
            yield row("clients", plan.named(f"{number} clients"), [rate], "runs/s")


async def _client(sandbox: Sandbox, index: int, times: int) -> None:
    for _ in range(times):
        await run(sandbox, f"w{index}", empty())


async def crowd(plan: Plan) -> AsyncIterator[Row]:
    """A hundred workspaces that live at once: what they hold, and how long a run takes."""
    async with open_sandbox(plan.settings()) as sandbox:
        gate = asyncio.Semaphore(4)

        async def made(index: int) -> None:
            async with gate:
                await sandbox.prepare(f"w{index}")

        await asyncio.gather(*(made(index) for index in range(100)))
        mine = tuple(
            each for each in leftovers.found() if each.owner and each.owner.pid == os.getpid()
        )
        held = [each.memory / 2**20 for each in await asyncio.to_thread(leftovers.usage, mine)]
        if held:
            yield row("crowd", plan.named("100 boxes, memory of one"), held, "MiB")
        values: list[float] = []
        for index in range(100):
            values += await taken(1, partial(_client, sandbox, index, 1), 0)
        yield row("crowd", plan.named("100 boxes, a run in each"), values)


async def output(plan: Plan) -> AsyncIterator[Row]:
    """100 MB that a program writes."""
    code = b"import os\nfor _ in range(1600): os.write(1, b'x' * 65535 + b'\\n')\n"
    request = Request(
        "python", RunFile("a.py"), {"a.py": Blob(code)}, Limits(output_bytes=200 << 20)
    )
    async with open_sandbox(plan.settings()) as sandbox:
        values = await taken(3, lambda: run(sandbox, "w", request))
        yield row("output", plan.named("100 MB"), values)
    program = code.decode()
    for name, argv in (
        ("bare python to a pipe", [sys.executable, "-c", program]),
        ("docker run", [*peers.DOCKER_RUN, "python3", "-c", program]),
    ):
        values = peers.timed_command(argv, 3)
        if values:
            yield row("output", name, values)


async def death(plan: Plan) -> AsyncIterator[Row]:
    """From the death of everything that runs to the end of the next run."""
    async with open_sandbox(plan.settings()) as sandbox:
        values: list[float] = []
        for _ in range(max(3, plan.times // 10)):
            await run(sandbox, "w", empty())
            things = await asyncio.to_thread(leftovers.found)
            mine = tuple(each for each in things if each.owner and each.owner.pid == os.getpid())
            await asyncio.to_thread(leftovers.remove, mine)
            values += await taken(1, lambda: run(sandbox, "w", empty()), 0)
        yield row("death", plan.named("environment removed to next run"), values)


GROUPS = {
    each.__name__.replace("warm", "run"): each
    for each in (start, warm, language, edit, clients, crowd, output, death)
}


# ---- all ----------------------------------------------------------------------------------


def baseline() -> dict[tuple[str, str], Row]:
    if not BASELINE.is_file():
        return {}
    rows = (Row(**each) for each in json.loads(BASELINE.read_text()))
    return {(each.group, each.name): each for each in rows}


def beside(each: Row, rows: list[Row]) -> Row:
    """The row with its ratio to plain Docker's, or to the bare tool's, where there is one."""
    runtime = each.name.split(": ")[-1].split(",")[0]
    against = {"run": "docker run", "start": "docker run", "output": "docker run"}.get(
        each.group, f"bare {runtime}"
    )
    for other in rows:
        if (other.group, other.name) == (each.group, against) and other != each:
            return Row(
                each.group, each.name, each.unit, each.p50, each.p99, against, each.p50 / other.p50
            )
    return each


async def measured(plan: Plan, groups: list[str]) -> list[Row]:
    rows: list[Row] = []
    before = baseline()
    for group in groups:
        part = [each async for each in GROUPS[group](plan)]
        for each in (beside(one, part) for one in part):
            rows.append(each)
            print(shown(each, before.get((each.group, each.name))), flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--only", default=",".join(GROUPS), help="groups, with commas")
    parser.add_argument("--backend", default="docker", choices=get_args(BackendName))
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} processors, load {load:.1f}\n{'':<65} {'p50':>9} {'p99':>9}")
    plan = Plan(options.backend, 10 if options.quick else 40)
    rows = asyncio.run(measured(plan, options.only.split(",")))
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
