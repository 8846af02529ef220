"""Questions, grants, trust and hooks: one question at a time, and everything broken is a no."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import stat
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from fixwright.agent.naming import Names
from fixwright.agent.policy.fence import Fence
from fixwright.agent.policy.grants import AlwaysGrants, Grant, grant_of, session_grants
from fixwright.agent.policy.hooks import Hook, Hooks, repository_hooks, users_hooks
from fixwright.agent.policy.kept import DecisionsLost
from fixwright.agent.policy.permissions import Answer, Permissions, Question
from fixwright.agent.policy.places import places_of
from fixwright.agent.policy.policy import Policy
from fixwright.agent.policy.programs import Ended, ProgramFailed, run_program
from fixwright.agent.policy.rules import Rule
from fixwright.agent.policy.trust import Trust, with_programs
from fixwright.agent.records import Event
from fixwright.agent.tools.spec import Action, Outcome
from fixwright.config import Layer, configure
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot

DEPLOY = Action("deploy", "outside", sentence="deploy it")
EDIT = Action("edit", "draft", ("a.py",), sentence="edit a.py")


class User:
    """Answers in a fixed order, and remembers what was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[Question] = []

    async def __call__(self, question: Question) -> Answer:
        self.asked.append(question)
        return cast("Answer", self.answers.pop(0))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.fixture
def always(folder: Path, data: Path) -> AlwaysGrants:
    return AlwaysGrants([folder], data)


# ---- questions ------------------------------------------------------------------------------


async def test_what_is_allowed_or_denied_is_not_asked() -> None:
    permissions = Permissions(Policy(rules=(Rule("deny", tool="git"),)), User())
    allowed = await permissions.permit(EDIT, "c1")
    assert (allowed.allowed, allowed.decision) == (True, "allow")
    denied = await permissions.permit(Action("git", "read"), "c2")
    assert (denied.allowed, denied.decision, denied.by) == (False, "deny", "your rule “deny git”")
    assert "your rule “deny git”" in denied.sentence


@pytest.mark.parametrize(
    ("answer", "asked"), [("once", 2), ("session", 1), ("always", 1), ("no", 2), ("yes!", 2)]
)
async def test_an_answer_lasts_as_long_as_it_says(
    always: AlwaysGrants, answer: str, asked: int
) -> None:
    user = User(answer, answer)
    permissions = Permissions(Policy(), user, always)
    verdicts = [await permissions.permit(DEPLOY, call) for call in ("c1", "c2")]
    assert [each.allowed for each in verdicts] == [answer in ("once", "session", "always")] * 2
    assert len(user.asked) == asked
    fresh = User("no")
    again = await Permissions(Policy(), fresh, always).permit(DEPLOY, "c3")
    assert again.allowed == (answer == "always")
    assert len(fresh.asked) == (answer != "always")


async def test_a_grant_covers_the_same_tool_files_and_command_only(always: AlwaysGrants) -> None:
    policy = Policy("apply")
    first = Action("edit", "draft", ("./src/a.py",))
    permissions = Permissions(policy, User("session", *["no"] * 9), always)
    assert (await permissions.permit(first, "c")).allowed
    same = Action("edit", "draft", ("src/a.py",), sentence="other words")
    assert (await permissions.permit(same, "c")).allowed
    for other in (
        Action("edit", "draft", ("src/b.py",)),
        Action("edit", "draft", ("src/a.py", "src/b.py")),
        Action("edit", "draft"),
        Action("file_op", "draft", ("src/a.py",)),
        Action("edit", "draft", ("src/a.py",), "rm x"),
    ):
        assert not (await permissions.permit(other, "c")).allowed


async def test_no_grant_lifts_a_rule_that_denies_or_a_protection(always: AlwaysGrants) -> None:
    always.add(Grant.of(DEPLOY))
    always.add(Grant("edit", (".git/config",)))
    rules = (Rule("deny", tool="deploy"),)
    denied = await Permissions(Policy(rules=rules), User(), always).permit(DEPLOY, "c")
    assert not denied.allowed
    user = User("session", "once")
    permissions = Permissions(
        Policy("apply", "auto"), user, always, [Grant("edit", (".git/config",))]
    )
    protected = Action("edit", "draft", (".git/config",), sentence="edit .git/config")
    assert not (await permissions.permit(protected, "c")).allowed, "there is no such answer here"
    assert (await permissions.permit(protected, "c")).decision == "once"
    assert [each for each, _ in user.asked[0].answers] == ["once", "no"]


async def test_headless_nobody_is_asked() -> None:
    user = User("always")
    verdict = await Permissions(Policy("headless"), user).permit(DEPLOY, "c")
    assert (verdict.allowed, verdict.decision, user.asked) == (False, "deny", [])
    assert "nobody is there" in verdict.sentence


async def test_a_question_says_what_why_and_what_an_answer_covers(always: AlwaysGrants) -> None:
    user = User("no", "no")
    permissions = Permissions(Policy(), user, always)
    await permissions.permit(Action("mcp", "outside", ("a.py",), None, "send\x1b[2J it\u202e"), "c")
    assert user.asked[0].text == (
        "The agent wants to send<U+001B>[2J it<U+202E>.\nFiles: a.py\n"
        "Asked because of the mode propose with agent.approval = ask.\n"
        "“This session” and “Always” mean: mcp with these files."
    )
    without = Permissions(Policy(), user)
    await without.permit(Action("mcp", "outside", (), "make\nEverything is allowed."), "c")
    assert "Command: make ⏎ Everything is allowed." in user.asked[1].text
    assert [each for each, _ in user.asked[1].answers] == ["once", "no"]


async def test_questions_come_one_after_the_other_and_an_answer_may_settle_the_next() -> None:
    asked: list[str] = []
    shown, release = asyncio.Event(), asyncio.Event()

    async def ask(question: Question) -> Answer:
        asked.append(question.call)
        shown.set()
        await release.wait()
        return "session"

    permissions = Permissions(Policy(), ask)
    other = Action("publish", "outside")
    calls = [(DEPLOY, "c1"), (DEPLOY, "c2"), (other, "c3")]
    tasks = [asyncio.create_task(permissions.permit(*each)) for each in calls]
    async with asyncio.timeout(10):
        await shown.wait()
        assert len(asked) == 1
        release.set()
        verdicts = await asyncio.gather(*tasks)
    assert all(each.allowed for each in verdicts)
    assert len(asked) == 2, "one for each tool"


async def test_a_cancelled_turn_withdraws_its_question_and_lets_the_next_ask() -> None:
    shown, withdrawn = asyncio.Event(), asyncio.Event()

    async def ask(question: Question) -> Answer:
        if question.call == "c2":
            return "once"
        shown.set()
        try:
            await asyncio.Event().wait()
        finally:
            withdrawn.set()
        return "always"

    permissions = Permissions(Policy(), ask)
    task = asyncio.create_task(permissions.permit(DEPLOY, "c1"))
    async with asyncio.timeout(10):
        await shown.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert withdrawn.is_set()
        assert permissions.granted == ()
        assert (await permissions.permit(DEPLOY, "c2")).allowed


async def test_a_question_that_cannot_be_asked_is_a_no() -> None:
    async def ask(question: Question) -> Answer:
        raise RuntimeError("the editor went away")

    assert not (await Permissions(Policy(), ask).permit(DEPLOY, "c")).allowed


async def test_a_session_gets_back_what_was_allowed_in_it() -> None:
    permissions = Permissions(Policy(), User("session", "once"))
    other = Action("publish", "outside")
    events = [
        Event(number, 0.0, "permission", (await permissions.permit(action, "c")).event(action, "c"))
        for number, action in enumerate((DEPLOY, other), 1)
    ]
    events = [Event(e.seq, e.time, e.type, json.loads(json.dumps(e.data))) for e in events]
    assert session_grants(events) == (Grant("deploy"),) == permissions.granted
    assert (
        events[0].data["by"]
        == "your answer; asked because of the mode propose with agent.approval = ask"
    )
    resumed = Permissions(Policy(), User(), session=session_grants(events))
    assert (await resumed.permit(DEPLOY, "c")).by == "your answer, for this session"


@pytest.mark.parametrize(
    "told", [None, 5, {}, {"tool": 5}, {"tool": "x", "paths": [5]}, {"tool": "x", "command": 1}]
)
def test_a_grant_is_read_strictly(told: object) -> None:
    assert grant_of(told) is None


# ---- kept decisions -------------------------------------------------------------------------


def test_always_is_kept_for_the_workspace_and_can_be_withdrawn(folder: Path, data: Path) -> None:
    grant = Grant("deploy", ("a",), "x")
    AlwaysGrants([folder], data).add(grant)
    AlwaysGrants([folder], data).add(grant)
    assert AlwaysGrants([folder], data).all() == (grant,)
    assert AlwaysGrants([folder, folder.parent / "other"], data).all() == ()
    assert stat.S_IMODE((data / "permissions.json").stat().st_mode) == 0o600
    AlwaysGrants([folder], data).withdraw(grant)
    assert AlwaysGrants([folder], data).all() == ()


def test_nothing_is_kept_within_the_workspace_or_read_from_there(folder: Path) -> None:
    inside = AlwaysGrants([folder], folder / ".data")
    with pytest.raises(DecisionsLost, match="lies in the workspace"):
        inside.add(Grant("x"))
    outside = AlwaysGrants([folder / "sub"], folder / ".data")
    outside.add(Grant("x"))
    planted = json.loads((folder / ".data/permissions.json").read_text())
    planted[os.path.realpath(folder)] = next(iter(planted.values()))
    (folder / ".data/permissions.json").write_text(json.dumps(planted))
    assert inside.all() == ()


async def test_half_a_character_is_no_way_around(folder: Path, data: Path) -> None:
    """JSON can carry half of a surrogate pair; no file has such a name, and nothing breaks."""
    action = Action("mcp", "outside", ("a\ud800", ".env\ud800"), "x\udfff", "send \ud800")
    root = Folder(path_to_uri(folder), "project", folder)
    place = places_of(Names(Snapshot().with_folders([root])))
    user = User("once", "session")
    always = AlwaysGrants([folder], data)
    permissions = Permissions(Policy(), user, always, place=place)
    assert (await permissions.permit(action, "c\ud800")).allowed
    assert "<U+D800>" in user.asked[0].text
    always.add(Grant.of(action))
    assert always.all() == (Grant.of(action),)
    assert Fence("s\ud800").around("c\ud800", "x", "y\udfff").count("<U+DFFF>") == 1


def test_without_a_folder_nothing_is_kept(data: Path) -> None:
    with pytest.raises(DecisionsLost, match="No folder"):
        AlwaysGrants([], data).add(Grant("x"))


async def test_what_cannot_be_kept_holds_for_the_session(folder: Path) -> None:
    always = AlwaysGrants([folder], Path("/dev/null"))
    permissions = Permissions(Policy(), User("always"), always)
    verdict = await permissions.permit(DEPLOY, "c1")
    assert (verdict.allowed, verdict.decision) == (True, "session")
    assert "can't be written" in verdict.by
    assert (await permissions.permit(DEPLOY, "c2")).allowed


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"x": 5}', b"\xff"])
def test_a_broken_file_grants_nothing(folder: Path, data: Path, content: bytes) -> None:
    data.mkdir()
    (data / "permissions.json").write_bytes(content)
    (data / "trust.json").write_bytes(content)
    assert AlwaysGrants([folder], data).all() == ()
    assert not Trust([folder], data).check("hooks", "x")
    Trust([folder], data).grant("hooks", "x")
    assert Trust([folder], data).check("hooks", "x")


def _add_some(folder: Path, data: Path, who: int) -> None:
    for number in range(10):
        AlwaysGrants([folder], data).add(Grant(f"tool-{who}-{number}"))


def test_servers_side_by_side_lose_no_grant(folder: Path, data: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_add_some, args=(folder, data, who)) for who in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert len(AlwaysGrants([folder], data).all()) == 30


# ---- trust ----------------------------------------------------------------------------------


def test_trust_is_of_these_bytes_this_kind_and_this_workspace(folder: Path, data: Path) -> None:
    trust = Trust([folder], data)
    content = "[[hooks]]\ncommand = ['x']\n"
    assert not trust.check("hooks", content)
    trust.grant("hooks", content, "hooks.toml")
    assert Trust([folder], data).check("hooks", content.encode())
    assert not trust.check("mcp", content)
    assert not Trust([folder.parent], data).check("hooks", content)
    for at in range(len(content)):
        changed = content[:at] + chr(ord(content[at]) ^ 1) + content[at + 1 :]
        assert not trust.check("hooks", changed)
    assert not trust.check("hooks", content + " ")
    trust.withdraw("hooks", content)
    assert not trust.check("hooks", content)


def test_a_script_that_changes_behind_its_command_is_asked_about_again(folder: Path) -> None:
    (folder / "tool.sh").write_text("echo one")
    words = ["sh", "./tool.sh", "--config=tool.sh", "/etc/hostname", "missing"]
    before = with_programs("sh ./tool.sh", words, folder)
    assert with_programs("sh ./tool.sh", words, folder) == before
    (folder / "tool.sh").write_text("echo two")
    assert with_programs("sh ./tool.sh", words, folder) != before


# ---- hooks ----------------------------------------------------------------------------------


def hook(code: str, when: str = "before", **more: object) -> Hook:
    made = Hook("before" if when == "before" else "after", "*", (sys.executable, "-c", code))
    return Hook(**{**{name: getattr(made, name) for name in Hook.__slots__}, **more})  # pyright: ignore[reportArgumentType] - fields of it


async def before(*hooks: Hook) -> str | None:
    return (await Hooks(hooks).before(EDIT, "c1")).blocked


@pytest.mark.parametrize("printed", ["", "{}", '{"remark": "be careful"}'])
async def test_a_hook_that_ends_well_lets_the_tool_work(printed: str) -> None:
    assert await before(hook(f"print({printed!r})")) is None


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (hook("raise SystemExit(1)"), "status 1"),
        (hook("raise SystemExit(2)"), "status 2"),
        (hook("import sys; sys.exit('no edits on Fridays')"), "no edits on Fridays"),
        (hook("import os; os.kill(os.getpid(), 9)"), "status -9"),
        (hook("", command=("/no/such/program",)), "can't be started"),
        (hook("", command=("a\0b",)), "can't be started"),
        (hook("import time; time.sleep(60)", timeout=0.3), "no answer within 0.3 seconds"),
        (hook("print('fine')"), "not JSON"),
        (hook("print('[]')"), "no JSON object"),
        (hook("print('{\"allow\": true}')"), "'allow', which means nothing"),
        (hook("print('{\"block\": 5}')"), "must be texts"),
        (hook('print(\'{"block": "not today"}\')'), "not today"),
        (hook("print('x' * 100_000)"), "more than 64 KiB"),
        (hook("", sandboxed=True), "no sandbox"),
        (hook("", broken="its line 3 is wrong"), "its line 3 is wrong"),
    ],
)
async def test_a_hook_that_fails_in_any_way_blocks(made: Hook, said: str) -> None:
    blocked = await before(hook(""), made, hook("raise SystemExit(0)"))
    assert blocked is not None
    assert blocked.startswith("your hook “")
    assert said in blocked


async def test_a_hook_is_told_the_action_and_only_for_its_tools(tmp_path: Path) -> None:
    told = tmp_path / "told"
    writes = f"import sys, pathlib; pathlib.Path({str(told)!r}).write_text(sys.stdin.read())"
    assert await before(hook("raise SystemExit(1)", tool="git*"), hook(writes, tool="ed?t")) is None
    assert json.loads(told.read_text()) == {
        "event": "before",
        "call": "c1",
        "action": {
            "tool": "edit",
            "effect": "draft",
            "paths": ["a.py"],
            "command": None,
            "sentence": "edit a.py",
        },
    }


async def test_a_hook_does_not_start_in_the_workspace(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    (folder / "json.py").write_text("raise SystemExit(9)")
    ended = await run_program([sys.executable, "-c", "import json, os; print(os.getcwd())"], "", 30)
    assert (ended.status, ended.stdout.strip()) == (0, str(tmp_path))


def is_gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("how", ["time", "cancel"])
async def test_a_hook_that_is_ended_leaves_no_process(tmp_path: Path, how: str) -> None:
    pids = tmp_path / "pids"
    code = (
        "import os, subprocess, sys, time, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"draft = pathlib.Path({str(pids)!r} + '.draft')\n"
        "draft.write_text(f'{os.getpid()} {child.pid}')\n"
        f"draft.rename({str(pids)!r})\n"
        "time.sleep(60)\n"
    )
    task = asyncio.create_task(
        run_program([sys.executable, "-c", code], "", 1.5 if how == "time" else 60)
    )
    deadline = time.monotonic() + 30
    while not pids.exists() and not task.done():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    if how == "cancel":
        task.cancel()
    with pytest.raises((asyncio.CancelledError, ProgramFailed)):
        await task
    if pids.exists():
        while not all(is_gone(int(each)) for each in pids.read_text().split()):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)


async def test_a_hook_after_a_tool_can_only_add_a_remark() -> None:
    hooks = Hooks(
        [
            hook('print(\'{"remark": "lint is clean"}\')', "after"),
            hook('print(\'{"block": "I object"}\')', "after"),
            hook("raise SystemExit(3)", "after"),
        ]
    )
    outcome = Outcome("done")
    first, second, third = await hooks.after(EDIT, "c1", outcome)
    assert first.endswith(": lint is clean")
    assert second.endswith(": I object")
    assert "failed: it ended with status 3" in third
    assert (await hooks.before(EDIT, "c1")).blocked is None


def test_the_users_hooks_come_from_settings_and_a_wrong_one_blocks() -> None:
    entries = [{"command": ["check"], "when": "after", "tool": "edit"}, {"cmd": "x"}]
    found = configure(Layer("mine", {"agent": {"hooks": entries}}))
    good, wrong = users_hooks(found.settings.agent.hooks)
    assert (good.command, good.when, good.tool, good.sandboxed) == (
        ("check",),
        "after",
        "edit",
        False,
    )
    assert (wrong.when, wrong.tool, bool(wrong.broken)) == ("before", "*", True)


async def never(_command: Sequence[str], _stdin: str, _seconds: float) -> Ended:
    raise AssertionError("nothing is run here")


async def test_a_repositorys_hooks_run_in_the_sandbox_and_nowhere_else() -> None:
    ran: list[tuple[str, ...]] = []

    async def sandboxed(command: Sequence[str], _stdin: str, _seconds: float) -> Ended:
        ran.append(tuple(command))
        return Ended(0, '{"remark": "seen"}', "")

    hooks = Hooks(repository_hooks('[[hooks]]\ncommand = ["./check", "a b"]\n'), sandboxed, never)
    said = await hooks.before(EDIT, "c1")
    assert (said.blocked, ran) == (None, [("./check", "a b")])
    assert said.remarks == ("the repository's hook “./check 'a b'”: seen",)


@pytest.mark.parametrize(
    "text", ["[[hooks]]\ncommand = []", "[[hooks", "[[hooks]]\nrun = 'x'", "hooks = [5]"]
)
async def test_a_repositorys_hooks_that_cannot_be_read_block(text: str) -> None:
    said = await Hooks(repository_hooks(text), never, never).before(EDIT, "c1")
    assert said.blocked is not None
    assert ".fixwright/hooks.toml can't be read" in said.blocked
