"""Secrets planted all over a workspace, and a turn of the real server that meets them all.

None may come to: a request to the model, the log, the sessions' file, what is told to the editor,
a run's environment, an export. All files below the state folder are looked through as bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fixwright.agent.sessions.store import SessionStore
from support.agents import calls
from support.editor import editing
from support.models import ScriptedModel, Turn, scripted_model
from support.needs import needs

pytestmark = [pytest.mark.bubblewrap, pytest.mark.slow]


def github(tail: str) -> str:
    return f"ghp_Zq8rT2mN5bV7cX1aS4dF6gH9jK0{tail:0<9}"


CANARIES = {
    "environment": "canaryKx7pQ4zR8wenvironment",
    "key": "sk-ant-api03-Zq8rT2mN5bV7cX1aS4dF6gH9",
    "dotenv": "canaryKx7pQ4zR8wdotenv",
    "source": github("src"),
    "output": github("out"),
    "error": github("err"),
    "prompt": github("pro"),
    "answer": github("ans"),
    "name": github("nam"),
    "draft": github("dra"),
}
SOURCE = f'TOKEN = "{CANARIES["source"]}"\n\n\ndef add(a, b):\n    return a - b\n'
HALVES = (CANARIES["output"][:12], CANARIES["output"][12:])
TEST = f"""import os
from app import add

def test_add():
    print({HALVES[0]!r} + {HALVES[1]!r})
    print(sorted(os.environ.items()))
    assert add(1, 2) == 3, {HALVES[0]!r} + {HALVES[1]!r}
"""
DRAFTED = f'OTHER = "{CANARIES["draft"]}"\n'
TURNS: list[Turn] = [
    calls(
        ("read", {"path": "app.py"}),
        ("read", {"path": ".env"}),
        ("search", {"pattern": "TOKEN|canary", "kind": "regex"}),
        ("read", {"path": f"{CANARIES['error']}.py"}),
        ("nothing", {"with": CANARIES["name"]}),
    ),
    calls(("test", {}), ("run", {"command": "env; cat .env app.py; false"})),
    calls(
        ("edit", {"path": "app.py", "edits": [{"old": "a - b", "new": "a + b"}]}),
        ("file_op", {"op": "create", "path": "new.py", "text": DRAFTED}),
        ("git", {"op": "draft"}),
    ),
    calls(("test", {})),
    {"text": f"I have seen {CANARIES['answer']} and {CANARIES['dotenv']}.",
     "thinking": f"It is {CANARIES['answer']}."},
]  # fmt: skip


def plant(folder: Path) -> None:
    (folder / "app.py").write_text(SOURCE)
    (folder / "test_app.py").write_text(TEST)
    (folder / ".env").write_text(f"API_TOKEN={CANARIES['dotenv']}\nDEBUG=1\n")


def sought(text: str) -> set[str]:
    """Names of the secrets that a text holds, whole."""
    return {name for name, secret in CANARIES.items() if secret in text}


async def test_no_canary_leaves(tmp_path: Path) -> None:
    needs("bubblewrap")
    folder, state = tmp_path / "project", tmp_path / "state"
    folder.mkdir()
    plant(folder)
    async with scripted_model(TURNS) as model:
        async with started(folder, state, model) as editor:
            editor.open_file(folder / "app.py")
            report = await editor.command(
                "fixwright.agent", {"prompt": f"Mend add. {CANARIES['prompt']}"}
            )
            assert report["status"] == "done", report["reason"]
            await editor.command("fixwright.sessions")
            told = [each for each in editor.shown.events if "sessionId" in each]
            questions = [each.message for each in editor.shown.questions]
        asked = [json.dumps(dict(each.body)) for each in model.server.requests]
    assert len(asked) == len(TURNS)
    for number, request in enumerate(asked):
        assert not sought(request), f"request {number}"
    assert "[secret:" in asked[-1]
    assert {each["type"] for each in told} >= {"text", "toolResult", "diff", "end"}
    leaks = {each["type"]: sought(json.dumps(each)) for each in told if sought(json.dumps(each))}
    assert not leaks
    said = "".join(each["text"] for each in told if each["type"] == "text")
    assert not sought(said)
    assert not sought(json.dumps(questions))
    results = [run["stdout"] for run in report["runs"]]
    assert not {"environment", "key"} & sought(json.dumps(results)), "a run has no secrets"

    files = [path for path in state.rglob("*") if path.is_file()]
    assert any(path.name == "sessions.db" for path in files)
    assert any(path.suffix == ".log" for path in files), files
    for path in files:
        data = path.read_bytes()
        held = {name for name, secret in CANARIES.items() if secret.encode() in data}
        assert not held, path

    store = SessionStore(state / "fixwright" / "sessions" / "sessions.db")
    exported = await store.export(report["sessionId"])
    await store.close()
    assert "app.py" in json.dumps(exported)
    assert not sought(json.dumps(exported))


def started(folder: Path, state: Path, model: ScriptedModel) -> Any:
    environment = {
        **model.environment,
        "ANTHROPIC_API_KEY": CANARIES["key"],
        "CANARY_TOKEN": CANARIES["environment"],
        "XDG_STATE_HOME": str(state),
        "FIXWRIGHT_LOG_LEVEL": "debug",
    }
    settings = {"sandbox": {"backend": "bubblewrap"}, "model": model.settings}
    return editing(folder, ours=True, settings=settings, environment=environment)
