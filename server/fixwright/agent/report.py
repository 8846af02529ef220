"""A turn as the JSON object that commands return and the command line prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

from fixwright.json_reading import as_object
from fixwright.runs.report import RunReport, run_report

if TYPE_CHECKING:
    from fixwright.agent.session import AgentSession, Turn
    from fixwright.workspace.text import Encoding


class ClaimReport(TypedDict):
    """Something that the agent says, and the run that shows it."""

    text: str
    evidence: str | None
    standing: Literal["shown", "stale", "failed", "unproven"]


class TurnUsage(TypedDict):
    """Tokens and money of a turn, all models together."""

    inputTokens: int
    outputTokens: int
    cacheReadTokens: int
    cacheWriteTokens: int
    costUsd: float | None
    turns: int


class AgentReport(TypedDict):
    """See "Public interface" in ARCHITECTURE.md."""

    sessionId: str | None
    status: Literal["done", "stale", "cancelled", "refused", "limit", "error"]
    reason: str | None
    text: str
    claims: list[ClaimReport]
    diff: str
    applied: bool
    proposalId: str | None
    runs: list[RunReport]
    usage: TurnUsage | None


def agent_report(session: AgentSession, turn: Turn, encoding: Encoding) -> AgentReport:
    """Everything about a turn; nothing is applied yet. Reads closed documents: off the loop."""
    usage, spent = turn.usage, turn.budget
    return AgentReport(
        sessionId=session.id,
        status=turn.ended.status,
        reason=turn.ended.reason,
        text=turn.ended.text,
        claims=[_claim(each) for each in turn.ended.claims],
        diff=session.draft.diff(),
        applied=False,
        proposalId=None,
        runs=[run_report(run, encoding) for run in session.runs],
        usage=TurnUsage(
            inputTokens=usage.input,
            outputTokens=usage.output,
            cacheReadTokens=usage.cache_read,
            cacheWriteTokens=usage.cache_write,
            costUsd=None if spent.unpriced else spent.usd,
            turns=spent.calls,
        ),
    )


def no_agent_report(
    status: Literal["stale", "cancelled", "refused", "error"],
    reason: str,
    session: str | None = None,
) -> AgentReport:
    """The report of a turn that did not come to its end."""
    return AgentReport(
        sessionId=session, status=status, reason=reason, text="", claims=[], diff="",
        applied=False, proposalId=None, runs=[], usage=None,
    )  # fmt: skip


def _claim(data: object) -> ClaimReport:
    said = as_object(data)
    evidence, standing = said.get("evidence"), said.get("standing")
    known: dict[object, Literal["shown", "stale", "failed"]] = {
        "shown": "shown", "stale": "stale", "failed": "failed",
    }  # fmt: skip
    return ClaimReport(
        text=str(said.get("text", "")),
        evidence=evidence if isinstance(evidence, str) else None,
        standing=known.get(standing, "unproven"),
    )
