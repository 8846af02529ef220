"""A repository's hooks, in a real sandbox."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fixwright.agent.policy.hooks import Hooks, HookVerdict, repository_hooks
from fixwright.agent.policy.programs import in_sandbox
from fixwright.agent.tools.spec import Action
from fixwright.runs.runner import Runner
from fixwright.workspace.draft import Draft
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot
from fixwright_sandbox import Limits, Sandbox, SandboxUnavailable
from support.sandboxes import open_or_skip

HOOKS = """
[[hooks]]
command = ["python3", "check.py", "a b"]
"""
ACTION = Action("edit", "draft", ("a.py",), None, "edit a.py")


@pytest.fixture(params=[pytest.param("bubblewrap", marks=pytest.mark.bubblewrap)])
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    opened = await open_or_skip(request.param)
    yield opened
    await opened.close()


async def said_by(sandbox: Sandbox, tmp_path: Path, check: str) -> HookVerdict:
    (tmp_path / "check.py").write_text(check)
    draft = Draft.over(Snapshot().with_folders([Folder(path_to_uri(tmp_path), "w", tmp_path)]))

    async def opened() -> Sandbox:
        return sandbox

    runner = Runner(opened, Limits(wall_seconds=20))
    hooks = Hooks(repository_hooks(HOOKS), in_sandbox(runner, lambda: draft))
    return await hooks.before(ACTION, "c1")


async def test_it_is_told_the_action_and_answers(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_CANARY", "a key of the user's")
    check = (
        "import json, os, sys\n"
        "told = json.load(sys.stdin)\n"
        "keys = [name for name in os.environ if 'HOOK_CANARY' in name]\n"
        "print(json.dumps({'remark': f\"{told['action']['sentence']} {sys.argv[1:]} {keys}\"}))\n"
    )
    said = await said_by(sandbox, tmp_path, check)
    assert said.blocked is None
    assert said.remarks == ("the repository's hook “python3 check.py 'a b'”: edit a.py ['a b'] []",)


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("raise SystemExit('not on Fridays')", "status 1: not on Fridays"),
        ("import socket; socket.create_connection(('192.0.2.1', 80), 5)", "status 1"),
        ("print('x' * 100_000)", "more than 64 KiB"),
        ("while True: pass", "ended with timeout"),
    ],
)
async def test_it_blocks_when_it_fails(
    sandbox: Sandbox, tmp_path: Path, check: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "while" in check:
        monkeypatch.setattr(sys.modules[__name__], "HOOKS", HOOKS + "timeout = 1\n")
    found = await said_by(sandbox, tmp_path, check)
    assert found.blocked is not None
    assert said in found.blocked


async def test_without_a_sandbox_it_blocks(tmp_path: Path) -> None:
    draft = Draft.over(Snapshot().with_folders([Folder(path_to_uri(tmp_path), "w", tmp_path)]))

    async def missing() -> Sandbox:
        raise SandboxUnavailable("There is no sandbox here. Install it.")

    hooks = Hooks(repository_hooks(HOOKS), in_sandbox(Runner(missing, Limits()), lambda: draft))
    found = (await hooks.before(ACTION, "c1")).blocked
    assert found is not None
    assert found.endswith("could not be run in the sandbox: There is no sandbox here. Install it.")
