"""From a run's reports to failures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from fixwright.failures import fields
from fixwright.failures.endings import ending_of
from fixwright.failures.model import Failure, Frame, TestCounts, is_inside
from fixwright.workspace.position import Range
from fixwright_sandbox.events import Result

_MOST_FAILURES = 1_000
_MOST_FRAMES = 200
_MOST_NOTES = 50
_DEEPEST = 16
_MOST_RELATED = 200
_MOST_FIXES = 20
_MOST_WARNINGS = 200
_LONGEST_KIND = 200

_WORSE = {"passed": 0, "skipped": 1, "failed": 2, "error": 2}


def failures_of(result: Result, job_path: str | None) -> tuple[Failure, ...]:
    """Return what went wrong in a run, in the order of its reports, its ending last.

    A failure lies at the innermost frame inside the tree; without one, at its test, else at
    `job_path`. Reports that make no sense are passed over: a run can only harm its own.

    Args:
        result: the run's result.
        job_path: the file that was run, as a path in the tree.
    """
    found = [
        failure
        for report in result.reports[: 10 * _MOST_FAILURES]
        for failure in _of_report(report, job_path)
    ][:_MOST_FAILURES]
    ending = ending_of(result, job_path, explained=bool(found))
    return (*found, ending) if ending is not None else tuple(found)


def warnings_of(result: Result, job_path: str | None) -> tuple[Failure, ...]:
    """Return what a tool warned of, in the order of its reports. No warning fails a run."""
    found = (
        _of_diagnostic(report, job_path)
        for report in result.reports[: 10 * _MOST_FAILURES]
        if report.get("type") == "diagnostic" and report.get("severity") == "warning"
    )
    return tuple(islice(found, _MOST_WARNINGS))


def test_outcomes(result: Result) -> dict[str, str]:
    """Return how each test ended, by its id: "passed", "failed", "skipped" or "error".

    A test that is reported several times, such as one whose tear-down fails too, is there once,
    with the worst of it. What can't be collected stands there as an error, under its file's name.
    """
    outcomes: dict[str, str] = {}
    for report in result.reports:
        outcome = fields.text(report.get("outcome"))
        if report.get("type") == "test" and outcome in _WORSE:
            name = fields.text(report.get("id"))
            if _WORSE[outcome] >= _WORSE[outcomes.get(name, "passed")]:
                outcomes[name] = outcome
    return outcomes


def test_counts(result: Result) -> TestCounts | None:
    """Return how many tests passed, failed and were skipped; None where no test was reported."""
    outcomes = test_outcomes(result)
    if not outcomes:
        return None
    values = list(outcomes.values())
    passed, skipped = values.count("passed"), values.count("skipped")
    return TestCounts(passed=passed, failed=len(values) - passed - skipped, skipped=skipped)


test_outcomes.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]  # pytest: not a test
test_counts.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]  # pytest: not a test


def _of_report(report: Mapping[str, object], job_path: str | None) -> Iterator[Failure]:
    kind = report.get("type")
    if kind == "exception":
        yield _of_exception(report, job_path)
    elif kind == "diagnostic" and report.get("severity") == "error":
        yield _of_diagnostic(report, job_path)
    elif kind == "bash":
        yield _of_bash(report, job_path)
    elif kind == "test" and report.get("outcome") in ("failed", "error"):
        yield _of_test(report, job_path)


def _of_exception(report: Mapping[str, object], job_path: str | None) -> Failure:
    return _of_link(report, job_path, _DEEPEST, iter(range(_MOST_RELATED)))


def _of_link(
    report: Mapping[str, object], job_path: str | None, depth: int, room: Iterator[int]
) -> Failure:
    frames = _frames(report)
    path, where = _place(report, frames)
    thread = fields.text_or_none(report.get("thread"), _LONGEST_KIND)
    left_out = fields.number(report.get("framesLeftOut"))
    notes = fields.texts(report.get("notes"), _MOST_NOTES)
    if thread:
        notes += (f"in {thread}",)
    if left_out:
        notes += (f"{left_out} frames between are left out",)
    return Failure(
        kind=fields.text(report.get("kind"), _LONGEST_KIND) or "Exception",
        message=fields.text(report.get("message")),
        path=job_path if path is None else path,
        range=where,
        frames=frames,
        notes=notes,
        suggestion=fields.text_or_none(report.get("suggestion"), _LONGEST_KIND),
        facts=_facts(report),
        related=tuple(_related(report, job_path, depth - 1, room)) if depth else (),
    )


def _related(
    report: Mapping[str, object], job_path: str | None, depth: int, room: Iterator[int]
) -> Iterator[Failure]:
    members = fields.items(report.get("exceptions"), _MOST_RELATED)
    for value in (report.get("cause"), report.get("context"), *members):
        related = fields.mapping(value)
        if related is not None and next(room, None) is not None:
            yield _of_link(related, job_path, depth, room)


def _of_test(report: Mapping[str, object], job_path: str | None) -> Failure:
    test_id = fields.text_or_none(report.get("id"), _LONGEST_KIND * 5)
    path, line = fields.path(report.get("path")), fields.number(report.get("line"))
    if path is not None and not is_inside(path):
        path = None
    at_test = Range.at(line, 0) if path is not None and line is not None else None
    exception = fields.mapping(report.get("exception"))
    if exception is None:
        message = f"the test ended with {fields.text(report.get('outcome'), _LONGEST_KIND)}"
        return Failure("Failed", message, path or job_path, at_test, test_id=test_id)
    failure = replace(_of_exception(exception, None), test_id=test_id)
    if failure.path is None:
        failure = replace(failure, path=path or job_path, range=at_test)
    return failure


def _of_bash(report: Mapping[str, object], job_path: str | None) -> Failure:
    path = fields.path(report.get("path"))
    inside = path is not None and is_inside(path)
    facts = _facts(report)
    for key in ("command", "status"):
        if report.get(key) is not None:
            facts[key] = fields.json_value(report[key])
    return Failure(
        kind=fields.text(report.get("kind"), _LONGEST_KIND) or "CommandFailed",
        message=fields.text(report.get("message")),
        path=path if inside else job_path,
        range=fields.span(report) if inside else None,
        frames=_frames(report),
        notes=fields.texts(report.get("notes"), _MOST_NOTES),
        facts=facts,
    )


def _of_diagnostic(report: Mapping[str, object], job_path: str | None) -> Failure:
    """What a compiler or a checker says of a place, before anything runs."""
    facts = _facts(report)
    if report.get("fixes"):
        facts["fixes"] = fields.json_value(list(fields.items(report["fixes"], _MOST_FIXES)))
    path, where = _place_of(report)
    related = (fields.mapping(each) for each in fields.items(report.get("related"), _MOST_NOTES))
    return Failure(
        kind=fields.text(report.get("kind"), _LONGEST_KIND) or "CompileError",
        message=fields.text(report.get("message")),
        path=job_path if path is None else path,
        range=where,
        notes=fields.texts(report.get("notes"), _MOST_NOTES),
        suggestion=fields.text_or_none(report.get("suggestion"), _LONGEST_KIND),
        facts=facts,
        related=tuple(_of_note(each) for each in related if each is not None),
    )


def _of_note(note: Mapping[str, object]) -> Failure:
    path, where = _place_of(note)
    return Failure("note", fields.text(note.get("message")), path, where)


def _place_of(report: Mapping[str, object]) -> tuple[str | None, Range | None]:
    path = fields.path(report.get("path"))
    inside = path is not None and is_inside(path)
    return (path, fields.span(report)) if inside else (None, None)


def _place(
    report: Mapping[str, object], frames: tuple[Frame, ...]
) -> tuple[str | None, Range | None]:
    place = fields.mapping(report.get("place"))
    if place is not None:
        path = fields.path(place.get("path"))
        if path is not None and is_inside(path):
            return path, fields.span(place)
    for frame in reversed(frames):
        if frame.inside:
            return frame.path, frame.range
    return None, None


def _frames(report: Mapping[str, object]) -> tuple[Frame, ...]:
    found: list[Frame] = []
    for value in fields.items(report.get("frames"), _MOST_FRAMES):
        frame = fields.mapping(value)
        path = None if frame is None else fields.path(frame.get("path"))
        if frame is not None and path is not None:
            name = fields.text(frame.get("name"), _LONGEST_KIND)
            found.append(Frame(path, fields.span(frame), name))
    return tuple(found)


def _facts(report: Mapping[str, object]) -> dict[str, object]:
    facts = fields.mapping(fields.json_value(report.get("facts")))
    return dict(facts) if facts is not None else {}
