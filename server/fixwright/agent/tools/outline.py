"""`outline`: the ranked map of the code, for a focus and within a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from fixwright.agent.tools.arguments import Arguments
from fixwright.agent.tools.spec import Outcome, Refused
from fixwright.agent.tools.typed import TypedTool
from fixwright.index.ranked_map import Focus, ranked_map
from fixwright.index.workspace_index import IndexUnavailable
from fixwright.models.tokens import estimate_tokens
from fixwright.workspace.paths import uri_to_path

if TYPE_CHECKING:
    from fixwright.agent.desk import Desk
    from fixwright.agent.tools.spec import Effect


class OutlineArguments(Arguments):
    """What `outline` takes."""

    focus: list[str] = Field(
        default_factory=list,
        max_length=20,
        description="Files, names of definitions, or words that matter now. Empty: the whole.",
    )
    budget_tokens: int = Field(default=2000, ge=200, le=8000)


class OutlineTool(TypedTool[OutlineArguments]):
    """Shows the most important definitions by their signatures."""

    name = "outline"
    description = (
        "The map of the code: the definitions that matter most for a focus, as signatures. It shows"
        " the files as saved or open, without your edits."
    )
    effect: Effect = "read"

    def __init__(self) -> None:
        super().__init__(OutlineArguments)

    def sentence(self, given: OutlineArguments) -> str:
        """As a person is asked."""
        return f"see the outline of {', '.join(given.focus) or 'the workspace'}"

    async def work(self, given: OutlineArguments, desk: Desk) -> Outcome:
        """Draw it."""
        if desk.index is None:
            raise Refused("There is no index, because no folder is open. Use read.")
        try:
            drawn = await ranked_map(
                desk.index, _focus(given.focus, desk), given.budget_tokens, estimate_tokens
            )
        except IndexUnavailable as error:
            raise Refused(f"The index can't be asked: {error} Use search and read.") from error
        if not drawn.text:
            return Outcome("Nothing is indexed that fits. Use search.")
        more = f"\n… {drawn.left_out} more definitions" if drawn.left_out else ""
        return Outcome(drawn.text + more)


def _focus(words: list[str], desk: Desk) -> Focus:
    """Each word is a file if there is one, else a symbol and a word."""
    files: list[str] = []
    rest: list[str] = []
    for word in words:
        try:
            path = uri_to_path(desk.names.uri(word))
        except Refused:
            path = None
        if path is not None and path.is_file():
            files.append(str(path))
        else:
            rest.append(word)
    return Focus(files, rest, rest)
