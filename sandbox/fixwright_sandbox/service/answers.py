"""What the service answers with."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from fixwright_sandbox import Captured, ChangedFile, EnvironmentStats, Event, FileInfo, Result
from fixwright_sandbox.events import Status
from fixwright_sandbox.safety import Finding
from fixwright_sandbox.tree import Blob

from .accounts import Held, Kept, Run

_DEEPEST = 50
Encoding = Literal["utf-8", "base64"]


class Answer(BaseModel):
    """What all share."""

    model_config = ConfigDict(ser_json_inf_nan="null")


class Output(Answer):
    """One stream of output."""

    data: str
    encoding: Encoding = Field(description="base64 where it is no UTF-8.")
    total: int = Field(description="Bytes that were written.")
    omitted: int = Field(description="Bytes left out in the middle of `data`.")


class ChangedAnswer(Answer):
    """A file that a run changed."""

    path: str
    change: Literal["created", "modified", "deleted"]
    size: int
    executable: bool
    collected: bool = Field(description="Its content can be read below the run.")


class ResultAnswer(Answer):
    """How a run ended."""

    status: Status
    message: str
    exit_code: int | None
    signal: str | None
    started_at: float
    duration: float
    stdout: Output
    stderr: Output
    reports: list[dict[str, object]] = Field(description="Told by the code; not to be trusted.")
    files: list[ChangedAnswer]
    unlisted: int
    peak_memory: int | None
    cpu_user: float | None
    cpu_system: float | None
    backend: str
    image: str | None
    kept: bool


class RunEntry(Answer):
    """A run in short."""

    id: str
    state: Literal["waiting", "running", "ended"]
    status: Status | None = Field(description="How it ended, once it has.")
    asked_at: float
    events: int = Field(description="How many there are so far.")


class RunAnswer(RunEntry):
    """A run."""

    result: ResultAnswer | None


class EventAnswer(Answer):
    """One moment of a run. Fields that don't apply are left out."""

    seq: int = Field(description="From 0; `since` starts at one.")
    kind: Literal["start", "stdout", "stderr", "report", "file", "end"]
    t: float = Field(description="Seconds since the start.")
    data: str | None = None
    encoding: Encoding | None = None
    dropped: int | None = Field(None, description="Bytes of output left out before this.")
    report: dict[str, object] | None = None
    file: ChangedAnswer | None = None
    result: ResultAnswer | None = None


class FileAnswer(Answer):
    """A file of a sandbox."""

    path: str
    size: int
    executable: bool


class FilesAnswer(Answer):
    """Files of a sandbox, by path."""

    files: list[FileAnswer]


class SnapshotAnswer(Answer):
    """A remembered state."""

    name: str
    taken_at: float
    files: int


class SandboxAnswer(Answer):
    """A sandbox."""

    id: str
    label: str | None
    runtime: str
    created_at: float
    limits: dict[str, float | int | None]
    files: int
    bytes: int
    runs: int = Field(description="Runs that are remembered.")
    running: int
    snapshots: list[SnapshotAnswer]


class SandboxesAnswer(Answer):
    """Every sandbox of the token."""

    sandboxes: list[SandboxAnswer]


class RunsAnswer(Answer):
    """Every run that is remembered, the oldest first."""

    runs: list[RunEntry]


class SessionAnswer(Answer):
    """A session."""

    id: str
    runtime: str
    state: Literal["new", "alive", "lost", "closed"]
    why: str = Field(description="Why the state is lost, where it is.")
    running: bool
    created_at: float
    limits: dict[str, float | int | None]


class SessionsAnswer(Answer):
    """Every session of a sandbox, the oldest first."""

    sessions: list[SessionAnswer]


class EnvironmentAnswer(Answer):
    """What runs a sandbox's code, one process tree or container."""

    id: str
    state: str
    started_at: float
    runs: int
    memory: int | None
    cpu_seconds: float | None


class StatsAnswer(Answer):
    """What a sandbox uses now."""

    environments: list[EnvironmentAnswer]
    memory: int
    running: int
    files: int
    bytes: int


class RuntimeAnswer(Answer):
    """A runtime."""

    name: str
    title: str
    languages: list[str]
    extensions: list[str]
    tests: bool
    sessions: bool


class RuntimesAnswer(Answer):
    """What can be run."""

    runtimes: list[RuntimeAnswer]


class FindingAnswer(Answer):
    """One place where code would touch something; lines and columns from 0."""

    risk: str
    name: str
    message: str
    line: int
    column: int
    end_line: int
    end_column: int


class SafetyAnswer(Answer):
    """What code would touch by its text. It stops nothing."""

    summary: str
    findings: list[FindingAnswer]


class VersionAnswer(Answer):
    """Versions."""

    api: str
    package: str
    backend: str


class StateAnswer(Answer):
    """How the service is."""

    status: Literal["ok", "stopping"]


class WrittenAnswer(Answer):
    """How much standard input was taken."""

    written: int


def run_entry(run: Run) -> RunEntry:
    """A run as it is now, without what it wrote."""
    recording = run.execution.recording
    result = recording.result
    state = "ended" if result is not None else "running" if recording.events else "waiting"
    return RunEntry(
        id=run.id,
        state=state,
        status=result and result.status,
        asked_at=run.asked_at,
        events=len(recording.events),
    )


def run_answer(run: Run) -> RunAnswer:
    """A run as it is now."""
    result = run.execution.recording.result
    answer = None if result is None else result_answer(result)
    return RunAnswer(**run_entry(run).model_dump(), result=answer)


def session_answer(kept: Kept) -> SessionAnswer:
    """A session as it is now."""
    session = kept.session
    return SessionAnswer(
        id=kept.id,
        runtime=session.runtime,
        state=session.state,
        why=clean(session.why),
        running=session.running,
        created_at=kept.created_at,
        limits=asdict(session.limits),
    )


def event_answer(seq: int, event: Event) -> EventAnswer:
    """An event with its number."""
    answer = EventAnswer(seq=seq, kind=event.kind, t=event.t, dropped=event.dropped or None)
    if event.kind in {"stdout", "stderr"}:
        answer.data, answer.encoding = told(event.data)
    if event.file is not None:
        answer.file = changed_answer(event.file)
    if event.report is not None:
        answer.report = _report(event.report)
    if event.result is not None:
        answer.result = result_answer(event.result)
    return answer


def result_answer(result: Result) -> ResultAnswer:
    """A result, without the changed files' contents."""
    return ResultAnswer(
        status=result.status,
        message=clean(result.message),
        exit_code=result.exit_code,
        signal=result.signal,
        started_at=result.started_at,
        duration=result.duration,
        stdout=_output(result.stdout),
        stderr=_output(result.stderr),
        reports=[_report(each) for each in result.reports],
        files=[changed_answer(file) for file in result.files],
        unlisted=result.unlisted,
        peak_memory=result.peak_memory,
        cpu_user=result.cpu_user,
        cpu_system=result.cpu_system,
        backend=result.backend,
        image=result.image,
        kept=result.kept,
    )


def changed_answer(file: ChangedFile) -> ChangedAnswer:
    """A changed file without its content."""
    return ChangedAnswer(
        path=clean(file.path),
        change=file.change,
        size=file.size,
        executable=file.executable,
        collected=file.data is not None,
    )


def sandbox_answer(held: Held) -> SandboxAnswer:
    """A sandbox as it is now."""
    workspace = held.workspace
    return SandboxAnswer(
        id=held.id,
        label=held.label,
        runtime=workspace.runtime,
        created_at=held.created_at,
        limits=asdict(workspace.limits),
        files=len(workspace.tree),
        bytes=bytes_held(held),
        runs=len(held.runs),
        running=held.running,
        snapshots=[
            SnapshotAnswer(name=each.name, taken_at=each.taken_at, files=len(each.tree))
            for each in workspace.snapshots
        ],
    )


def stats_answer(held: Held, environments: Sequence[EnvironmentStats]) -> StatsAnswer:
    """What a sandbox uses now."""
    return StatsAnswer(
        environments=[
            EnvironmentAnswer(
                id=each.id,
                state=each.state,
                started_at=each.started_at,
                runs=each.runs,
                memory=each.memory,
                cpu_seconds=each.cpu_seconds,
            )
            for each in environments
        ],
        memory=sum(each.memory or 0 for each in environments),
        running=held.running,
        files=len(held.workspace.tree),
        bytes=bytes_held(held),
    )


def file_answer(file: FileInfo) -> FileAnswer:
    """A file of a sandbox."""
    return FileAnswer(path=file.path, size=file.size, executable=file.executable)


def finding_answer(finding: Finding) -> FindingAnswer:
    """A finding, with its sentence."""
    return FindingAnswer(**asdict(finding), message=clean(finding.message))


def bytes_held(held: Held) -> int:
    """Bytes of the files as they are now."""
    return sum(len(item.data) for item in held.workspace.tree.values() if isinstance(item, Blob))


def told(data: bytes) -> tuple[str, Encoding]:
    """Bytes as JSON can tell them."""
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(data).decode("ascii"), "base64"


def clean(text: str) -> str:
    """Text that UTF-8 can tell; what it can't is replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _output(stream: Captured) -> Output:
    data, encoding = told(stream.data)
    return Output(data=data, encoding=encoding, total=stream.total, omitted=stream.omitted)


def _report(report: Mapping[str, object]) -> dict[str, object]:
    """A report as JSON can tell it: the code that ran may have put anything into it."""
    return cast("dict[str, object]", _plain(report, 0))


def _plain(value: object, depth: int) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    return "…" if depth >= _DEEPEST else _plain_inside(value, depth)


def _plain_inside(value: object, depth: int) -> object:
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return {clean(str(key)): _plain(each, depth + 1) for key, each in pairs}
    if isinstance(value, (list, tuple)):
        return [_plain(each, depth + 1) for each in cast("Sequence[object]", value)]
    return clean(str(value))
