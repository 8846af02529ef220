"""What stands before and behind each call: permission, and the hooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.agent.policy.permissions import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixwright.agent.policy.hooks import Hooks
    from fixwright.agent.policy.permissions import Permissions
    from fixwright.agent.tools.spec import Action, Outcome


@dataclass(frozen=True, slots=True)
class Passage:
    """Whether a call may be made.

    Attributes:
        refusal: what the model is told when it may not; None when it may.
        said: what the session writes down.
        remarks: what the hooks have to say.
    """

    refusal: str | None
    said: Mapping[str, object]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guard:
    """Hooks see each call first, then the policy, then the user: nobody is asked for nothing."""

    permissions: Permissions
    hooks: Hooks

    async def before(self, action: Action, call: str) -> Passage:
        """Decide about a call; asks the user where that is needed."""
        heard = await self.hooks.before(action, call)
        if heard.blocked is not None:
            verdict = Verdict(False, "deny", heard.blocked)
        else:
            verdict = await self.permissions.permit(action, call)
        refusal = None if verdict.allowed else f"Not allowed: {action.sentence}. {verdict.sentence}"
        return Passage(refusal, verdict.event(action, call), heard.remarks)

    async def after(self, action: Action, call: str, outcome: Outcome) -> tuple[str, ...]:
        """Tell the hooks what came of a call; their remarks."""
        return await self.hooks.after(action, call, outcome)
