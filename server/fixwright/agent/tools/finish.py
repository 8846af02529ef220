"""`finish`: the end of a turn, with what is claimed and what shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from fixwright.agent.tools.arguments import Arguments
from fixwright.agent.tools.spec import Outcome
from fixwright.agent.tools.typed import TypedTool

if TYPE_CHECKING:
    from fixwright.agent.desk import Desk
    from fixwright.agent.tools.spec import Effect

Standing: TypeAlias = Literal["shown", "stale", "failed", "unproven"]
"""A claim's: its run passed with exactly this text, with another text, failed, or is not there."""


class Claim(BaseModel):
    """Something that is said to hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    evidence_id: str | None = Field(default=None, description="A run's id, as its result gave it.")


class FinishArguments(Arguments):
    """What `finish` takes."""

    summary: str = Field(description="What was done, for the user. Short.")
    claims: list[Claim] = Field(
        default_factory=list[Claim],
        max_length=20,
        description="What holds now, each with the run that shows it.",
    )


class FinishTool(TypedTool[FinishArguments]):
    """Ends the turn."""

    name = "finish"
    description = (
        "End your work. Cite a run for each claim: one without is shown to the user as unproven,"
        " and a run of an earlier text as stale."
    )
    effect: Effect = "ask"

    def __init__(self) -> None:
        super().__init__(FinishArguments)

    def sentence(self, given: FinishArguments) -> str:
        """As a person is asked."""
        del given
        return "finish"

    async def work(self, given: FinishArguments, desk: Desk) -> Outcome:
        """Judge the claims."""
        judged = [
            {
                "text": each.text,
                "evidence": each.evidence_id,
                "standing": standing(desk, each.evidence_id),
            }
            for each in given.claims
        ]
        return Outcome(
            "The turn is over.", data={"summary": given.summary, "claims": judged}, ends=True
        )


def standing(desk: Desk, evidence_id: str | None) -> Standing:
    """What a cited run says about the text as it is now."""
    evidence = desk.evidence.get(evidence_id or "")
    if evidence is None:
        return "unproven"
    if not evidence.run.passed:
        return "failed"
    return "shown" if desk.is_fresh(evidence) else "stale"
