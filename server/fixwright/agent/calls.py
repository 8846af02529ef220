"""Carrying out the calls of one answer: permitted, recorded before and after, in their order."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from fixwright.agent.drafts import recorded
from fixwright.agent.observer import Observer, unseen
from fixwright.agent.tools.shown import clipped
from fixwright.agent.tools.spec import Action, Outcome, Refused
from fixwright.models.types import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from fixwright.agent.desk import Desk
    from fixwright.agent.records import Journal
    from fixwright.agent.tools.registry import Registry, Tool
    from fixwright.models.types import Call

log = logging.getLogger(__name__)

LONGEST_RESULT = 40_000
"""Characters of one result; tools keep themselves shorter, plugins may not."""


class Decision(Protocol):
    """Whether a call may be made, and by which rule."""

    @property
    def allowed(self) -> bool:
        """Whether it may."""
        ...

    @property
    def sentence(self) -> str:
        """Why, for the model and the transcript."""
        ...

    @property
    def by(self) -> str:
        """The rule, the grant or the answer that decided."""
        ...


class Gate(Protocol):
    """Decides about calls, asks the user where that is needed, and runs the hooks."""

    async def permit(self, action: Action, call: str) -> Decision:
        """Before a call."""
        ...

    async def after(self, action: Action, outcome: Outcome) -> str:
        """Behind a call: what the hooks have to say about it; empty for nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """One call's end.

    Attributes:
        call: what was asked for.
        result: what the model is told.
        outcome: what came of it; None where it was not made.
    """

    call: Call
    result: Result
    outcome: Outcome | None


@dataclass
class Hands:
    """Makes calls: those that only look side by side, all others one after the other.

    Attributes:
        clean: takes secrets out of a text that the model will see.
        repeats: how often each call gave the same result; see `most_repeated`.
    """

    desk: Desk
    tools: Registry
    gate: Gate
    journal: Journal
    clean: Callable[[str], str]
    observe: Observer = unseen
    repeats: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])

    async def make(self, calls: Sequence[Call]) -> tuple[Done, ...]:
        """All results, in the order of the calls."""
        done: list[Done] = []
        for alone, group in groupby(calls, key=lambda call: not self._looks(call)):
            await self.desk.refresh()
            several = list(group)
            if alone:
                for call in several:
                    done.append(await self._made(call))
                    await self.desk.refresh()
            else:
                done += await _all_of([self._made(call) for call in several])
        for each in done:
            self.repeats[_signature(each)] += 1
        return tuple(done)

    @property
    def most_repeated(self) -> int:
        """How often the call came that came most often, with the same result each time."""
        return max(self.repeats.values(), default=0)

    def _looks(self, call: Call) -> bool:
        tool = self.tools.get(call.name)
        return tool is not None and tool.effect == "read"

    async def _made(self, call: Call) -> Done:
        tool = self.tools.get(call.name)
        if tool is None:
            known = ", ".join(self.tools)
            return await self._ended(call, Outcome(f"There is no tool {call.name}: {known}.", True))
        try:
            if call.arguments is None:
                raise Refused("The arguments are not a JSON object. Call again with valid JSON.")
            action = tool.action(call.arguments, self.desk)
        except Refused as refusal:
            return await self._ended(call, Outcome(str(refusal), error=True))
        if (refusal := await self._forbidden(call, action)) is not None:
            return await self._ended(call, refusal)
        return await self._carried_out(call, tool, action)

    async def _forbidden(self, call: Call, action: Action) -> Outcome | None:
        decision = await self.gate.permit(action, call.id)
        said = {
            "call": call.id,
            "action": action.sentence,
            "decision": "allow" if decision.allowed else "deny",
            "by": decision.by,
        }
        await self.journal.append("permission", said)
        self.observe("permission", said)
        if decision.allowed:
            return None
        return Outcome(f"Not allowed: {decision.sentence}", error=True)

    async def _carried_out(self, call: Call, tool: Tool, action: Action) -> Done:
        begun = {"id": call.id, "name": call.name, "effect": action.effect}
        await self.journal.append("call", begun)
        self.observe("toolCall", {**begun, "call": call.id, "sentence": action.sentence})
        try:
            outcome = await tool.call(call.arguments, self.desk)
        except Refused as refusal:
            outcome = Outcome(str(refusal), error=True)
        except Exception as error:  # a plugin's, or a bug of ours: the turn goes on without it
            log.exception("the tool %s failed", call.name)
            sentence = f"The tool {call.name} failed: {error}. Do it another way."
            outcome = Outcome(sentence, error=True)
        remark = await self.gate.after(action, outcome)
        if remark:
            outcome = replace(outcome, text=f"{outcome.text}\n{remark}")
        return await self._ended(call, outcome)

    async def _ended(self, call: Call, outcome: Outcome) -> Done:
        told = self.desk.take_remarks()
        text = clipped(outcome.text, LONGEST_RESULT)
        text = self.clean(f"{text}\n{told}" if told else text)
        data: dict[str, object] = {"id": call.id, "text": text, "error": outcome.error}
        data |= outcome.data
        texts: tuple[str, ...] = ()
        if outcome.evidence is not None and outcome.report is not None:
            data["evidence"] = outcome.evidence
            await self.journal.append(
                "run", {"evidence": outcome.evidence, "report": outcome.report}
            )
        if outcome.draft is not None:
            data["draft"], texts = await asyncio.to_thread(recorded, outcome.draft)
            self.observe("diff", {"diff": await asyncio.to_thread(outcome.draft.diff)})
        await self.journal.append("result", data, texts)
        self.observe(
            "toolResult",
            {
                "call": call.id,
                "name": call.name,
                "error": outcome.error,
                "text": text,
                "evidence": outcome.evidence,
            },
        )
        return Done(call, Result(call.id, text, outcome.error), outcome)


async def _all_of(work: Sequence[Coroutine[object, object, Done]]) -> list[Done]:
    """Side by side; when one is cancelled all are."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
    return [task.result() for task in tasks]


def _signature(done: Done) -> tuple[str, str, str]:
    arguments = done.call.raw if done.call.arguments is None else done.call.arguments
    said = json.dumps(arguments, sort_keys=True, ensure_ascii=False)
    return done.call.name, said, sha256(done.result.text.encode("utf-8", "replace")).hexdigest()
