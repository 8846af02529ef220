"""`fixwright sessions` on sessions that the store has made."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fixwright.agent.records import EventType
from fixwright.agent.sessions.store import SessionStore
from fixwright.cli.commands import cli
from fixwright.workspace.paths import path_to_uri

Run = Callable[..., Result]

TURN: tuple[tuple[EventType, dict[str, object]], ...] = (
    ("user", {"text": "repair it\nplease", "context": ""}),
    ("answer", {
        "message": {
            "role": "assistant", "text": "I look.",
            "calls": [{"id": "1", "name": "read", "raw": '{"path": "a.py"}', "arguments": {}}],
        },
        "usage": {"inputTokens": 1200, "outputTokens": 34}, "cost": 0.5,
    }),
    ("permission", {"call": "1", "action": "read a.py", "decision": "allow", "by": "mode"}),
    ("call", {"id": "1", "name": "read", "effect": "read"}),
    ("result", {"id": "1", "text": "\n".join(map(str, range(20))), "error": False}),
    ("applied", {"label": "a repair", "documents": [{"uri": "u", "before": "0", "after": "1"}]}),
    ("ended", {"status": "limit", "reason": "The turn took too long."}),
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    found = tmp_path / "project"
    found.mkdir()
    return found


@pytest.fixture
def run(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(project)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run(*words: str, stdin: str = "") -> Result:
        return CliRunner().invoke(cli, ["sessions", *words], input=stdin)

    return run


@pytest.fixture
def session(tmp_path: Path, project: Path) -> str:
    async def made() -> str:
        store = SessionStore(tmp_path / "state" / "fixwright" / "sessions" / "sessions.db")
        journal = await store.create([path_to_uri(project)], "propose", "the first")
        for kind, data in TURN:
            await journal.append(kind, data)
        await store.close()
        return journal.session

    return asyncio.run(made())


def test_there_are_none(run: Run) -> None:
    done = run()
    assert done.exit_code == 1
    assert "There are no sessions of" in done.stderr
    assert json.loads(run("list", "--json").stdout) == []


def test_listing(run: Run, session: str, tmp_path: Path) -> None:
    done = run()
    assert done.exit_code == 0
    assert session in done.stdout
    for each in ("limit", "propose", "the first", "[1,234 tokens, $0.50]"):
        assert each in done.stdout
    assert run("list", str(tmp_path)).exit_code == 1
    (found,) = json.loads(run("list", "--all", "--json").stdout)
    assert (found["id"], found["events"], found["parent"]) == (session, 8, None)


def test_showing(run: Run, session: str) -> None:
    done = run("show", session[:-2])
    assert done.exit_code == 0, done.stderr
    shown = done.stdout.splitlines()
    assert shown[1:6] == [
        "    2 > repair it",
        "        please",
        "    3 · I look.",
        '      → read {"path": "a.py"}',
        "    4 ? read a.py: allow, by mode",
    ]
    assert "        … (14 more lines)" in shown
    assert "    8 ■ limit: The turn took too long." in shown
    assert "1,200 tokens read, 34 written, $0.5000" in shown
    assert shown[-1] == "1 changes can be undone; the last is “a repair”."
    events = json.loads(run("show", session, "--json").stdout)["events"]
    assert [each["type"] for each in events[1:]] == [kind for kind, _ in TURN]


def test_renaming_and_forking(run: Run, session: str) -> None:
    assert "“better” now" in run("rename", session, "better").stdout
    forked = json.loads(run("fork", session, "--at", "3", "--json").stdout)
    assert forked["parent"] == {"session": session, "seq": 3}
    first, second = json.loads(run("list", "--json").stdout)
    assert (first["id"], first["events"], first["title"]) == (forked["session"], 3, "better")
    assert second["id"] == session
    assert run("fork", session, "--at", "99").exit_code == 4


def test_exporting_deleting_and_importing(run: Run, session: str, project: Path) -> None:
    file = project / "session.json"
    assert run("export", session, "-o", str(file)).exit_code == 0
    assert run("delete", session, stdin="n\n").exit_code == 1
    assert run("delete", session, stdin="y\n").stdout == f"Deleted: {session}.\n"
    assert run("show", session).exit_code == 3
    again = json.loads(run("import", "-", "--json", stdin=file.read_text()).stdout)["session"]
    events = json.loads(run("show", again, "--json").stdout)["events"]
    assert [each["data"] for each in events[1:]] == [data for _, data in TURN]
    refused = run("import", "-", stdin="{}")
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert "This is no exported session" in refused.stderr
    assert "This is no exported session" in run("import", "-", stdin="{").stderr


def test_deleting_what_is_old(run: Run, session: str) -> None:
    assert run("delete", "--older-than", "1", "--yes").stdout == "Deleted: none.\n"
    gone = json.loads(run("delete", "--older-than", "0", "--yes", "--json").stdout)
    assert gone == {"deleted": [session]}
    assert run("delete").exit_code == 2


def test_replaying(run: Run, session: str, project: Path) -> None:
    """A session that no loop of ours had is told apart; how those fare is tested with the loop."""
    done = CliRunner().invoke(cli, ["replay", session])
    assert done.exit_code == 1
    assert "1 turns with 0 requests: " in done.output
    file = project / "session.json"
    run("export", session, "-o", str(file))
    told = json.loads(CliRunner().invoke(cli, ["replay", str(file), "--json"]).output)
    assert (told["same"], told["turns"]) == (False, 1)
    file.write_text("[]")
    assert CliRunner().invoke(cli, ["replay", str(file)]).exit_code == 3


def test_one_wrong_name_deletes_nothing(run: Run, session: str) -> None:
    assert run("delete", session, "wrong", "--yes").exit_code == 3
    assert run("delete", session, session[:-1], "--yes").output == f"Deleted: {session}.\n"
