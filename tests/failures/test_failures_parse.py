"""From reports and endings to failures: placement, endings, identity, and forged reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixwright.failures import Failure, Frame, TestCounts, failures_of, test_counts
from fixwright.failures.parse import warnings_of
from fixwright.workspace.position import Range
from fixwright_sandbox.events import Captured, Result, Status

PASSED = Result(
    status="passed",
    message="",
    exit_code=0,
    signal=None,
    started_at=0.0,
    duration=0.1,
    stdout=Captured(),
    stderr=Captured(),
    reports=(),
    files=(),
    peak_memory=None,
    backend="none",
    image=None,
)
FAILED = replace(PASSED, status="failed", exit_code=1)


def _with(*reports: Mapping[str, object], result: Result = FAILED) -> Result:
    return replace(result, reports=reports)


def _frame(path: str, line: int, name: str = "f") -> dict[str, Any]:
    return {
        "path": path,
        "line": line,
        "column": 2,
        "endLine": line,
        "endColumn": 5,
        "name": name,
    }


def _exception(**fields: Any) -> dict[str, Any]:
    return {
        "type": "exception",
        "kind": "ValueError",
        "message": "bad",
        "notes": [],
        "suggestion": None,
        "facts": {},
        "frames": [],
        "place": None,
        "cause": None,
        "context": None,
        "exceptions": [],
        **fields,
    }


def _only(report: Mapping[str, object], job_path: str | None = "main.py") -> Failure:
    (failure,) = failures_of(_with(report), job_path)
    return failure


# ---- placement


def test_the_place_is_the_innermost_frame_inside_the_tree() -> None:
    frames = [
        _frame("main.py", 1, "<module>"),
        _frame("lib/a.py", 2),
        _frame("/usr/lib/python3/json/__init__.py", 3),
        _frame("venv/lib/python3.11/site-packages/x.py", 4),
        _frame("<string>", 5),
    ]
    failure = _only(_exception(frames=frames))
    assert (failure.path, failure.range) == ("lib/a.py", Range.of(2, 2, 2, 5))
    assert failure.frames[2] == Frame(
        "/usr/lib/python3/json/__init__.py", Range.of(3, 2, 3, 5), "f"
    )
    assert len(failure.frames) == 5


def test_a_syntax_error_lies_at_its_own_place_if_that_is_in_the_tree() -> None:
    frames = [_frame("main.py", 1)]
    inside = _only(_exception(frames=frames, place=_frame("other.py", 7)))
    assert (inside.path, inside.range) == ("other.py", Range.of(7, 2, 7, 5))
    outside = _only(_exception(frames=frames, place=_frame("<string>", 7)))
    assert (outside.path, outside.range) == ("main.py", Range.of(1, 2, 1, 5))


def test_without_any_place_it_lies_on_the_file_that_was_run() -> None:
    failure = _only(_exception(frames=[_frame("/usr/lib/x.py", 1)]))
    assert (failure.path, failure.range) == ("main.py", None)
    assert _only(_exception(), None).path is None


def test_a_test_without_frames_lies_where_the_test_is() -> None:
    report = {"type": "test", "id": "t.py::a", "outcome": "failed", "path": "t.py", "line": 4}
    failure = _only({**report, "exception": _exception()})
    assert (failure.path, failure.range) == ("t.py", Range.at(4, 0))
    assert failure.test_id == "t.py::a"
    bare = _only(report)
    assert (bare.kind, bare.path) == ("Failed", "t.py")


def test_a_line_without_columns_is_an_empty_range_at_its_start() -> None:
    frame = {**_frame("main.py", 3), "column": None, "endColumn": None}
    assert _only(_exception(frames=[frame])).range == Range.at(3, 0)


def test_causes_contexts_and_members_are_related() -> None:
    inner = _exception(kind="KeyError", frames=[_frame("main.py", 9)])
    report = _exception(cause=inner, exceptions=[_exception(kind="A", cause=inner)])
    failure = _only(report)
    assert [related.kind for related in failure.related] == ["KeyError", "A"]
    assert failure.related[0].range == Range.of(9, 2, 9, 5)
    assert failure.related[1].related[0].kind == "KeyError"


def test_bash() -> None:
    report = {
        "type": "bash",
        "kind": "CommandNotFound",
        "message": "gerp: command not found",
        "path": "a.sh",
        "line": 3,
        "column": 1,
        "endColumn": 5,
        "command": "gerp x",
        "status": 127,
        "facts": {"name": "gerp"},
        "frames": [{"path": "a.sh", "line": 3, "name": "main"}],
    }
    failure = _only(report)
    assert failure.title == "CommandNotFound: gerp: command not found"
    assert failure.range == Range.of(3, 1, 3, 5)
    assert failure.facts == {"name": "gerp", "command": "gerp x", "status": 127}
    assert failure.frames == (Frame("a.sh", Range.at(3, 0), "main"),)


# ---- endings


def test_what_a_compiler_says_of_a_place() -> None:
    edit = {"line": 3, "column": 4, "endLine": 3, "endColumn": 7, "text": "sum"}
    report = {
        "type": "diagnostic",
        "severity": "error",
        "kind": "E0425",
        "message": "cannot find function `smu`",
        "path": "src/main.rs",
        "line": 3,
        "column": 4,
        "endLine": 3,
        "endColumn": 7,
        "notes": ["not found in this scope"],
        "suggestion": "sum",
        "facts": {"name": "smu"},
        "related": [
            {"path": "src/lib.rs", "line": 0, "column": 3, "endColumn": 6, "message": "similar"},
            {"path": "/usr/lib/rust/core.rs", "line": 9, "message": "elsewhere"},
            "nonsense",
        ],
        "fixes": [{"message": "use `sum`", "edits": [edit]}],
    }
    failure = _only(report)
    assert (failure.kind, failure.title) == ("E0425", "E0425: cannot find function `smu`")
    assert (failure.path, failure.range) == ("src/main.rs", Range.of(3, 4, 3, 7))
    assert (failure.notes, failure.suggestion) == (("not found in this scope",), "sum")
    assert failure.facts == {
        "name": "smu",
        "fixes": [{"message": "use `sum`", "edits": [edit]}],
    }
    first, second = failure.related
    assert (first.message, first.path, first.range) == (
        "similar",
        "src/lib.rs",
        Range.of(0, 3, 0, 6),
    )
    assert (second.message, second.path) == ("elsewhere", None)


def test_warnings_fail_no_run_and_are_kept() -> None:
    warning = {"type": "diagnostic", "severity": "warning", "kind": "-Wunused", "path": "a.c"}
    result = _with({**warning, "message": "unused", "line": 1}, result=PASSED)
    assert failures_of(result, "a.c") == ()
    [kept] = warnings_of(result, "a.c")
    assert (kept.kind, kept.message, kept.path) == ("-Wunused", "unused", "a.c")
    assert len(warnings_of(_with(*[warning] * 5_000, result=PASSED), None)) == 200


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib/go/src/runtime/panic.go",
        "/root/.cargo/registry/src/x/lib.rs",
        "node_modules/left-pad/index.js",
        "packages/a/node_modules/b/c.js",
        "node:internal/modules/cjs/loader",
        "https://esm.example/x.js",
        "vendor/example.org/x/y.go",
        "<anonymous>",
    ],
)
def test_what_is_installed_is_not_the_trees_own(path: str) -> None:
    assert not Frame(path, None, "f").inside


@pytest.mark.parametrize("path", ["a.js", "src/vendor/a.py", "nodes/a.go", "c:/odd.c"])
def test_what_is_the_trees_own(path: str) -> None:
    assert Frame(path, None, "f").inside


@pytest.mark.parametrize(
    "status",
    ["timeout", "memory", "processes", "output", "disk", "engine", "image", "error"],
)
def test_a_limit_is_a_failure_of_the_file_that_was_run(status: Status) -> None:
    result = replace(PASSED, status=status, exit_code=None, message="The run took over 2 s.")
    (failure,) = failures_of(result, "main.py")
    assert (failure.kind, failure.message) == (status, "The run took over 2 s.")
    assert (failure.path, failure.range) == ("main.py", None)


def test_a_limit_comes_after_what_was_reported() -> None:
    result = replace(_with(_exception(kind="MemoryError")), status="memory", message="Too much.")
    assert [failure.kind for failure in failures_of(result, None)] == ["MemoryError", "memory"]


def test_a_status_that_no_report_explains() -> None:
    said = Captured(b"one\ntwo\n\nthree\nfour \xff\n", b"", 24)
    (failure,) = failures_of(replace(FAILED, exit_code=3, stderr=said), "main.py")
    assert failure.title == "ExitStatus: exited with status 3"
    assert failure.notes == ("two", "three", "four �")


def test_a_signal_by_its_name() -> None:
    result = replace(FAILED, exit_code=None, signal="SIGSEGV")
    (failure,) = failures_of(result, "main.py")
    assert failure.title == "SIGSEGV: the run was ended by SIGSEGV"


def test_runs_that_passed_or_were_cancelled_have_no_failure_of_their_own() -> None:
    assert failures_of(PASSED, "main.py") == ()
    assert failures_of(replace(PASSED, status="cancelled", exit_code=None), "main.py") == ()


def test_a_thread_may_fail_in_a_run_that_passes() -> None:
    result = _with(_exception(thread="worker"), result=PASSED)
    (failure,) = failures_of(result, "main.py")
    assert failure.notes == ("in worker",)


def test_every_status_has_an_answer() -> None:
    for status in get_args(Status):
        failures = failures_of(replace(FAILED, status=status), "main.py")
        assert len(failures) == (status not in ("passed", "cancelled"))


# ---- counts


def test_counts_take_the_worst_of_each_test() -> None:
    outcomes = [
        ("a", "passed"),
        ("b", "passed"),
        ("b", "error"),
        ("c", "skipped"),
        ("d", "failed"),
        ("d", "passed"),
        ("e", "rubbish"),
    ]
    reports = [{"type": "test", "id": name, "outcome": outcome} for name, outcome in outcomes]
    assert test_counts(_with(*reports)) == TestCounts(passed=1, failed=2, skipped=1)
    assert test_counts(_with(_exception())) is None


# ---- identity


def test_the_signature_is_the_same_after_lines_and_addresses_have_changed() -> None:
    def failure(line: int, address: str, **fields: Any) -> Failure:
        message = f"<object at {address}> in block on line {line}"
        return _only(_exception(message=message, frames=[_frame("a.py", line, "f")], **fields))

    one, other = failure(3, "0x7f00"), failure(9, "0x7fee", notes=["n"])
    assert one != other
    assert one.signature == other.signature
    assert one.signature != failure(3, "0x7f00", kind="TypeError").signature
    elsewhere = _only(_exception(message=one.message, frames=[_frame("a.py", 3, "g")]))
    assert one.signature != elsewhere.signature


def test_titles_are_one_line_of_bounded_length() -> None:
    assert _only(_exception(message="a\nb")).title == "ValueError: a"
    assert _only(_exception(message="")).title == "ValueError"
    assert len(_only(_exception(message="x" * 5_000)).title) == 300


# ---- forged and malformed reports


@pytest.mark.parametrize(
    "path",
    ["../x.py", "a/../../x.py", "..", ".", "", "a\0b", "x" * 5_000, 3, None, ["a.py"], {"a": 1}],
)
def test_paths_that_leave_the_tree_are_refused(path: object) -> None:
    report = _exception(frames=[{**_frame("", 1), "path": path}], place={"path": path, "line": 1})
    failure = _only(report)
    assert (failure.path, failure.range, failure.frames) == ("main.py", None, ())


def test_paths_are_normalised() -> None:
    failure = _only(_exception(frames=[_frame("./a//b/../c.py", 1)]))
    assert failure.path == "a/c.py"


@pytest.mark.parametrize("line", [-1, 10**12, 1.5, "3", True, None, [], float("nan")])
def test_lines_that_are_none_leave_the_file(line: object) -> None:
    failure = _only(_exception(frames=[{**_frame("a.py", 0), "line": line}]))
    assert (failure.path, failure.range) == ("a.py", None)


def test_a_range_never_ends_before_it_starts() -> None:
    frame = {"path": "a.py", "line": 5, "column": 9, "endLine": 2, "endColumn": 1, "name": "f"}
    assert _only(_exception(frames=[frame])).range == Range.at(5, 9)


def test_half_characters_are_replaced() -> None:
    failure = _only(_exception(message="a\ud800b", kind="K\udfff"))
    assert (failure.kind, failure.message) == ("K?", "a?b")


def test_a_chain_without_end_is_cut() -> None:
    report = _exception(kind="last")
    for _ in range(200):
        report = _exception(cause=report)
    failure, depth = _only(report), 0
    while failure.related:
        failure, depth = failure.related[0], depth + 1
    assert depth == 16


def test_a_tree_of_groups_is_bounded() -> None:
    report = _exception()
    for _ in range(20):
        report = _exception(exceptions=[report] * 100, cause=report, context=report)

    def count(failure: Failure) -> int:
        return 1 + sum(map(count, failure.related))

    assert count(_only(report)) <= 201


def test_a_flood_of_reports_is_bounded() -> None:
    reports = [_exception(message=str(n)) for n in range(5_000)]
    assert len(failures_of(_with(*reports), "main.py")) == 1_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(), values, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from(
    [
        "type kind message notes suggestion facts frames place cause context exceptions path line",
        "column endLine endColumn name id outcome seconds exception command status thread",
        "framesLeftOut",
    ]
).flatmap(lambda names: st.sampled_from(names.split()))
FORGED = st.recursive(
    st.dictionaries(KEYS, JSON, max_size=6),
    lambda reports: st.dictionaries(KEYS, JSON | reports | st.lists(reports), max_size=8),
    max_leaves=6,
)


def _forged(kind: str, report: dict[str, object]) -> dict[str, object]:
    return {**report, "type": kind, "outcome": "failed"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.builds(
            _forged,
            st.sampled_from(["exception", "test", "bash", "note", "else"]),
            FORGED,
        ),
        max_size=4,
    )
)
def test_whatever_is_reported_makes_failures_that_can_be_shown(
    reports: list[dict[str, object]],
) -> None:
    result = _with(*reports)
    test_counts(result)
    for failure in failures_of(result, "main.py"):
        _check(failure)


def _check(failure: Failure) -> None:
    for text in (failure.kind, failure.message, failure.title, failure.signature, *failure.notes):
        assert type(text) is str
        text.encode()
    assert failure.kind
    assert failure.path is None or not failure.path.startswith(("/", "..", "<"))
    json.dumps(dict(failure.facts), allow_nan=False)
    for place in (failure.range, *(frame.range for frame in failure.frames)):
        if place is not None:
            assert place.start <= place.end
            assert min(place.start.line, place.start.column, place.end.column) >= 0
    for related in failure.related:
        _check(related)
