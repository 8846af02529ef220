"""A storm: everything at once, seeded. What the user typed is theirs, and the server stays well.

`FIXWRIGHT_SOAK=1` adds several seeds of a minute each; `FIXWRIGHT_SOAK=<seed>,<seed>` chooses them.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from storm_user import User, Watch, guard_edits, span

from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.text import Encoding, Text
from support.editor import Editor, Policy, editing
from support.leftovers import Trail, until_none
from support.models import edit, scripted_model
from support.needs import needs

pytestmark = [pytest.mark.bubblewrap, pytest.mark.slow]
BROKEN = (
    "import helper\n\n\ndef mean(values):\n    # 😀\n    return sum(values) / len(value)\n\n\n"
    "print('a', mean([1, 2, 3]))\n"
)
WRONG = "from helper import f\n\nassert f(1) == 4\nprint('done')\n"
TESTS = (
    "from helper import f\n\n\ndef test_f():\n    assert f(1) == 2\n\n\ndef test_g():\n    nope\n"
)
FILES = {
    "lf.py": BROKEN,
    "crlf.py": BROKEN.replace("\n", "\r\n"),
    "cr.py": BROKEN.replace("\n", "\r"),
    "astral.py": "é = '😀é'; y = '😀' + valu\nprint(é)\n",
    "wrong.py": WRONG,
    "helper.py": "def f(x):\n    # 😀\n    return x + 1\n",
    "test_it.py": TESTS,
    "slow.py": "import time\nprint('begun', flush=True)\ntime.sleep(2)\n",
    "a b+ü.py": "print(valu)\nvalue = 1\n",
    "script.sh": "set -e\necho one\nmkdri x\n",
}
UNTITLED = "untitled:Untitled-1"
READER = (
    "import json\nfrom pathlib import Path\n"
    "print(json.dumps({name: Path(name).read_bytes().decode() for name in NAMES}))\n"
)
TURN = {"pace": 0.05, "chunk": 6, "text": "Let me think about this for a while. " * 3}
CALM = 60.0
"""Seconds in which everything that was asked has to be answered once the storm is over."""
ALLOWED = {-32800, -32602}
"""Errors of a request: it was cancelled; its document is gone or what it names is."""
SEEDS = [int(each) for each in os.environ.get("FIXWRIGHT_SOAK", "").split(",") if each]
SOAK = SEEDS if SEEDS != [1] else [11, 12, 13, 14, 15, 16]


@dataclass
class Storm:
    """What goes on, and what came of it."""

    editor: Editor
    user: User
    dice: random.Random
    folder: Path
    asked: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    ids: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    two: bool = False

    @property
    def saved(self) -> dict[str, str]:
        """What is on disk."""
        return {path_to_uri(self.folder / name): text for name, text in FILES.items()}

    # ---- what the server is asked --------------------------------------------------------

    def ask(self, what: str, request: Coroutine[Any, Any, Any]) -> None:
        async def answered() -> None:
            try:
                answer = await request
            except JsonRpcException as error:
                self.counts[f"{what} {error.code}"] += 1
                if error.code not in ALLOWED:
                    self.faults.append(f"{what}: {error!r}")
            else:
                status = answer.get("status", "") if isinstance(answer, dict) else ""
                self.counts[f"{what} {status}".strip()] += 1
                if status == "error":
                    self.faults.append(f"{what}: {answer['reason']}")

        task = asyncio.create_task(answered(), name=what)
        self.asked.add(task)
        task.add_done_callback(self.asked.discard)

    def command(self, name: str, **argument: Any) -> None:
        number = f"q{len(self.ids)}"
        self.ids.append(number)
        params = lsp.ExecuteCommandParams(command=f"fixwright.{name}", arguments=[argument])
        self.ask(name, self.request(lsp.WORKSPACE_EXECUTE_COMMAND, params, msg_id=number))

    async def request(self, method: str, params: object, **more: Any) -> Any:
        """Ask, and never give up: `calm` finds what was not answered."""
        return await self.editor.client.protocol.send_request_async(method, params, **more)

    def place(self, uri: str) -> lsp.Range:
        text = Text(self.editor.text(uri))
        one, other = sorted(self.dice.choices(range(len(text.value) + 1), k=2))
        return span(text, one, other, self.editor.encoding)

    def run_something(self) -> None:
        if uri := self.user.some_uri():
            kind = self.dice.choice(["runFile", "runFile", "runSelection", "runTests"])
            more = {"range": self.place(uri)} if kind == "runSelection" else {}
            self.command(kind, uri=uri, **more)

    def fix_something(self) -> None:
        shown = [
            (uri, item)
            for uri, there in sorted(self.editor.shown.diagnostics.items())
            for item in there.items
            if uri in self.editor.buffers
        ]
        if shown:
            uri, item = self.dice.choice(shown)
            self.command("fix", uri=uri, range=item.range, diagnostic=item)
        elif uri := self.user.some_uri():
            self.command("fix", uri=uri, range=self.place(uri))

    def look_around(self) -> None:
        if uri := self.user.some_uri():
            self.ask("actions", self.editor.actions(uri, self.place(uri)))
            document = lsp.TextDocumentIdentifier(uri=uri)
            for method, kind in (
                ("textDocument/documentSymbol", lsp.DocumentSymbolParams),
                ("textDocument/codeLens", lsp.CodeLensParams),
            ):
                self.ask(method, self.request(method, kind(text_document=document)))

    def cancel(self) -> None:
        way = self.dice.choice(["request", "progress", "command"])
        if way == "request" and self.ids:
            number = self.dice.choice(self.ids[-6:])
            self.editor.client.cancel_request(lsp.CancelParams(id=number))
        elif way == "progress" and self.editor.shown.progress:
            token = self.dice.choice(self.editor.shown.progress[-6:])[0]
            params = lsp.WorkDoneProgressCancelParams(token=token)
            self.editor.client.window_work_done_progress_cancel(params)
        elif way == "command":
            started = [each["runId"] for each in self.editor.shown.events if "runId" in each]
            self.command("cancel", runId=self.dice.choice(started[-3:]) if started else None)

    def settle_differently(self) -> None:
        """Other settings: some replace the sandbox under everything that is going on."""
        settings = self.editor.client._configuration[""]["fixwright"]
        settings["fix"] = {"ahead": self.dice.random() < 0.5}
        settings["sandbox"]["timeout"] = self.dice.choice([5, 10])
        self.editor.client.workspace_did_change_configuration(
            lsp.DidChangeConfigurationParams(settings=None)
        )

    def change_folders(self) -> None:
        two = [lsp.WorkspaceFolder(uri=path_to_uri(self.folder.parent / "two"), name="two")]
        event = lsp.WorkspaceFoldersChangeEvent(
            added=[] if self.two else two, removed=two if self.two else []
        )
        self.two = not self.two
        self.editor.client.workspace_did_change_workspace_folders(
            lsp.DidChangeWorkspaceFoldersParams(event=event)
        )

    # ---- the user --------------------------------------------------------------------------

    def type_something(self) -> None:
        uri = self.user.some_uri()
        if uri is None:
            return
        acts = [self.user.key, self.user.paste]
        if uri != UNTITLED and self.dice.random() < 0.1:
            # That breaks the program, so it is rare, and the untitled one has to run in the end.
            acts = [self.user.scribble, self.user.delete]
        self.dice.choice(acts)(uri)

    def close_or_reopen(self) -> None:
        if self.dice.random() < 0.5 and len(self.editor.buffers) > 3:
            uri = self.user.some_uri()
            assert uri is not None
            self.user.close(uri)
            if uri != UNTITLED and self.dice.random() < 0.5:  # without saving
                language, _ = self.user.closed[uri]
                self.user.closed[uri] = language, self.saved[uri]
        else:
            self.user.reopen()

    def be_difficult(self) -> None:
        policies: Sequence[Policy] = [
            "honest",
            "honest",
            "honest",
            "skips",
            "refuses",
            "first-only",
        ]
        self.editor.policy = self.dice.choice(policies)
        self.editor.answer = self.dice.choice([None, "Apply it anyway"])

    def step(self) -> None:
        acts: list[tuple[Callable[[], None], int]] = [
            (self.type_something, 40),
            (self.user.undo, 12),
            (self.close_or_reopen, 9),
            (self.look_around, 10),
            (self.run_something, 9),
            (self.fix_something, 14),
            (self.cancel, 3),
            (self.be_difficult, 3),
            (self.settle_differently, 1),
            (self.change_folders, 1),
        ]
        [act] = self.dice.choices([act for act, _ in acts], [weight for _, weight in acts])
        act()

    async def blow(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        self.editor.before_edit = lambda: (
            self.type_something() if self.dice.random() < 0.3 else None
        )
        while loop.time() < end:
            for _ in range(self.dice.randrange(1, 6)):
                self.step()
            # The pace of the storm, nothing waits on it.
            await asyncio.sleep(self.dice.choice([0, 0.002, 0.02, 0.1]))
            while len(self.asked) > 12:
                await asyncio.wait(self.asked, return_when=asyncio.FIRST_COMPLETED)

    async def calm(self) -> None:
        """Wait for every answer."""
        self.editor.before_edit = lambda: None
        if self.asked:
            _, waiting = await asyncio.wait(set(self.asked), timeout=CALM)
            assert not waiting, f"no answer: {[task.get_name() for task in waiting]}"

    # ---- what must hold --------------------------------------------------------------------

    async def check(self) -> None:
        watch = self.editor.shown.diagnostics
        assert isinstance(watch, Watch)
        await self._the_server_sees_what_the_editor_shows()
        for uri in watch:
            if uri in self.editor.buffers:
                self.faults += watch.outside(uri)
        self.faults += watch.faults
        self.faults += self._progress()
        status = await self.editor.command("fixwright.status")
        assert status["jobs"] == [], status
        assert status["documents"] == len(self.editor.buffers)
        assert not self.faults, "\n".join(self.faults)
        assert any(what.startswith("run") for what in self.counts), "it was too calm"

    async def _the_server_sees_what_the_editor_shows(self) -> None:
        texts = {
            name: self.editor.text(uri)
            for name in FILES
            if (uri := path_to_uri(self.folder / name)) in self.editor.buffers
        }
        reader = path_to_uri(self.folder / "reader.py")
        self.user.open(reader, f"NAMES = {list(texts)!r}\n{READER}", "python")
        report = await self.editor.run(reader)
        assert report["status"] == "passed", report
        assert json.loads(report["stdout"]) == texts
        if UNTITLED in self.editor.buffers:
            text = (
                "import sys; sys.stdout.buffer.write(open(__file__, 'rb').read()); sys.exit()\n"
                + self.editor.text(UNTITLED)
            )
            self.editor.insert(UNTITLED, 0, 0, text[: text.index("\n") + 1])
            report = await self.editor.run(UNTITLED)
            assert report["stdout"] == text

    def _progress(self) -> list[str]:
        kinds: dict[Any, list[str]] = defaultdict(list)
        for token, value in self.editor.shown.progress:
            kinds[token].append(value["kind"])
        return [
            f"progress {token}: {steps}"
            for token, steps in kinds.items()
            if steps[0] != "begin" or steps[-1] != "end" or set(steps[1:-1]) - {"report"}
        ]


def lay_out(folder: Path) -> dict[Path, bytes]:
    (folder.parent / "two").mkdir()
    (folder.parent / "two" / "here.py").write_text("WHERE = 2\n")
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_bytes(text.encode())
    return on_disk(folder.parent)


def on_disk(root: Path) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for name in ("w", "two")
        for path in sorted((root / name).rglob("*"))
        if path.is_file()
    }


def turns() -> list[dict[str, Any]]:
    good = edit("helper.py", "x + 1", "x + 3")
    bad = edit("helper.py", "x + 1", "x + 2")
    fault = {"fault": {"drop_after": 2}, "text": "Well, let me see what is wrong here."}
    return [{**TURN, **turn} for turn in (bad, good, fault, good, bad, good)] * 400


async def storm(root: Path, seed: int, seconds: float) -> None:
    """One storm, with an editor and an encoding that the seed chooses."""
    needs("bubblewrap")
    dice = random.Random(seed)
    folder = root / "w"
    before = lay_out(folder)
    trail = Trail(root / "tmp")
    stderr = root / "stderr"
    serve = f"exec '{sys.executable}' -W default::RuntimeWarning -m fixwright serve 2>'{stderr}'"
    async with scripted_model(turns()) as model:
        environment = {
            **trail.environment, **model.environment, "XDG_STATE_HOME": str(root / "state"),
        }  # fmt: skip
        async with editing(
            folder,
            ours=seed % 2 == 0,
            encoding=list(Encoding)[seed % 3],
            settings={"sandbox": {"backend": "bubblewrap"}, "model": model.settings},
            environment=environment,
            command=("sh", "-c", serve),
        ) as editor:
            server = editor.server
            it = Storm(editor, User(editor, dice), dice, folder)
            editor.shown.diagnostics = Watch(editor)
            guard_edits(editor, it.faults)
            for name, text in FILES.items():
                language = "shellscript" if name.endswith(".sh") else "python"
                it.user.open(path_to_uri(folder / name), text, language)
            it.user.open(UNTITLED, "x = 1\nprint('untitled', x)\n", "python")
            await it.blow(seconds)
            await it.calm()
            await it.check()
    assert server.returncode == 0
    assert on_disk(root) == before, "only the editor writes files"
    await until_none(trail.processes)
    await until_none(trail.files)
    said = complaints(stderr, root / "state")
    assert not said, "\n".join(said)


def complaints(stderr: Path, state: Path) -> list[str]:
    """What the server said that it should not have had to say."""
    lines = stderr.read_text().splitlines()
    found = [line for line in lines if line and not line.startswith("fixwright: WARNING: ")]
    for path in state.rglob("*.log"):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if "traceback" in record or record["level"] in {"error", "critical"}:
                found.append(line)
    return found


async def test_a_storm(tmp_path: Path) -> None:
    await storm(tmp_path, seed=4, seconds=8)


@pytest.mark.skipif(not SOAK, reason="FIXWRIGHT_SOAK is not set")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", SOAK)
async def test_a_long_storm(tmp_path: Path, seed: int) -> None:
    await storm(tmp_path, seed, seconds=60)
