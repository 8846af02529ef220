"""What stands before and behind each call: the hooks, and the permission."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from fixwright.agent.policy.permissions import Permissions, Verdict

if TYPE_CHECKING:
    from fixwright.agent.policy.hooks import Hooks
    from fixwright.agent.tools.spec import Action, Outcome


class Gatekeeper:
    """Hooks see each call first, then the policy, then the user: nobody is asked for nothing."""

    def __init__(
        self, permissions: Permissions, hooks: Hooks, clean: Callable[[str], str] = str
    ) -> None:
        """With permissions and hooks; `clean` takes secrets out of what hooks are shown."""
        self.permissions = permissions
        self._hooks = hooks
        self._clean = clean
        self._remarks: defaultdict[Action, list[str]] = defaultdict(list)

    async def permit(self, action: Action, call: str) -> Verdict:
        """Before a call."""
        said = await self._hooks.before(action, call)
        if said.blocked is not None:
            return Verdict(False, "deny", said.blocked)
        verdict = await self.permissions.permit(action, call)
        if verdict.allowed and said.remarks:
            self._remarks[action] += said.remarks
        return verdict

    async def after(self, action: Action, outcome: Outcome, call: str = "") -> str:
        """Behind a call: what the hooks, those before it too, have to say; empty for nothing."""
        before = self._remarks.pop(action, [])
        shown = replace(outcome, text=self._clean(outcome.text))
        return "\n".join((*before, *await self._hooks.after(action, call, shown)))
