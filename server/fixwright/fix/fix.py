"""A fix: an edit with its evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from fixwright.failures.model import Failure
from fixwright.models.types import Usage
from fixwright.runs.run import Run
from fixwright.workspace.draft import Draft

FixStatus = Literal["verified", "unverified", "none"]
Rung = Literal["rule", "search", "model"]


@dataclass(frozen=True)
class Fix:
    """What was found for a problem.

    `verified` means that `after` is a run of exactly `draft`, in which the failure of `before` is
    gone and no new one came. `reason` is a sentence whenever it is anything else.
    """

    status: FixStatus
    title: str
    reason: str | None
    rung: Rung | None
    draft: Draft
    before: Run
    after: Run | None
    attempts: int
    failure: Failure | None = None
    """The failure of `before` that it is about; None where no run has shown the problem."""
    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = None

    @property
    def evidence(self) -> str:
        """What was run and what came out, in one line."""
        before = f"before: {self.before.outcome}"
        return before if self.after is None else f"{before}; after: {self.after.outcome}"
