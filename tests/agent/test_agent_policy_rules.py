"""Rules, lines for a shell, patterns, protected files: what is judged, and how strictly."""

from __future__ import annotations

import shlex
import subprocess
import time
from itertools import product
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixwright.agent.naming import Names
from fixwright.agent.policy.globs import PathGlob, clean
from fixwright.agent.policy.places import Place, places_of
from fixwright.agent.policy.policy import Approval, Mode, Policy, policy_of
from fixwright.agent.policy.protected import protection_of
from fixwright.agent.policy.rules import Rule, judged, strictest
from fixwright.agent.policy.shell import read_line
from fixwright.agent.tools.spec import Action, Effect
from fixwright.config import Layer, configure
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot


def decision(
    rules: list[Rule], action: Action, mode: Mode = "propose", approval: Approval = "ask"
) -> str:
    return Policy(mode, approval, tuple(rules)).judge(action).judgement.decision


def run(command: str) -> Action:
    return Action("run", "run", command=command, sentence=f"run {command}")


def edit(*paths: str) -> Action:
    return Action("edit", "draft", paths)


def read(path: str) -> Action:
    return Action("read", "read", (path,))


# ---- patterns -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "hits", "misses"),
    [
        ("docs", ["docs", "docs/a", "x/docs/a"], ["docs2", "xdocs/a"]),
        ("docs/", ["docs/a", "x/docs/a/b"], ["docs", "x/docs"]),
        ("/docs", ["docs", "docs/a"], ["x/docs"]),
        ("a/b", ["a/b", "a/b/c"], ["x/a/b", "a"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b/a/c"]),
        ("**/b", ["b", "a/b", "a/c/b/d"], ["ab"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b/c"], ["a/x", "b"]),
        ("*.py", ["a.py", "x/a.py"], ["a.pyc", "py"]),
        ("src/*.py", ["src/a.py"], ["src/x/a.py", "x/src/a.py"]),
        ("a?c", ["abc", "x/abc"], ["ac", "a/c"]),
        ("[ab].x", ["a.x", "b.x"], ["c.x"]),
        ("**", ["a", "a/b"], []),
        (r"\*.py", ["*.py"], ["a.py"]),
    ],
)
def test_patterns_are_those_of_gitignore(
    tmp_path: Path, pattern: str, hits: list[str], misses: list[str]
) -> None:
    glob = PathGlob.read(pattern)
    assert [path for path in hits if not glob.matches(path)] == []
    assert [path for path in misses if glob.matches(path)] == []
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text(pattern + "\n")
    for path in (*hits, *misses):
        asked = subprocess.run(
            ["git", "check-ignore", "-q", "--no-index", path], cwd=tmp_path, check=False
        )
        assert (asked.returncode == 0) == glob.matches(path), path


@pytest.mark.parametrize("pattern", ["", "/", "!a", "./", "//"])
def test_a_pattern_that_says_nothing_is_wrong(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        PathGlob.read(pattern)


def test_no_pattern_takes_long() -> None:
    glob = PathGlob.read("**/" + "*a" * 40 + "/**/" * 1 + "*b" * 40 + "c")
    begun = time.process_time()
    assert not glob.matches("/".join(["a" * 200] * 50))
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("name", "plain"),
    [("./a", "a"), ("a//b/../c", "a/c"), ("file:///a/%2Eenv", "/a/.env"), ("//etc/x", "/etc/x")],
)
def test_a_name_is_cleaned(name: str, plain: str) -> None:
    assert clean(name) == plain


# ---- lines for a shell ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("git status", ["git status"]),
        ("a && b || c | d; e & f\ng", ["a", "b", "c", "d", "e", "f", "g"]),
        ("g\"i\"t 'pu'sh", ["git push"]),
        ("(a; b)", ["a", "b"]),
        ("pytest -q 2>&1 | tail -3", ["pytest -q", "tail -3"]),
        ("ls >/dev/null 2>/dev/null", ["ls"]),
        ("echo $HOME ${USER} a#b # and no more; rm x", ["echo '$HOME' '${USER}' a#b"]),
        ("git \\\n push", ["git push"]),
        ("echo $(git push)", ["git push", "echo '$()'"]),
        ('echo "`git push`"', ["git push", "echo '$()'"]),
    ],
)
def test_a_line_is_read_part_by_part(line: str, parts: list[str]) -> None:
    found = read_line(line)
    assert found.unclear is None
    assert list(found.parts) == [tuple(shlex.split(part)) for part in parts]


UNCLEAR = [
    "$X y",
    "$(x) y",
    "A=1 b",
    "x > file",
    "x < file",
    "cat <<E\nx\nE",
    "diff <(a) <(b)",
    "f() { x; }",
    "if a; then b; fi",
    "while a; do b; done",
    "echo 'open",
    'echo "open',
    "echo `open",
    "echo $(open",
    "echo ${x:-$(y)}",
    "echo $'\\x41'",
    "! a",
    "{ a; }",
    "a)",
    "g*t push",
    "[[ a ]]",
    "echo $((1))",
    "(" * 50,
    "x" * 20_000,
]


@pytest.mark.parametrize("line", UNCLEAR)
def test_what_cannot_be_read_for_certain_is_allowed_by_no_rule(line: str) -> None:
    assert read_line(line).unclear
    rules = [Rule("allow", command=word) for word in ("x", "y", "a", "b", "echo", "cat", "diff")]
    assert judged(rules, run(line), ()) is None


@settings(deadline=None)
@given(st.text("ag $'\"`\\;&|()<>#{}=\n\t*!", max_size=40))
def test_every_line_can_be_read(line: str) -> None:
    found = read_line(line)
    assert found.unclear is None or found.unclear.strip()


PROGRAMS = ["ok", "no"]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(PROGRAMS),
            st.sampled_from(["", " a", " 'b c'", ' "$HOME"', " $(no)", " `ok`", " \\;", " 2>&1"]),
            st.sampled_from([";", "&&", "||", "|", "\n", "&"]),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_a_shell_really_runs_is_what_was_judged(
    told: list[tuple[str, str, str]],
) -> None:
    """A line that is allowed by rules for `ok` runs nothing but `ok`."""
    line = "".join(f"{program}{rest}{operator} " for program, rest, operator in told)[:-2]
    found = judged([Rule("allow", command="ok")], run(line), ())
    if found is None:
        return
    shown = subprocess.run(
        ["sh", "-c", "ok() { :; }; no() { echo RAN >&2; }\n" + line],
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    assert "RAN" not in shown.stderr
    assert "RAN" not in shown.stdout


# ---- rules ----------------------------------------------------------------------------------


def test_deny_is_stronger_than_ask_than_allow_wherever_they_stand() -> None:
    rules = [Rule("deny", tool="run"), Rule("allow", tool="r*"), Rule("ask")]
    for order in (rules, rules[::-1]):
        assert decision(order, run("x")) == "deny"
        assert decision(order, read("a.py")) == "ask"


@pytest.mark.parametrize(
    "line",
    [
        "git push",
        "git push origin",
        "a; git push",
        "a && git push",
        "sudo git push",
        "env X=1 git push",
        "/usr/bin/git push",
        "sh -c 'git push'",
        'bash -c "a; git push"',
        "echo $(git push)",
        "x | xargs git push",
        "g'i't pu\\sh",
        "if a; then git push; fi",
        "X=1 git push",
        "(git push)",
        "sh -c \"sh -c 'git push'\"",
        "git push > log",
        "eval 'git push'",
    ],
)
def test_a_command_that_is_denied_cannot_be_wrapped(line: str) -> None:
    for mode in ("propose", "apply", "headless"):
        assert (
            decision([Rule("deny", command="git push"), Rule("allow")], run(line), mode) == "deny"
        )


@pytest.mark.parametrize("line", ["$G push", "g*t push", "cat <<E | sh\ngit\nE"])
def test_where_a_denied_command_may_hide_it_is_asked(line: str) -> None:
    assert decision([Rule("deny", command="git push"), Rule("allow")], run(line)) == "ask"


@pytest.mark.parametrize("line", ["git pushy", "git pull", "echo git; push", "ls"])
def test_other_commands_are_not_denied(line: str) -> None:
    assert decision([Rule("deny", command="git push")], run(line)) == "allow"


def test_each_part_of_a_line_must_be_allowed() -> None:
    rules = [
        Rule("ask", tool="other"),
        Rule("allow", command="npm test"),
        Rule("allow", command="ls"),
    ]
    action = Action("shell", "outside", command="npm test -- -u; ls | ls")
    assert judged(rules, action, ()) is not None
    for bad in (
        "npm test; rm x",
        "npm tests",
        "npm",
        "ls $(rm x)",
        "rm ls",
        "/tmp/ls",
        "npm test > f",
    ):
        assert judged(rules, Action("shell", "outside", command=bad), ()) is None, bad


def test_each_file_must_be_allowed_and_one_denied_is_enough() -> None:
    rules = [Rule("allow", tool="file_op", path="a/"), Rule("deny", path="gen/")]
    action = Action("file_op", "outside", ("a/x", "b/x"))
    assert decision(rules, action) == "ask"
    assert decision(rules, Action("file_op", "outside", ("a/x", "a/y"))) == "allow"
    assert decision(rules, Action("file_op", "outside", ("a/x", "gen/x"))) == "deny"
    assert decision(rules, Action("file_op", "outside")) == "ask"


def test_a_verdict_says_by_which_rule() -> None:
    rules = (
        Rule("deny", "edit", "docs/**"),
        Rule("ask", command="git push", origin="the rule of x"),
    )
    told = Policy(rules=rules).judge(edit("docs/a.md")).judgement.by
    assert told == "your rule “deny edit docs/**”"
    assert (
        Policy(rules=rules).judge(run("git push")).judgement.by == "the rule of x “ask `git push`”"
    )
    assert Policy().judge(run("x")).judgement.by == "the mode propose with agent.approval = ask"


def test_wrong_rules_are_no_rules() -> None:
    for bad in ({"path": "!x"}, {"command": "a; b"}, {"command": "$(x)"}, {"command": ""}):
        with pytest.raises(ValueError, match=r"pattern|command"):
            Rule("deny", **bad)


# ---- modes ----------------------------------------------------------------------------------

DEFAULTS = {
    ("plan", "ask"): {
        "read": "allow",
        "ask": "allow",
        "draft": "deny",
        "run": "deny",
        "outside": "deny",
    },
    ("propose", "ask"): {"draft": "allow", "run": "allow", "outside": "ask"},
    ("propose", "auto"): {"draft": "allow", "run": "allow", "outside": "allow"},
    ("apply", "ask"): {"read": "allow", "draft": "ask", "run": "allow", "outside": "ask"},
    ("apply", "edits"): {"draft": "allow", "outside": "ask"},
    ("apply", "auto"): {"draft": "allow", "outside": "allow"},
    ("headless", "ask"): {"read": "allow", "draft": "allow", "run": "allow", "outside": "ask"},
}


@pytest.mark.parametrize(("mode", "approval"), DEFAULTS)
def test_defaults_by_mode(mode: Mode, approval: Approval) -> None:
    for effect, expected in DEFAULTS[mode, approval].items():
        assert effect in get_args(Effect)
        assert decision([], Action("x", effect), mode, approval) == expected, effect  # pyright: ignore[reportArgumentType] - just checked


def test_plan_lets_no_rule_change_anything() -> None:
    assert decision([Rule("allow")], edit("a.py"), "plan", "auto") == "deny"


def test_a_command_outside_always_asks() -> None:
    action = Action("mcp", "outside", command="make deploy")
    ruling = Policy("apply", "auto", (Rule("allow"),)).judge(action)
    assert (ruling.judgement.decision, ruling.standing) == ("ask", False)


# ---- protected files ------------------------------------------------------------------------

SECRET = [
    ".env",
    ".env.local",
    "a/.ENV",
    "x.pem",
    "keys/server.key",
    ".ssh/config",
    "id_rsa",
    "id_work",
    ".npmrc",
    ".pypirc",
    ".netrc",
    ".aws/credentials",
    "a/.kube/config",
    ".git-credentials",
    "./.env",
    "a/../.env",
    "file:///w/.env",
    ".e\u200bnv",
    ".env.",
]
OTHERS = [
    ".git/config",
    "a/.git/hooks/pre-commit",
    ".GIT/config",
    ".g\u200cit/config",
    ".gitattributes",
    "fixwright.toml",
    "pyproject.toml",
    ".fixwright/hooks.toml",
    ".github/workflows/ci.yml",
    ".gitlab-ci.yml",
    "Jenkinsfile",
    ".circleci/config.yml",
    ".husky/pre-push",
    ".vscode/tasks.json",
    ".mcp.json",
    ".GitHub/Work\u200bflows/ci.yml",
    "AGENTS.md",
    "sub/CLAUDE.md",
]
ORDINARY = [
    "a.py",
    "environment.py",
    "id_map.py",
    "docs/git.md",
    ".github/ISSUE_TEMPLATE.md",
    "keys.py",
]


@pytest.mark.parametrize("path", SECRET + OTHERS)
@pytest.mark.parametrize("rules", [(), (Rule("allow"),), (Rule("allow", path="**"),)])
def test_a_protected_file_is_never_changed_unasked(path: str, rules: tuple[Rule, ...]) -> None:
    for mode, approval in product(("propose", "apply", "headless"), get_args(Approval)):
        for action in (edit(path), edit("a.py", path), Action("mcp", "outside", (path,))):
            ruling = Policy(mode, approval, rules).judge(action)
            assert (ruling.judgement.decision, ruling.standing) == ("ask", False)


@pytest.mark.parametrize("path", SECRET)
def test_a_secret_file_is_read_only_when_it_is_named(path: str) -> None:
    name = clean(path)
    for rules in ([], [Rule("allow")], [Rule("allow", path=".env*")], [Rule("allow", path="*")]):
        assert decision(rules, read(path), approval="auto") == "deny"
        assert not Policy(rules=tuple(rules)).may_read(path)
    assert decision([Rule("ask", path=name)], read(path)) == "deny"
    assert decision([Rule("allow", path=name)], read(path)) == "allow"
    assert decision([Rule("allow", path=name)], edit(path)) == "ask"


@pytest.mark.parametrize("path", OTHERS + ORDINARY)
def test_what_holds_no_secrets_may_be_read(path: str) -> None:
    assert decision([], read(path)) == "allow"


@pytest.mark.parametrize("path", ORDINARY)
def test_ordinary_files_are_not_protected(path: str) -> None:
    assert protection_of(path) is None


# ---- settings -------------------------------------------------------------------------------


def test_a_workspace_narrows_and_never_widens() -> None:
    found = configure(
        Layer(
            "mine", {"agent": {"approval": "edits", "rules": [{"decision": "ask", "tool": "run"}]}}
        ),
        Layer(
            "fixwright.toml",
            {
                "agent": {
                    "approval": "auto",
                    "rules": [
                        {"decision": "allow"},
                        {"decision": "allow", "path": ".env"},
                        {"decision": "deny", "path": "gen/"},
                    ],
                }
            },
            trusted=False,
        ),
    )
    policy = policy_of(found.settings.agent, "apply")
    assert policy.approval == "edits"
    assert policy.judge(run("x")).judgement.decision == "ask"
    assert policy.judge(read(".env")).judgement.decision == "deny"
    denied = policy.judge(edit("gen/a.py")).judgement
    assert (denied.decision, denied.by) == ("deny", "the rule of fixwright.toml “deny gen/”")


def test_a_rule_that_cannot_be_read_asks_about_everything() -> None:
    found = configure(Layer("mine", {"agent": {"rules": [{"decision": "dney", "path": "gen/"}]}}))
    policy = policy_of(found.settings.agent, "propose")
    assert policy.judge(read("a.py")).judgement.decision == "ask"


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            Rule,
            st.sampled_from(["ask", "deny"]),
            st.sampled_from([None, "edit", "r*"]),
            st.sampled_from([None, "*.py", "gen/"]),
            st.sampled_from([None, "git"]),
        ),
        max_size=4,
    ),
    st.lists(
        st.builds(
            Rule,
            st.sampled_from(["allow", "ask", "deny"]),
            st.sampled_from([None, "edit", "run"]),
            st.sampled_from([None, "*.py", ".env"]),
            st.sampled_from([None, "git"]),
        ),
        max_size=4,
    ),
    st.builds(
        Action,
        st.sampled_from(["edit", "run", "read"]),
        st.sampled_from(get_args(Effect)),
        st.sampled_from([(), ("a.py",), (".env",), ("gen/x", "a.py")]),
        st.sampled_from([None, "git status", "ls; git x", "$X"]),
    ),
    st.sampled_from(get_args(Mode)),
)
def test_more_rules_of_a_workspace_never_allow_more(
    its: list[Rule], users: list[Rule], action: Action, mode: Mode
) -> None:
    without = Policy(mode, "edits", tuple(users)).judge(action).judgement
    both = Policy(mode, "edits", (*users, *its)).judge(action).judgement
    assert strictest([without, both]).decision == both.decision


# ---- links ----------------------------------------------------------------------------------


@pytest.fixture
def names(tmp_path: Path) -> Names:
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    (root / ".env").write_text("SECRET=x")
    (root / "src/a.py").write_text("")
    (root / "notes.txt").symlink_to(".env")
    (root / "out").symlink_to(tmp_path)
    (root / "loop").symlink_to("loop")
    return Names(Snapshot().with_folders([Folder(path_to_uri(root), "project", root)]))


def judge_at(names: Names, action: Action, *rules: Rule) -> str:
    place = places_of(names)
    found = Policy("apply", "auto", rules).judge(action, [place(each) for each in action.paths])
    return found.judgement.decision


def test_a_link_hides_no_protected_file(names: Names) -> None:
    assert judge_at(names, read("notes.txt")) == "deny"
    assert judge_at(names, read("notes.txt"), Rule("allow", path="notes.txt")) == "deny"
    assert judge_at(names, edit("notes.txt")) == "ask"
    both = (Rule("allow", path="notes.txt"), Rule("allow", path=".env"))
    assert judge_at(names, read("notes.txt"), *both) == "allow"
    assert judge_at(names, read("src/a.py")) == "allow"


def test_a_link_out_of_the_workspace_is_asked_about(names: Names) -> None:
    assert judge_at(names, read("out/other.txt")) == "ask"
    assert judge_at(names, read("loop")) in ("ask", "allow")
    assert judge_at(names, edit("out/other.txt"), Rule("allow")) == "ask"


def test_with_several_folders_a_rule_may_leave_the_folder_out(tmp_path: Path) -> None:
    folders = [Folder(path_to_uri(tmp_path / each), each, tmp_path / each) for each in ("a", "b")]
    place = places_of(Names(Snapshot().with_folders(folders)))
    assert place("a/src/x.py") == Place(("a/src/x.py", "src/x.py"))
    assert (
        judged([Rule("deny", path="/src")], edit("a/src/x.py"), [place("a/src/x.py")]) is not None
    )
