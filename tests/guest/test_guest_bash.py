"""Broken Bash scripts: what is said about each, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fixwright.workspace.position import Range
from fixwright_sandbox.jobs import Chunk, RunChunks, RunFile
from guest.harness import marked, run_bash, write_tree


@dataclass(frozen=True)
class Case:
    name: str
    source: str
    kind: str
    message: str
    status: int
    frames: tuple[tuple[int, str], ...] = ()  # one-based lines
    args: tuple[str, ...] = ()
    facts: dict[str, object] = field(default_factory=dict[str, object])
    notes: tuple[str, ...] = ()


CASES = (
    Case(
        "a command that is not there",
        """
        set -e
        echo one
        «gerp» foo file
        """,
        "CommandNotFound",
        "gerp: command not found",
        127,
        ((3, "main"),),
        facts={"name": "gerp", "candidate": "grep"},
    ),
    Case(
        "a misspelt function, last command of the script",
        """
        deploy() { echo "$1"; }
        «depoly» now
        """,
        "CommandNotFound",
        "depoly: command not found",
        127,
        facts={"name": "depoly", "candidate": "deploy"},
    ),
    Case(
        "an unbound variable",
        """
        set -u
        target=x
        echo "to $«tagret»"
        """,
        "UnboundVariable",
        "tagret: unbound variable",
        1,
        facts={"name": "tagret", "candidate": "target"},
    ),
    Case(
        "an unset parameter with a message of Bash's",
        """
        echo start
        : "${«input»:?}"
        """,
        "UnboundVariable",
        "input: parameter null or not set",
        1,
        facts={"name": "input"},
    ),
    Case(
        "an unset parameter with a message of the script's",
        """
        «: "${input:?give a file}"»
        """,
        "CommandFailed",
        "input: give a file",
        1,
    ),
    Case(
        "exit",
        """
        echo usage >&2
        «exit 3»
        """,
        "ExitStatus",
        "exited with status 3",
        3,
        ((2, "main"),),
        notes=("usage",),
    ),
    Case(
        "one exit of several, in a function",
        """
        die() {
          echo "$1" >&2
          «exit 4»
        }
        if [ "$1" = a ]; then exit 4; fi
        if [ "$1" = b ]; then
          die "no b"
        fi
        exit 4
        """,
        "ExitStatus",
        "exited with status 4",
        4,
        ((7, "main"), (3, "die")),
        args=("b",),
        notes=("no b",),
    ),
    Case(
        "exit with the status of the last command",
        """
        (exit 7)
        «exit»
        """,
        "ExitStatus",
        "exited with status 7",
        7,
    ),
    Case(
        "exit under a trap of the script's own",
        """
        trap 'echo bye' EXIT
        false || «exit 5»
        """,
        "ExitStatus",
        "exited with status 5",
        5,
    ),
    Case(
        "set -e in a function",
        """
        set -e
        work() {
          echo working
          «ls /does/not/exist»
        }
        work
        """,
        "CommandFailed",
        "`ls /does/not/exist` ended with status 2",
        2,
        ((6, "main"), (4, "work")),
        notes=("ls: cannot access '/does/not/exist': No such file or directory",),
    ),
    Case(
        "set -e with a trap of the script's own at its end",
        """
        set -e
        trap 'echo cleaned; true' EXIT
        «ls /does/not/exist»
        echo never
        """,
        "CommandFailed",
        "`ls /does/not/exist` ended with status 2",
        2,
    ),
    Case(
        "no set -e: the last command counts, followed into its function",
        """
        main() {
          echo one
          «test -f nothing»
        }
        main "$@"
        """,
        "CommandFailed",
        "`test -f nothing` ended with status 1",
        1,
        ((5, "main"), (3, "main")),
    ),
    Case(
        "a failure that was tolerated is not the one",
        """
        false
        grep nothing /dev/null
        echo on
        «exit 1»
        """,
        "ExitStatus",
        "exited with status 1",
        1,
    ),
    Case(
        "a command substitution",
        """
        set -e
        version() {
          «cat /no/version»
        }
        v=$(version)
        echo "$v"
        """,
        "CommandFailed",
        "`cat /no/version` ended with status 1",
        1,
        ((5, "main"), (3, "version")),
        notes=("cat: /no/version: No such file or directory",),
    ),
    Case(
        "a subshell that exits",
        """
        set -e
        (
          cd /
          «exit 9»
        )
        """,
        "ExitStatus",
        "exited with status 9",
        9,
    ),
    Case(
        "a pipeline with pipefail",
        """
        set -eo pipefail
        «cat /no/file | sort»
        """,
        "CommandFailed",
        "`cat /no/file | sort` ended with status 1",
        1,
    ),
    Case(
        "a syntax error at a token",
        """
        if true; then
          echo yes
        «fi)»
        """,
        "SyntaxError",
        "syntax error near unexpected token `)'",
        2,
    ),
    Case(
        "a syntax error at the end of the file",
        """
        echo one
        if true; then
          echo two
        «»""",
        "SyntaxError",
        "syntax error: unexpected end of file",
        2,
    ),
    Case(
        "a quote that is not closed",
        """
        echo one
        «echo "two»
        echo three
        """,
        "SyntaxError",
        "unexpected EOF while looking for matching `\"'",
        2,
    ),
    Case(
        "arithmetic: division by zero",
        """
        a=0
        «echo $((1 / a))»
        """,
        "CommandFailed",
        '1 / a: division by 0 (error token is "a")',
        1,
    ),
    Case(
        "a redirection from a file that is not there",
        """
        set -e
        «read line < missing.txt»
        """,
        "CommandFailed",
        "missing.txt: No such file or directory",
        1,
    ),
    Case(
        "a command ended by a signal",
        """
        set -e
        «bash -c 'kill -SEGV $$'»
        """,
        "SIGSEGV",
        "`bash -c 'kill -SEGV $$'` was ended by SIGSEGV",
        139,
    ),
    Case(
        "set -x: our own commands are not traced",
        """
        set -ex
        «false»
        """,
        "CommandFailed",
        "`false` ended with status 1",
        1,
        notes=("+ false",),
    ),
    Case(
        "a readonly variable",
        """
        set -e
        readonly limit=1
        «limit=2»
        """,
        "CommandFailed",
        "limit: readonly variable",
        1,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_failure(case: Case, tmp_path: Path) -> None:
    source = marked(case.source)
    outcome = _run(tmp_path, source.text, *case.args)
    assert outcome.status == case.status, outcome.stderr
    failure = outcome.failure
    assert (failure.kind, failure.message) == (case.kind, case.message)
    assert failure.path == "script.sh"
    assert failure.range == source.range
    if case.frames:
        got = [(f.range.start.line + 1, f.name) for f in failure.frames if f.range]
        assert got == list(case.frames)
    facts = dict(case.facts)
    candidate = facts.pop("candidate", None)
    assert facts.items() <= failure.facts.items()
    if candidate is not None:
        candidates = failure.facts["candidates"]
        assert isinstance(candidates, list)
        assert candidate in candidates
    if case.notes:
        assert failure.notes == case.notes


def _run(tmp_path: Path, source: str, *args: str):
    root, scratch = tmp_path / "tree", tmp_path / "scratch"
    scratch.mkdir()
    write_tree(root, {"script.sh": source})
    return run_bash(root, RunFile("script.sh", args), scratch)


@pytest.mark.parametrize(
    "source",
    [
        "echo ok",
        "false; true",
        "if ! grep -q x /dev/null; then echo none; fi",
        "trap 'echo bye' EXIT; exit 0",
        "set -euo pipefail; x=${y:-1}; (( x == 1 ))",
        "set -o posix; exit 0",
    ],
)
def test_nothing_is_reported_of_a_script_that_passes(source: str, tmp_path: Path) -> None:
    outcome = _run(tmp_path, source)
    assert (outcome.status, outcome.stderr, outcome.reports) == (0, "", ())


def test_a_script_sees_its_name_its_arguments_and_no_more_of_us(tmp_path: Path) -> None:
    source = (
        'echo "$0 $# ${BASH_SOURCE[0]} ${BASH_ENV-none} ${FUNCNAME[0]-}"; env | grep -c fixwright'
    )
    outcome = _run(tmp_path, source, "a", "b c")
    assert outcome.stdout == "script.sh 2 script.sh none \n0\n"


def test_a_script_that_traps_err_keeps_its_semantics(tmp_path: Path) -> None:
    source = "trap 'echo trapped $LINENO' ERR\nf() { false; true; }\nf\nfalse\nexit 2\n"
    outcome = _run(tmp_path, source)
    assert outcome.stdout == "trapped 4\n"
    assert outcome.failure.range == Range.of(4, 0, 4, 6)


def test_the_status_of_an_exit_trap_is_the_scripts(tmp_path: Path) -> None:
    outcome = _run(tmp_path, "trap 'true; exit' EXIT\nexit 6\n")
    assert outcome.status == 6


def test_another_file_of_the_tree_is_where_it_failed(tmp_path: Path) -> None:
    root, scratch = tmp_path / "tree", tmp_path / "scratch"
    scratch.mkdir()
    write_tree(
        root,
        {
            "bin/run.sh": 'set -e\ncd "$(dirname "$0")"\n. ../lib/steps.sh\nsteps\n',
            "lib/steps.sh": "steps() {\n  cat nothing-here\n}\n",
        },
    )
    failure = run_bash(root, RunFile("bin/run.sh"), scratch).failure
    assert failure.path == "lib/steps.sh"
    assert failure.range == Range.of(1, 2, 1, 18)
    assert [(frame.path, frame.name) for frame in failure.frames] == [
        ("bin/run.sh", "main"),
        ("lib/steps.sh", "steps"),
    ]


SELECTION = """\
#!/bin/bash
greet() {
  echo "hello $1"
}
echo not selected
greet world
  broken_command
later() {
  echo "later $LINENO"
  missing_in_later
}
"""


def test_a_selection_runs_at_its_own_lines_after_what_it_needs(tmp_path: Path) -> None:
    lines = SELECTION.splitlines()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    write_tree(tmp_path, {"s.sh": SELECTION})
    chunks = (
        Chunk("\n".join(lines[1:4]), 1),
        Chunk("\n".join(lines[7:11]), 7),
        Chunk("greet world; later", 5),
    )
    outcome = run_bash(tmp_path, RunChunks("s.sh", chunks), scratch)
    assert outcome.stdout == "hello world\nlater 9\n"
    failure = outcome.failure
    assert (failure.kind, failure.path) == ("CommandNotFound", "s.sh")
    assert failure.range == Range.of(9, 2, 9, 18)
    frames = [(f.path, f.range.start.line, f.name) for f in failure.frames if f.range]
    assert frames == [("s.sh", 5, "main"), ("s.sh", 9, "later")]


def test_a_function_before_the_selection(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    write_tree(tmp_path, {"s.sh": "\ndeploy() {\n  gerp x\n}\nset -e\ndeploy\n"})
    chunks = (Chunk("deploy() {\n  gerp x\n}", 1), Chunk("set -e\ndeploy", 4))
    outcome = run_bash(tmp_path, RunChunks("s.sh", chunks), scratch)
    assert outcome.stderr == "s.sh: line 3: gerp: command not found\n"
    failure = outcome.failure
    assert (failure.kind, failure.path) == ("CommandNotFound", "s.sh")
    assert failure.range == Range.of(2, 2, 2, 6)
    assert [frame.name for frame in failure.frames] == ["main", "deploy"]


def test_a_selection_finds_its_surroundings(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    source = 'here=$(dirname "${BASH_SOURCE[0]}")\n. "$here/lib.sh"\n'
    write_tree(tmp_path, {"a b/s.sh": source, "a b/lib.sh": 'echo "$0 $PWD ${OLDPWD-none}"\n'})
    outcome = run_bash(tmp_path, RunChunks("a b/s.sh", (Chunk(source, 0),)), scratch)
    assert outcome.stdout == f"a b/s.sh {tmp_path} none\n", outcome.stderr


def test_a_selection_in_the_middle_of_a_line(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    write_tree(tmp_path, {"s.sh": SELECTION})
    chunks = (Chunk("broken_command", 6, 2),)
    outcome = run_bash(tmp_path, RunChunks("s.sh", chunks), scratch)
    assert outcome.stderr == "s.sh: line 7: broken_command: command not found\n"
    assert outcome.failure.range == Range.of(6, 2, 6, 16)


def test_a_forged_log_harms_nobody(tmp_path: Path) -> None:
    forged = """printf 'command\\0x\\0' > "$__fixwright_log"\nexit 2\n"""
    assert _run(tmp_path, forged).failure.kind == "ExitStatus"
