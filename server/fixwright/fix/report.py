"""A fix as the JSON object that commands return and the command line prints."""

from __future__ import annotations

from typing import Literal, TypedDict

from fixwright.fix.fix import Fix
from fixwright.runs.report import RunReport, run_report
from fixwright.workspace.text import Encoding


class UsageReport(TypedDict):
    """Tokens and money that a model took."""

    inputTokens: int
    outputTokens: int
    cacheReadTokens: int
    cacheWriteTokens: int
    costUsd: float | None


class FixReport(TypedDict):
    """See "Public interface" in ARCHITECTURE.md."""

    status: Literal["verified", "unverified", "none", "stale", "cancelled", "refused", "error"]
    reason: str | None
    rung: str | None
    title: str
    evidence: str
    diff: str
    applied: bool
    before: RunReport | None
    after: RunReport | None
    attempts: int
    usage: UsageReport | None


def fix_report(fix: Fix, encoding: Encoding) -> FixReport:
    """Everything about a fix, not applied yet. Reads closed documents: call it off the loop."""
    usage = fix.usage
    spent = usage.input or usage.output
    return FixReport(
        status=fix.status,
        reason=fix.reason,
        rung=fix.rung,
        title=fix.title,
        evidence=fix.evidence,
        diff=fix.draft.diff(),
        applied=False,
        before=run_report(fix.before, encoding),
        after=run_report(fix.after, encoding) if fix.after else None,
        attempts=fix.attempts,
        usage=UsageReport(
            inputTokens=usage.input,
            outputTokens=usage.output,
            cacheReadTokens=usage.cache_read,
            cacheWriteTokens=usage.cache_write,
            costUsd=fix.cost_usd,
        )
        if spent
        else None,
    )


def no_fix_report(
    status: Literal["stale", "cancelled", "refused", "error"], reason: str
) -> FixReport:
    """The report where no fix was looked for to the end."""
    return FixReport(
        status=status, reason=reason, rung=None, title="", evidence="", diff="", applied=False,
        before=None, after=None, attempts=0, usage=None,
    )  # fmt: skip
