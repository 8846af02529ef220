"""`ask`: a question to the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from fixwright.agent.tools.arguments import Arguments
from fixwright.agent.tools.spec import Outcome
from fixwright.agent.tools.typed import TypedTool

if TYPE_CHECKING:
    from fixwright.agent.desk import Desk
    from fixwright.agent.tools.spec import Effect


class AskArguments(Arguments):
    """What `ask` takes."""

    question: str = Field(min_length=1, max_length=500)
    options: list[str] = Field(
        min_length=2, max_length=4, description="The answers to choose from, a few words each."
    )


class AskTool(TypedTool[AskArguments]):
    """Asks the user to choose."""

    name = "ask"
    description = (
        "Ask the user to choose, when the task can be read in ways that lead to different work."
    )
    effect: Effect = "ask"

    def __init__(self) -> None:
        super().__init__(AskArguments)

    def sentence(self, given: AskArguments) -> str:
        """As a person is asked."""
        return f"ask: {given.question}"

    async def work(self, given: AskArguments, desk: Desk) -> Outcome:
        """Ask, and wait."""
        answer = await desk.ask(given.question, given.options)
        if answer is None:
            return Outcome("The user did not answer. Take the safest reading, and say which.")
        return Outcome(f"The user chose: {answer}")
