"""The agent's figures: what a step costs, beside mini-swe-agent on the same scripted model.

    python benchmarks/agent.py [--quick] [--peers FOLDER] [--json FILE]

No model is reached: a server on the loopback, in a process of its own, plays a script to both in
the same run. With `--peers`, mini-swe-agent is installed into that folder first. Machines differ
and are noisy: read the ratios. In brackets stands what `baseline_agent.json` has; write a new one
with `--json benchmarks/baseline_agent.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import agent_peer as peer
from fixwright.agent.budget import Limits
from fixwright.agent.guard import Guard
from fixwright.agent.observer import SightKind
from fixwright.agent.policy.hooks import Hooks
from fixwright.agent.policy.permissions import Permissions
from fixwright.agent.policy.policy import Policy
from fixwright.agent.session import AgentSession, Surroundings, open_session
from fixwright.agent.sessions.store import SessionStore
from fixwright.models.factory import ModelSettings, open_model
from fixwright.models.fallback import Fallback
from fixwright.models.model import Model
from fixwright.models.prices import Price
from fixwright.models.scripted.script import parse_script
from fixwright.models.scripted.server import ScriptedServer
from fixwright.models.tokens import estimate_tokens
from fixwright.runs.runner import Runner
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot
from fixwright_sandbox import Limits as RunLimits
from fixwright_sandbox import Sandbox, SandboxSettings, open_sandbox
from main_job import Row, row, shown

BASELINE = Path(__file__).parent / "baseline_agent.json"
OURS = "fixwright"
Turn = Mapping[str, Any]
MEGABYTE = 1 << 20


def call(tool: str, **arguments: object) -> Turn:
    return {"text": "I go on.", "tools": [{"name": tool, "input": arguments}]}


# ---- the model ----------------------------------------------------------------------------


async def serve(script: str) -> None:
    """Play a script until standard input ends, then tell what was asked."""
    server = ScriptedServer(parse_script(json.loads(script)))
    async with server:
        print(server.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)
    print(json.dumps([dict(each.body) for each in server.requests]))


class Played:
    """A scripted model in a process of its own; `asked` holds the requests at the end."""

    def __init__(self, turns: Sequence[Turn], folder: Path) -> None:
        script = folder / "script.json"
        script.write_text(json.dumps({"protocol": "openai", "turns": list(turns)}))
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve", str(script)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}/v1"

    def asked(self) -> list[dict[str, Any]]:
        said, _ = self._process.communicate()
        return json.loads(said)


# ---- the agent ----------------------------------------------------------------------------


@dataclass
class Bench:
    """A session over a folder, with what it told."""

    session: AgentSession
    store: SessionStore
    seen: list[tuple[float, SightKind]] = field(default_factory=list[tuple[float, SightKind]])
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def steps(self) -> list[float]:
        """Milliseconds from each answered request to the next, as `usage` tells them."""
        times = [at for at, kind in self.seen if kind == "usage"]
        return [(after - before) * 1000 for before, after in pairwise(times)]


@asynccontextmanager
async def bench(
    folder: Path,
    url: str,
    sandbox: Sandbox | None = None,
    limits: Limits | None = None,
    **settings: Any,
) -> AsyncGenerator[Bench, None]:
    """A session whose user allows everything, asking the model at `url`."""
    root = Folder.at(path_to_uri(folder))
    assert root is not None
    snapshot = Snapshot().with_folders([root])
    wanted = ModelSettings(
        provider="openai", name="scripted", base_url=url, context_tokens=2_000_000, **settings
    )
    opened: list[Model] = []

    async def model() -> Model:
        found = await open_model(wanted, {"OPENAI_API_KEY": "none"})
        assert found is not None
        opened.append(found)
        return found

    async def box() -> Sandbox:
        assert sandbox is not None
        return sandbox

    made: list[Bench] = []

    def observe(kind: SightKind, data: Mapping[str, object]) -> None:
        del data
        made[0].seen.append((time.perf_counter(), kind))
        if kind in ("text", "toolCall"):
            made[0].begun.set()

    models = Fallback([model])
    around = Surroundings(
        now=lambda: snapshot,
        runner=Runner(box, RunLimits()),
        models=models,
        small=models,
        guard=Guard(Permissions(Policy("propose")), Hooks(())),
        clean=lambda text: text,
        observe=observe,
    )
    with tempfile.TemporaryDirectory() as state:
        store = SessionStore(Path(state) / "sessions.db")
        journal = await store.create([root.uri], "propose")
        session = await open_session(journal, "propose", around, limits or Limits(calls=10_000))
        made.append(Bench(session, store))
        try:
            yield made[0]
        finally:
            for each in opened:
                await each.close()
            await store.close()


# ---- a step -------------------------------------------------------------------------------


def prefix_share(asked: Sequence[Mapping[str, Any]]) -> float:
    """Percent of each request's messages and tools that were the request before, as bytes."""
    flat = [json.dumps([each.get("tools"), *each["messages"]]).rstrip("]") for each in asked]
    same = [len(one) if other.startswith(one) else 0 for one, other in pairwise(flat)]
    return 100 * sum(same) / sum(len(each) for each in flat[:-1])


def static_tokens(request: Mapping[str, Any]) -> float:
    """Of the first request, by our own estimate: the tools and the front, nothing of the task."""
    return float(estimate_tokens(json.dumps([request.get("tools"), request["messages"]])))


def request_rows(who: str, asked: Sequence[Mapping[str, Any]], against: str = "") -> list[Row]:
    sizes = [float(len(json.dumps(each))) for each in asked]
    growth = (sizes[-1] - sizes[0]) / (len(sizes) - 1)
    figures = (("first request", "tokens", static_tokens(asked[0])),
               ("request growth a step", "bytes", growth),
               ("same prefix", "%", prefix_share(asked)))  # fmt: skip
    return [
        Row("request", f"{who}: {name}", unit, each, each, against) for name, unit, each in figures
    ]


async def steps(folder: Path, sandbox: Sandbox, peers: Path | None, times: int) -> list[Row]:
    """A step that runs `true`, by both; and one of ours that reads a file."""
    rows: list[Row] = []
    asked: dict[str, list[dict[str, Any]]] = {}
    reads = [
        call("read", path="a.py", start_line=1 + n % 40, end_line=41 + n) for n in range(times)
    ]
    runs = [call("run", command=f"true {n}") for n in range(times)]
    for name, turns in (("read", reads), ("run in bubblewrap", runs)):
        played = await asyncio.to_thread(Played, [*turns, {"text": "Done."}], folder.parent)
        async with bench(folder, played.url, sandbox) as it:
            assert (await it.session.turn("Do nothing.")).ended.status == "done"
            rows.append(row("step", f"{OURS}: {name}", it.steps()))
        asked[name] = played.asked()
    found = await asyncio.to_thread(peer.installed, peers) if peers else None
    if found is None:
        return [*rows, *request_rows(OURS, asked["run in bubblewrap"])]
    last = call("bash", command="echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT")
    turns = [*(call("bash", command=f"true {n}") for n in range(times)), last]
    played = await asyncio.to_thread(Played, turns, folder.parent)
    taken = await asyncio.to_thread(peer.steps, found, played.url, folder.parent)
    base = row("step", f"{peer.NAME}: bash on the host", taken[1:])
    rows = [_beside(each, base, base.name) for each in rows]
    mine, theirs = (
        request_rows(OURS, asked["run in bubblewrap"]),
        request_rows(peer.NAME, played.asked()),
    )
    ratios = [_beside(a, b, peer.NAME) for a, b in zip(mine, theirs, strict=True)]
    return [*rows, base, *ratios, *theirs]


def _beside(each: Row, base: Row, against: str) -> Row:
    return replace(each, against=against, ratio=each.p50 / base.p50)


# ---- cancel, budget, memory ---------------------------------------------------------------


async def cancels(folder: Path, sandbox: Sandbox, times: int) -> list[Row]:
    """From the cancel to the end: the connection is closed, the processes are gone."""
    rows: list[Row] = []
    stream: Turn = {"text": "word " * 2000, "pace": 0.005}
    for name, turn in (("model's answer", stream), ("run", call("run", command="sleep 600"))):
        taken: list[float] = []
        for _ in range(times):
            server = ScriptedServer(parse_script({"protocol": "openai", "turns": [turn]}))
            async with server, bench(folder, f"{server.url}/v1", sandbox) as it:
                work = asyncio.ensure_future(it.session.turn("Work."))
                await asyncio.wait_for(it.begun.wait(), 30)
                await asyncio.sleep(0.05 + random.random() * 0.1)
                begun = time.perf_counter()
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                if name == "model's answer":
                    await asyncio.wait_for(server.wait_until(lambda it: it.disconnects > 0), 10)
                taken.append((time.perf_counter() - begun) * 1000)
        rows.append(row("cancel to quiet", f"{OURS}: {name}", taken))
    return rows


async def budgets(folder: Path, times: int) -> list[Row]:
    """How far the spending passes its limit, in reservations of one call: at most 1 is promised."""
    over: list[float] = []
    price = Price(3.0, 15.0, 0.3, 3.75)
    chance = random.Random(1)
    for _ in range(times):
        usage = [{"input": chance.randrange(200, 2500), "output": chance.randrange(1, 2000)}
                 for _ in range(40)]  # fmt: skip
        turns = [{**call("read", path="a.py", end_line=n + 1), "usage": each}
                 for n, each in enumerate(usage)]  # fmt: skip
        server = ScriptedServer(parse_script({"protocol": "openai", "turns": turns}))
        limits = Limits(calls=1000, usd=chance.uniform(0.05, 0.3))
        settings = {"prices": {"scripted": price}, "max_tokens": 2000}
        async with server, bench(folder, f"{server.url}/v1", None, limits, **settings) as it:
            done = await it.session.turn("Work.")
            assert done.ended.status == "limit", done.ended
            assert limits.usd is not None
            assert not done.budget.unpriced
            over.append(max(0.0, done.budget.usd - limits.usd) / (2500 * 3e-6 + 2000 * 15e-6))
    return [row("budget", f"{OURS}: overshoot", over, "calls")]


async def memory(folder: Path, turns: int) -> list[Row]:
    """Of one session with many turns: the process' memory, and what a turn takes at the end."""
    script: list[Turn] = []
    for n in range(turns):
        script += [call("read", path="a.py", start_line=1 + n % 40, end_line=45), {"text": "Read."}]
    server = ScriptedServer(parse_script({"protocol": "openai", "turns": script}))
    taken: list[float] = []
    grown: list[float] = []
    async with server, bench(folder, f"{server.url}/v1") as it:
        for n in range(turns):
            begun = time.perf_counter()
            assert (await it.session.turn(f"Look again, {n}.")).ended.status == "done"
            taken.append((time.perf_counter() - begun) * 1000)
            server.requests.clear()
            if n + 1 in (turns // 10, turns):
                grown.append(resident())
    tenth = turns // 10
    first, last = row("long session", f"{OURS}: turns 1 to {tenth}", taken[:tenth]), row(
        "long session", f"{OURS}: turns {turns - tenth + 1} to {turns}", taken[-tenth:]
    )  # fmt: skip
    ratio = Row(
        last.group, last.name, last.unit, last.p50, last.p99, first.name, last.p50 / first.p50
    )
    each = (grown[1] - grown[0]) * 1024 / (turns - tenth)
    return [
        first,
        ratio,
        Row("long session", f"{OURS}: memory after {turns} turns", "MB", grown[1], grown[1]),
        Row("long session", f"{OURS}: memory a turn", "KB", each, each),
    ]


def resident() -> float:
    """Megabytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / MEGABYTE


async def measured(peers: Path | None, *, quick: bool) -> AsyncIterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        folder.mkdir()
        (folder / "a.py").write_text("".join(f"value_{n} = {n}\n" for n in range(200)))
        sandbox = await open_sandbox(SandboxSettings("bubblewrap"))
        try:
            groups = (
                partial(steps, folder, sandbox, peers, 20 if quick else 60),
                partial(cancels, folder, sandbox, 8 if quick else 30),
                partial(budgets, folder, 5 if quick else 25),
                partial(memory, folder, 50 if quick else 500),
            )
            for group in groups:
                for each in await group():
                    yield each
        finally:
            await sandbox.close()


def baseline() -> dict[tuple[str, str], Row]:
    """The rows of an earlier run that was worth keeping."""
    if not BASELINE.is_file():
        return {}
    rows = (Row(**each) for each in json.loads(BASELINE.read_text()))
    return {(each.group, each.name): each for each in rows}


async def run(options: argparse.Namespace) -> None:
    before = baseline()
    rows: list[Row] = []
    print(f"{'':<22} {'':<42} {'p50':>9} {'p99':>9}")
    async for each in measured(options.peers, quick=options.quick):
        rows.append(each)
        print(shown(each, before.get((each.group, each.name))), flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in rows], indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--peers", type=Path, help="install mini-swe-agent here, and measure it")
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    asyncio.run(serve(options.serve.read_text()) if options.serve else run(options))


if __name__ == "__main__":
    main()
