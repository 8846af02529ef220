"""A finished run as the object that commands return: truthful, bounded, in the editor's units."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixwright.runs.report import (
    OUTPUT_LIMIT,
    RunReport,
    RunStatus,
    WireRange,
    refused_report,
    run_report,
)
from fixwright.runs.target import Target
from fixwright.workspace.draft import Draft
from fixwright.workspace.text import Encoding
from fixwright_sandbox import Captured, ChangedFile, Result, Status
from support.made_runs import URI, exception, made_run, of_test, result, workspace

CODE = "x = '😀é' + y\r\n\nprint(x)\n"


def report_of(made: Result, code: str = CODE, encoding: Encoding = Encoding.UTF16) -> RunReport:
    return run_report(made_run(workspace(a=code), made), encoding)


@pytest.mark.parametrize("status", get_args(Status))
def test_each_status_is_told_with_its_reason(status: Status) -> None:
    said = "" if status == "passed" else f"It ended by {status}."
    report = report_of(result(status, message=said))
    assert (report["status"], report["reason"]) == (status, said or None)
    assert report["exitCode"] == {"passed": 0, "failed": 1}.get(status)
    assert [each["kind"] for each in report["failures"]] == {
        "passed": [], "cancelled": [], "failed": ["ExitStatus"]
    }.get(status, [status])  # fmt: skip
    json.dumps(report)


@pytest.mark.parametrize("status", get_args(RunStatus))
def test_a_run_that_was_not_started_has_every_field(status: RunStatus) -> None:
    report = refused_report("a.py", "Because.", status=status)
    assert (report["status"], report["reason"], report["title"]) == (status, "Because.", "a.py")
    assert report.keys() == report_of(result()).keys() == RunReport.__annotations__.keys()


def test_a_failure_in_a_thread_is_no_pass() -> None:
    report = report_of(result("passed", [exception("KeyError", "'x'", 0, thread="Thread-1")]))
    assert (report["status"], report["exitCode"]) == ("failed", 0)
    assert report["reason"] == "KeyError: 'x'"
    assert report["failures"][0]["notes"] == ["in Thread-1"]


def test_remarks_stand_behind_the_reason() -> None:
    note = {"type": "note", "message": "pytest is not installed."}
    assert report_of(result("passed", [note]))["reason"] == "pytest is not installed."
    failed = report_of(result("failed", [note, {"type": "note"}], message="It failed."))
    assert failed["reason"] == "It failed. pytest is not installed."


def test_numbers_are_milliseconds_and_bytes() -> None:
    files = (ChangedFile("out/a.txt", "created", 3, b"abc"),)
    report = report_of(result("passed", files=files))
    assert (report["durationMs"], report["startMs"]) == (250.0, 1_700_000_000_500.0)
    assert report["peakMemoryBytes"] == 1 << 20
    assert report["files"] == [{"path": "out/a.txt", "change": "created", "bytes": 3}]


def test_tests_are_counted() -> None:
    reports = [
        of_test("passed", "a.py::a"),
        of_test("error", "a.py::b", exception("KeyError", "'x'", 2)),
        of_test("skipped", "a.py::c"),
        of_test("failed", "a.py::d", exception("AssertionError", "", 2)),
    ]
    run = made_run(workspace(a=CODE), result("failed", reports), Target("tests", URI))
    report = run_report(run, Encoding.UTF16)
    assert report["tests"] == {"passed": 1, "failed": 2, "skipped": 1}
    assert [each["testId"] for each in report["failures"]] == ["a.py::b", "a.py::d"]
    assert report_of(result("passed"))["tests"] is None


# ---- places ----------------------------------------------------------------------------


def span(line: int, first: int, last: int) -> WireRange:
    return {"start": {"line": line, "character": first}, "end": {"line": line, "character": last}}


@pytest.mark.parametrize(
    ("encoding", "first"), [(Encoding.UTF8, 15), (Encoding.UTF16, 12), (Encoding.UTF32, 11)]
)
def test_ranges_are_in_the_editors_units(encoding: Encoding, first: int) -> None:
    made = result(reports=[exception("NameError", "name 'y' is not defined", 0, 11)])
    (failure,) = report_of(made, encoding=encoding)["failures"]
    assert (failure["uri"], failure["range"]) == (URI, span(0, first, first + 1))
    assert failure["frames"][0]["range"] == failure["range"]


def test_ranges_lie_in_the_text_that_ran() -> None:
    draft = Draft.over(workspace(a="y\n")).write(URI, "\n😀 + y\n")
    made = result(reports=[exception("NameError", "", 1, 4)])
    (failure,) = run_report(made_run(draft, made), Encoding.UTF16)["failures"]
    assert failure["range"] == span(1, 5, 6)


def test_a_place_that_the_text_does_not_have_is_its_end() -> None:
    made = result(reports=[exception("KeyError", "", 0, 99), exception("KeyError", "", 99)])
    one, other = report_of(made)["failures"]
    assert one["range"] == span(0, 13, 13)
    assert other["range"] == span(3, 0, 0)


@pytest.mark.parametrize(
    "path", ["/usr/lib/python3.11/json/decoder.py", "<string>", "<frozen runpy>"]
)
def test_frames_outside_the_tree_have_no_uri(path: str) -> None:
    said = exception("ValueError", "no", 2)
    said["frames"].append({"path": path, "line": 7, "name": "decode"})
    (failure,) = report_of(result(reports=[said]))["failures"]
    assert (failure["uri"], failure["range"]) == (URI, span(2, 0, 1))
    assert failure["frames"][1:] == [{"uri": None, "range": None, "name": "decode"}]


def test_frames_of_a_file_that_is_gone_have_no_range() -> None:
    said = exception("ValueError", "no", 0)
    said["frames"][0]["path"] = "written_by_the_run.py"
    (failure,) = report_of(result(reports=[said]))["failures"]
    assert failure["uri"] == "file:///made/written_by_the_run.py"
    assert failure["range"] is None


def test_what_was_being_handled_is_related() -> None:
    cause = exception("KeyError", "'x'", 0, 11)
    said = exception("ValueError", "no", 2, cause=cause)
    (failure,) = report_of(result(reports=[said]))["failures"]
    (related,) = failure["related"]
    assert (related["kind"], related["range"]) == ("KeyError", span(0, 12, 13))


# ---- output ----------------------------------------------------------------------------


def stdout_of(captured: Captured) -> tuple[str, bool]:
    report = report_of(result("passed", stdout=captured))
    return report["stdout"], report["truncated"]


def test_short_output_is_all_there() -> None:
    data = b"x" * (OUTPUT_LIMIT - 1) + b"\n"
    assert stdout_of(Captured(data, b"", len(data))) == (data.decode(), False)


def test_bytes_that_are_no_text_are_marked() -> None:
    assert stdout_of(Captured(b"a\xffb\xc3", b"", 4)) == ("a\ufffdb\ufffd", False)


def test_a_character_across_head_and_tail_is_one() -> None:
    data = "é".encode()
    assert stdout_of(Captured(data[:1], data[1:], 2)) == ("é", False)


def test_either_stream_may_be_cut() -> None:
    report = report_of(result("passed", stderr=Captured(b"a", b"z", 10)))
    assert (report["stderr"], report["truncated"]) == ("a\n… 8 bytes left out …\nz", True)


@settings(deadline=None, max_examples=40)
@given(
    unit=st.sampled_from([b"x", "é".encode(), "😀".encode(), b"\xff", b"\n"]),
    sizes=st.tuples(st.integers(0, 70_000), st.integers(0, 70_000)),
    lost=st.sampled_from([0, 1, 5_000_000]),
)
def test_what_is_left_out_is_counted(unit: bytes, sizes: tuple[int, int], lost: int) -> None:
    head, tail = unit * sizes[0], unit * sizes[1]
    total = len(head) + len(tail) + lost * len(unit)
    shown, truncated = stdout_of(Captured(head, tail, total))
    kept = shown.count(unit.decode(errors="replace"))
    if not truncated:
        assert kept == sizes[0] + sizes[1]
        return
    before, after = shown.split("\n… ")[0], shown.rsplit(" …\n")[-1]
    assert max(len(before), len(after)) <= OUTPUT_LIMIT // 2
    left_out = int(shown[len(before) + 3 :].split(" ", 1)[0])
    assert left_out == total - (len(before) + len(after)) * len(unit)
    assert left_out > 0
