"""A run as the JSON object that commands return and the command line prints."""

from __future__ import annotations

from typing import Literal, TypedDict

from fixwright.failures.model import Failure, Frame
from fixwright.runs.run import Run
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.position import Range
from fixwright.workspace.text import Encoding, Text
from fixwright_sandbox import Captured, ChangedFile, Result, Status

OUTPUT_LIMIT = 64 << 10
"""Characters of each stream that a report holds, half from its head and half from its tail."""


class WirePosition(TypedDict):
    """A position in the editor's units."""

    line: int
    character: int


class WireRange(TypedDict):
    """A range in the editor's units."""

    start: WirePosition
    end: WirePosition


class FrameReport(TypedDict):
    """One call on the way to a failure."""

    uri: str | None
    range: WireRange | None
    name: str


class FailureReport(TypedDict):
    """One failure, with its place in the workspace."""

    kind: str
    message: str
    uri: str | None
    range: WireRange | None
    testId: str | None
    notes: list[str]
    frames: list[FrameReport]
    related: list[FailureReport]


class TestsReport(TypedDict):
    """How many tests did what."""

    passed: int
    failed: int
    skipped: int


class FileReport(TypedDict):
    """A file that the run wrote, in its copy of the workspace."""

    path: str
    change: str
    bytes: int


RunStatus = Status | Literal["refused"]


class RunReport(TypedDict):
    """See "Public interface" in ARCHITECTURE.md."""

    runId: str
    title: str
    status: RunStatus
    reason: str | None
    exitCode: int | None
    signal: str | None
    durationMs: float
    startMs: float
    backend: str
    image: str | None
    peakMemoryBytes: int | None
    stdout: str
    stderr: str
    truncated: bool
    failures: list[FailureReport]
    warnings: list[FailureReport]
    tests: TestsReport | None
    files: list[FileReport]
    results: list[dict[str, object]]


def run_report(run: Run, encoding: Encoding) -> RunReport:
    """Everything about a finished run. Reads closed documents: call it off the loop."""
    result = run.result
    places = _Places(run.draft, encoding)
    stdout, stderr = _shown(result.stdout), _shown(result.stderr)
    status: RunStatus = result.status
    if status == "passed" and run.failures:
        status = "failed"
    return RunReport(
        runId=run.id,
        title=run.title,
        status=status,
        reason=_reason(run),
        exitCode=result.exit_code,
        signal=result.signal,
        durationMs=round(result.duration * 1000, 3),
        startMs=round(result.started_at * 1000, 3),
        backend=result.backend,
        image=result.image,
        peakMemoryBytes=result.peak_memory,
        stdout=stdout[0],
        stderr=stderr[0],
        truncated=stdout[1] or stderr[1],
        failures=[_failure(run, failure, places) for failure in run.failures],
        warnings=[_failure(run, warning, places) for warning in run.warnings],
        tests=_tests(run),
        files=[_file(file) for file in result.files],
        results=[dict(each) for each in run.shown],
    )


def refused_report(title: str, reason: str, *, status: RunStatus = "refused") -> RunReport:
    """The report of a run that was not started."""
    return RunReport(
        runId="", title=title, status=status, reason=reason, exitCode=None, signal=None,
        durationMs=0.0, startMs=0.0, backend="none", image=None, peakMemoryBytes=None,
        stdout="", stderr="", truncated=False, failures=[], warnings=[], tests=None, files=[],
        results=[],
    )  # fmt: skip


def _reason(run: Run) -> str | None:
    """Why it did not pass, and what the runtime remarked; None when there is nothing to say."""
    ended = "" if run.passed else (run.result.message or run.outcome)
    return " ".join(part for part in (ended, *run.remarks) if part) or None


def _tests(run: Run) -> TestsReport | None:
    counts = run.tests
    if counts is None:
        return None
    return TestsReport(passed=counts.passed, failed=counts.failed, skipped=counts.skipped)


def _file(file: ChangedFile) -> FileReport:
    return FileReport(path=file.path, change=file.change, bytes=file.size)


def _shown(captured: Captured) -> tuple[str, bool]:
    """The text of a stream, and whether something of it is left out."""
    half = OUTPUT_LIMIT // 2
    if captured.omitted:
        head, tail = _decoded(captured.head)[:half], _decoded(captured.tail)[-half:]
    else:
        text = _decoded(captured.data)
        if len(text) <= OUTPUT_LIMIT:
            return _encoded(text).decode(errors="replace"), False
        head, tail = text[:half], text[-half:]
    first, last = _encoded(head), _encoded(tail)
    left_out = captured.total - len(first) - len(last)
    shown = (part.decode(errors="replace") for part in (first, last))
    return f"\n… {left_out} bytes left out …\n".join(shown), True


def _decoded(data: bytes) -> str:
    """Text that can be cut and still tells how many bytes it was."""
    return data.decode(errors="surrogateescape")


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _failure(run: Run, failure: Failure, places: _Places) -> FailureReport:
    uri = run.uri_of(failure)
    return FailureReport(
        kind=failure.kind,
        message=failure.message,
        uri=uri,
        range=places.wire(uri, failure.range),
        testId=failure.test_id,
        notes=list(failure.notes),
        frames=[_frame(run, frame, places) for frame in failure.frames],
        related=[_failure(run, other, places) for other in failure.related],
    )


def _frame(run: Run, frame: Frame, places: _Places) -> FrameReport:
    uri = run.root.uri_of(frame.path)
    return FrameReport(uri=uri, range=places.wire(uri, frame.range), name=frame.name)


class _Places:
    """Converts ranges over the text that ran to the editor's units, reading each text once."""

    def __init__(self, draft: Draft, encoding: Encoding) -> None:
        self._draft = draft
        self._encoding = encoding
        self._texts: dict[str, Text | None] = {}

    def wire(self, uri: str | None, place: Range | None) -> WireRange | None:
        if uri is None or place is None:
            return None
        text = self._text(uri)
        if text is None:
            return None
        start = text.to_client(place.start, self._encoding)
        end = text.to_client(place.end, self._encoding)
        return WireRange(
            start=WirePosition(line=start[0], character=start[1]),
            end=WirePosition(line=end[0], character=end[1]),
        )

    def _text(self, uri: str) -> Text | None:
        if uri not in self._texts:
            try:
                self._texts[uri] = self._draft.document(uri).text
            except UnknownDocument:  # written by the run and gone again, or not text
                self._texts[uri] = None
        return self._texts[uri]


def result_line(result: Result) -> str:
    """How a run ended, in one line: for logs and progress."""
    return f"{result.status} after {result.duration * 1000:.0f} ms on {result.backend}"
