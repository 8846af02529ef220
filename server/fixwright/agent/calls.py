"""Carrying out the calls of one answer: permitted, recorded before and after, in their order."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

from fixwright.agent.drafts import recorded
from fixwright.agent.observer import Observer, unseen
from fixwright.agent.tools.shown import clipped
from fixwright.agent.tools.spec import Action, Outcome, Refused
from fixwright.models.types import Result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from fixwright.agent.desk import Desk
    from fixwright.agent.guard import Guard
    from fixwright.agent.policy.fence import Fence
    from fixwright.agent.records import Journal
    from fixwright.agent.tools.registry import Registry, Tool
    from fixwright.models.types import Call
    from fixwright.workspace.draft import Draft

log = logging.getLogger(__name__)

Deliver: TypeAlias = "Callable[[Draft, Journal], Awaitable[bool]]"
"""Hands verified changes over; whether they are taken, and written down as `applied`."""

LONGEST_RESULT = 40_000
"""Characters of one result; tools keep themselves shorter, plugins may not."""


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
        guard: before and behind each call.
        fence: around what comes from files and programs.
        clean: takes secrets out of a text that the model will see.
        repeats: how often each call gave the same result; see `most_repeated`.
    """

    desk: Desk
    tools: Registry
    guard: Guard
    journal: Journal
    fence: Fence
    clean: Callable[[str], str]
    observe: Observer = unseen
    deliver: Deliver | None = None
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
                    await self._deliver(done[-1])
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
            return await self._refused(call, f"There is no tool {call.name}. There are: {known}.")
        try:
            if call.arguments is None:
                raise Refused("The arguments are not a JSON object. Call again with valid JSON.")
            action = tool.action(call.arguments, self.desk)
        except Refused as refusal:
            return await self._refused(call, str(refusal))
        passage = await self.guard.before(action, call.id)
        await self.journal.append("permission", passage.said)
        self.observe("permission", passage.said)
        if passage.refusal is not None:
            return await self._refused(call, passage.refusal)
        return await self._carried_out(call, tool, action, passage.remarks)

    async def _carried_out(
        self, call: Call, tool: Tool, action: Action, remarks: tuple[str, ...]
    ) -> Done:
        begun = {"id": call.id, "name": call.name, "effect": action.effect}
        await self.journal.append("call", begun)
        self.observe("toolCall", {**begun, "call": call.id, "sentence": action.sentence})
        try:
            outcome = await tool.call(call.arguments, self.desk)
        except Refused as refusal:
            return await self._refused(call, str(refusal))
        except Exception as error:  # a plugin's, or a bug of ours: the turn goes on without it
            log.exception("the tool %s failed", call.name)
            kind = type(error).__name__  # what it says may be a stranger's words
            sentence = f"The tool {call.name} failed ({kind}). Do it another way."
            return await self._refused(call, sentence)
        text = clipped(self.clean(outcome.text), LONGEST_RESULT)
        outcome = replace(outcome, text=text)
        remarks = (*remarks, *await self.guard.after(action, call.id, outcome))
        if action.effect != "ask":
            text = self.fence.around(call.id, f"{call.name} {' '.join(action.paths)}".strip(), text)
        return await self._ended(call, outcome, text, remarks)

    async def _deliver(self, done: Done) -> None:
        """Hand over what a run has just shown to hold, where that is wanted."""
        evidence = self.desk.evidence.get((done.outcome and done.outcome.evidence) or "")
        if self.deliver is None or evidence is None or not evidence.run.passed:
            return
        if self.desk.draft.is_empty or not self.desk.is_fresh(evidence):
            return
        if await self.deliver(self.desk.draft, self.journal):
            self.desk.delivered()

    async def _refused(self, call: Call, sentence: str) -> Done:
        return await self._ended(call, Outcome(sentence, error=True), self.clean(sentence), ())

    async def _ended(
        self, call: Call, outcome: Outcome, text: str, remarks: tuple[str, ...]
    ) -> Done:
        """Write down what came of a call, and tell those who look on."""
        said = [*remarks, self.desk.take_remarks()]
        told = "\n".join([text, *(self.clean(each) for each in said if each)])
        data: dict[str, object] = {"id": call.id, "text": told, "error": outcome.error}
        data |= outcome.data
        texts: tuple[str, ...] = ()
        if outcome.evidence is not None and outcome.report is not None:
            data["evidence"] = outcome.evidence
            kept = {"evidence": outcome.evidence, "report": outcome.report}
            await self.journal.append("run", kept)
        if outcome.draft is not None:
            data["draft"], texts = await asyncio.to_thread(recorded, outcome.draft)
            self.observe("diff", {"diff": await asyncio.to_thread(outcome.draft.diff)})
        await self.journal.append("result", data, texts)
        shown = {"call": call.id, "name": call.name, "error": outcome.error}
        self.observe("toolResult", {**shown, "text": outcome.text, "evidence": outcome.evidence})
        return Done(call, Result(call.id, told, outcome.error), outcome)


async def _all_of(work: Sequence[Coroutine[object, object, Done]]) -> list[Done]:
    """Side by side; when one is cancelled all are."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
    return [task.result() for task in tasks]


def _signature(done: Done) -> tuple[str, str, str]:
    arguments = done.call.raw if done.call.arguments is None else done.call.arguments
    said = json.dumps(arguments, sort_keys=True, ensure_ascii=False)
    return done.call.name, said, sha256(done.result.text.encode("utf-8", "replace")).hexdigest()
