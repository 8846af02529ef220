"""What a workspace asks for, and what became of it, as the JSON object that commands return."""

from __future__ import annotations

from typing import Literal, TypedDict

from fixwright.runs.dependencies import Ask
from fixwright_sandbox.dependencies.install import Installed

DependencyStatus = Literal["planned", "nothing", "installed", "failed", "refused", "cancelled"]


class PackageReport(TypedDict):
    """One package that is asked for."""

    name: str
    constraint: str
    origin: str


class ReleaseReport(TypedDict):
    """One package that is installed."""

    name: str
    version: str


class DependencyReport(TypedDict):
    """See "Public interface" in ARCHITECTURE.md."""

    status: DependencyStatus
    reason: str | None
    runtime: str | None
    key: str | None
    locked: bool
    packages: list[PackageReport]
    installed: list[ReleaseReport]
    conflicts: list[str]
    unknown: list[PackageReport]
    problems: list[str]
    output: str


def dependency_report(
    status: DependencyStatus, reason: str | None, ask: Ask | None, installed: Installed | None
) -> DependencyReport:
    """Tell it."""
    wanted = ask.wanted if ask is not None else None
    record = installed.record if installed is not None else None
    result = installed.result if installed is not None else None
    said = b"" if result is None else result.stdout.data + result.stderr.data
    return DependencyReport(
        status=status,
        reason=reason,
        runtime=wanted.runtime if wanted else None,
        key=wanted.key if wanted else None,
        locked=wanted.locked if wanted else False,
        packages=[
            PackageReport(name=each.name, constraint=each.constraint, origin=each.origin)
            for each in (wanted.packages if wanted else ())
        ],
        installed=[
            ReleaseReport(name=each.name, version=each.version)
            for each in (record.releases if record else ())
        ],
        conflicts=[each.message for each in (wanted.conflicts if wanted else ())],
        unknown=[
            PackageReport(name=each.name, constraint="", origin=each.origin)
            for each in (wanted.unknown if wanted else ())
        ],
        problems=list(wanted.problems if wanted else ()),
        output=said.decode("utf-8", "replace"),
    )
