"""Permission for each call: by the policy, by what was allowed before, or by asking the user."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from fixwright.agent.policy.fence import one_line
from fixwright.agent.policy.grants import Grant
from fixwright.agent.policy.kept import DecisionsLost
from fixwright.agent.policy.places import Places, plain_place

if TYPE_CHECKING:
    from fixwright.agent.policy.grants import AlwaysGrants
    from fixwright.agent.policy.policy import Policy, Ruling
    from fixwright.agent.tools.spec import Action

Answer: TypeAlias = Literal["once", "session", "always", "no"]

Settled: TypeAlias = Literal["allow", "deny", "once", "session", "always", "no"]
"""Allowed or denied without a question; or what was answered, now or before."""

_FILES_NAMED = 10

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What the user is asked.

    Attributes:
        call: the call's id.
        action: what is to be done.
        text: the question, on a few lines, with nothing in it that is not seen.
        answers: those that there are, each with its words for a button.
        grant: what "session" and "always" would cover.
    """

    call: str
    action: Action
    text: str
    answers: tuple[tuple[Answer, str], ...]
    grant: Grant


Asker: TypeAlias = Callable[[Question], Awaitable[Answer]]
"""Asks the user; when it is cancelled it withdraws the question. Anything but an answer that the
question has is a no."""


async def nobody(question: Question) -> Answer:
    """Where nobody can be asked."""
    del question
    return "no"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a call may work.

    Attributes:
        allowed: whether it may.
        decision: how that came about.
        by: the rule, the protection, or the person.
        grant: what was allowed beyond this call.
    """

    allowed: bool
    decision: Settled
    by: str
    grant: Grant | None = None

    @property
    def sentence(self) -> str:
        """Why, for the model and the transcript."""
        if self.allowed:
            return f"Allowed by {self.by}."
        who = "The user said no" if self.decision == "no" else "The policy forbids it"
        return (
            f"{who}, by {self.by}. Do not look for another way to the same end: do the task"
            " without it, or finish and say what is missing."
        )

    def event(self, action: Action, call: str) -> dict[str, object]:
        """What the session's journal keeps, as `permission`."""
        told: dict[str, object] = {
            "call": call,
            "action": action.sentence,
            "tool": action.tool,
            "effect": action.effect,
            "paths": list(action.paths),
            "command": action.command,
            "decision": self.decision,
            "by": self.by,
        }
        return told if self.grant is None else {**told, "grant": self.grant.data()}


class Permissions:
    """Permission in one turn. One question is asked at a time."""

    def __init__(
        self,
        policy: Policy,
        ask: Asker = nobody,
        always: AlwaysGrants | None = None,
        session: Iterable[Grant] = (),
        place: Places = plain_place,
    ) -> None:
        """Under a policy.

        Args:
            policy: with the mode; `headless` never asks.
            ask: the user.
            always: where "always" is kept; None offers no "always".
            session: what was allowed in this session before.
            place: finds what a name stands for; is called in a thread.
        """
        self.policy = policy
        self._ask = ask
        self._always = always
        self._session = list(session)
        self._place = place
        self._one = asyncio.Lock()

    @property
    def granted(self) -> tuple[Grant, ...]:
        """What is allowed in this session, by answers."""
        return tuple(self._session)

    async def permit(self, action: Action, call: str) -> Verdict:
        """Decide about a call; asks where that is needed. Cancelling it withdraws the question."""
        ruling = await asyncio.to_thread(self._judged, action)
        judgement = ruling.judgement
        if judgement.decision != "ask":
            return Verdict(judgement.decision == "allow", judgement.decision, judgement.by)
        async with self._one:  # what was asked meanwhile may have been the same
            before = await self._before(action) if ruling.standing else None
            return before or await self._asked(action, call, ruling)

    def _judged(self, action: Action) -> Ruling:
        return self.policy.judge(action, [self._place(name) for name in action.paths])

    async def _before(self, action: Action) -> Verdict | None:
        if any(each.covers(action) for each in self._session):
            return Verdict(True, "allow", "your answer, for this session")
        if self._always is None:
            return None
        kept = await asyncio.to_thread(self._always.all)
        if any(each.covers(action) for each in kept):
            return Verdict(True, "allow", "your answer, for always")
        return None

    async def _asked(self, action: Action, call: str, ruling: Ruling) -> Verdict:
        by = ruling.judgement.by
        if self.policy.mode == "headless":
            return Verdict(False, "deny", f"{by}; it would have to be asked, and nobody is there")
        question = question_of(action, call, ruling, keeps=self._always is not None)
        try:
            answer = await self._ask(question)
        except Exception:  # whatever the editor's side raises: no answer is a no
            log.exception("The question could not be asked.")
            return Verdict(False, "no", f"{by}; the question could not be asked")
        offered = {each for each, _ in question.answers}
        if answer not in offered or answer == "no":
            return Verdict(False, "no", f"your answer; asked because of {by}")
        return await self._settled(answer, question.grant, by)

    async def _settled(self, answer: Answer, grant: Grant, by: str) -> Verdict:
        why = f"your answer; asked because of {by}"
        if answer == "once":
            return Verdict(True, "once", why)
        self._session.append(grant)
        if answer == "always" and self._always is not None:
            try:
                await asyncio.to_thread(self._always.add, grant)
            except DecisionsLost as lost:
                log.warning("It is allowed for this session only: %s", lost)
                return Verdict(True, "session", f"{why}; for this session only: {lost}", grant)
            return Verdict(True, "always", why, grant)
        return Verdict(True, "session", why, grant)


def question_of(action: Action, call: str, ruling: Ruling, *, keeps: bool) -> Question:
    """The question about an action; all of it that a model wrote is made visible first."""
    grant = Grant.of(action)
    lines = [f"The agent wants to {one_line(action.sentence or f'use {action.tool}')}."]
    if action.command is not None:
        lines.append(f"Command: {one_line(action.command, 2000)}")
    if action.paths:
        lines.append(f"Files: {', '.join(one_line(each) for each in action.paths[:_FILES_NAMED])}")
        more = len(action.paths) - _FILES_NAMED
        lines += [f"… and {more} more"] if more > 0 else []
    lines.append(f"Asked because of {one_line(ruling.judgement.by, 500)}.")
    answers: list[tuple[Answer, str]] = [("once", "Once")]
    if ruling.standing:
        lines.append(f"“This session”{' and “Always”' if keeps else ''} mean: {_covered(grant)}.")
        answers.append(("session", "This session"))
        if keeps:
            answers.append(("always", "Always"))
    answers.append(("no", "No"))
    return Question(call, action, "\n".join(lines), tuple(answers), grant)


def _covered(grant: Grant) -> str:
    if grant.command is not None:
        return f"{grant.tool} with exactly this command"
    if grant.paths:
        return f"{grant.tool} with these files"
    return f"{grant.tool}, whatever it is given"
