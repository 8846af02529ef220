"""The policy: rules, the mode, and the protected files, put together.

A verdict depends on what is to be done and on the user's settings. It never depends on what a file
holds, a tool has printed or a model has said: there is nothing in a text to which it would listen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from fixwright.agent.policy.places import Place, plain_place
from fixwright.agent.policy.protected import protection_of
from fixwright.agent.policy.rules import Judgement, Rule, judged, names_exactly, strictest
from fixwright.agent.tools.spec import Action
from fixwright.agent_config import UnreadEntry, WorkspaceRule

if TYPE_CHECKING:
    from fixwright.agent.tools.spec import Effect
    from fixwright.agent_config import AgentConfig, RuleConfig

Mode: TypeAlias = Literal["plan", "propose", "apply", "headless"]
"""`plan`: looks only. `propose`: works on a draft that is shown at the end. `apply`: its edits go
to the editor as they come. `headless`: nobody is there to be asked, and what would ask is denied.
"""

Approval: TypeAlias = Literal["ask", "edits", "auto"]
"""What goes unasked besides looking, drafting and the sandbox: nothing; edits into the editor;
those, and what tools do elsewhere."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policy says of an action.

    Attributes:
        judgement: the decision, and by what.
        standing: whether a question may be answered for good; otherwise each time anew.
    """

    judgement: Judgement
    standing: bool = True


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be done, in one mode and under one set of rules."""

    mode: Mode = "propose"
    approval: Approval = "ask"
    rules: tuple[Rule, ...] = ()

    def judge(self, action: Action, places: Sequence[Place] | None = None) -> Ruling:
        """Decide about an action; pure.

        Args:
            action: what is to be done.
            places: of its files; None takes their names as they are.
        """
        where = [plain_place(name) for name in action.paths] if places is None else places
        said = judged(self.rules, action, where) or self._default(action.effect)
        floor = [*self._mode_limit(action.effect), *self._floor(action, where)]
        standing = all(limit.decision != "ask" for limit in floor)
        return Ruling(strictest([said, *floor]), standing)

    def may_read(self, name: str, place: Callable[[str], Place] = plain_place) -> bool:
        """Whether a file's text may be seen: for tools that look into many files at once."""
        action = Action("read", "read", (name,))
        return self.judge(action, [place(name)]).judgement.decision == "allow"

    def _default(self, effect: Effect) -> Judgement:
        free = effect != "outside" or self.approval == "auto"
        if effect == "draft" and self.mode == "apply" and self.approval == "ask":
            free = False
        setting = f"agent.approval = {self.approval}"
        return Judgement("allow" if free else "ask", f"the mode {self.mode} with {setting}")

    def _mode_limit(self, effect: Effect) -> list[Judgement]:
        if self.mode != "plan" or effect in ("read", "ask"):
            return []
        return [Judgement("deny", "the mode plan, in which nothing is changed or run")]

    def _floor(self, action: Action, places: Sequence[Place]) -> list[Judgement]:
        """What no rule lifts."""
        found: list[Judgement] = []
        if action.effect == "outside" and action.command is not None:
            found.append(Judgement("ask", "a command outside the sandbox is always asked about"))
        for place in places:
            if place.outside:
                link = f"{place.names[0]} is a link that leads out of the workspace"
                found.append(Judgement("ask", link))
            found += self._protected(action, place)
        return found

    def _protected(self, action: Action, place: Place) -> list[Judgement]:
        found: list[Judgement] = []
        for name in dict.fromkeys(place.all):
            protection = protection_of(name)
            if protection is None:
                continue
            why = f"the protection of {name}: it {protection.what}"
            if action.effect != "read":
                found.append(Judgement("ask", why))
            elif protection.is_secret and not names_exactly(self.rules, place):
                lifted = "only a rule of yours that allows it by its whole name lets it be read"
                found.append(Judgement("deny", f"{why}; {lifted}"))
        return found


def policy_of(agent: AgentConfig, mode: Mode) -> Policy:
    """The policy that the settings say."""
    return Policy(mode, agent.approval, tuple(_rule(each) for each in agent.rules))


def _rule(told: RuleConfig | UnreadEntry) -> Rule:
    """What can't be read asks about everything: it may have been meant to hold something back."""
    if isinstance(told, UnreadEntry):
        return _UNREAD
    whose = f"the rule of {told.origin}" if isinstance(told, WorkspaceRule) else "your rule"
    try:
        return Rule(told.decision, told.tool, told.path, told.command, whose)
    except ValueError:
        return _UNREAD


_UNREAD = Rule("ask", origin="a rule that can't be read:")
