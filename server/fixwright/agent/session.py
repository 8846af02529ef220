"""One session with the agent: from what it works with to the end of each turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fixwright.agent.asking import Asking
from fixwright.agent.budget import Budget, Limits
from fixwright.agent.calls import Deliver, Hands
from fixwright.agent.context.instructions import instructions_in
from fixwright.agent.context.prompt import Front, Mode, map_text, rules_text, system_prompt
from fixwright.agent.desk import Ask, Desk, Watch, nobody, unwatched
from fixwright.agent.history import History
from fixwright.agent.loop import Ended, Loop
from fixwright.agent.observer import Observer, unseen
from fixwright.agent.plugins.recorded import brought
from fixwright.agent.policy.fence import Fence
from fixwright.agent.sessions.drafts import resumed_draft
from fixwright.agent.sessions.records import digest_of
from fixwright.agent.sessions.resume import draft_texts, pending
from fixwright.agent.tools.all import own_tools
from fixwright.index.ranked_map import Focus, ranked_map
from fixwright.index.workspace_index import IndexUnavailable, WorkspaceIndex
from fixwright.models.json_reading import as_list, as_text
from fixwright.models.tokens import estimate_tokens
from fixwright.workspace.draft import Draft

if TYPE_CHECKING:
    from fixwright.agent.guard import Guard
    from fixwright.agent.records import Journal
    from fixwright.agent.tools.registry import Registry
    from fixwright.models.fallback import Fallback
    from fixwright.models.types import Usage
    from fixwright.runs.run import Run
    from fixwright.runs.runner import Runner
    from fixwright.workspace.snapshot import Snapshot

MAP_TOKENS = 2000
"""Of the map at the front of each session; the tool `outline` draws others."""
_MAP_SECONDS = 5.0
"""How long a session waits for its map; without it there is still `outline`."""
_LONGEST_TITLE = 80
_LOOKING = ("read", "search", "outline", "diagnostics", "git", "ask", "finish")
_RUNNING = (*_LOOKING, "run", "test")


@dataclass(frozen=True)
class Surroundings:
    """What a session works with.

    Attributes:
        now: the editor's present snapshot; headless, the disk's.
        runner: of the sandbox.
        models: for turns; `small` for titles and summaries.
        guard: decides about calls.
        clean: takes secrets out of a text.
        index: the workspace's, if there is one.
        instructions: the user's own, from the settings.
        ask, watch, observe: the user.
        readable: whether a file's text may be shown, by its name.
        deliver: takes changes that a run has just shown to hold; says whether they are the
            editor's now.
    """

    now: Callable[[], Snapshot]
    runner: Runner
    models: Fallback
    small: Fallback
    guard: Guard
    clean: Callable[[str], str]
    index: WorkspaceIndex | None = None
    instructions: str = ""
    ask: Ask = nobody
    watch: Watch = unwatched
    observe: Observer = unseen
    readable: Callable[[str], bool] = lambda _: True
    deliver: Deliver | None = None


@dataclass
class AgentSession:
    """A session that is open for turns, one at a time."""

    journal: Journal
    desk: Desk
    around: Surroundings
    tools: Registry
    front: Front
    limits: Limits

    @property
    def id(self) -> str:
        """Its name."""
        return self.journal.session

    @property
    def draft(self) -> Draft:
        """All changes that wait."""
        return self.desk.draft

    @property
    def runs(self) -> tuple[Run, ...]:
        """What was run since the session was opened."""
        return tuple(each.run for each in self.desk.evidence.values())

    async def turn(self, prompt: str, context: str = "") -> Turn:
        """Work on what the user says; what a broken turn left undone is done first.

        Raises:
            CancelledError: the turn was cancelled; the session says so.
        """
        loop, asking = self._loop()
        clean = self.around.clean
        await self._give_title(clean(prompt))
        ended = await loop.turn(clean(prompt), clean(context))
        return Turn(_clean(ended, clean), asking.usage, asking.budget)

    async def resume(self) -> Turn:
        """Go on with the turn that was cut, where it was cut. Raises as `turn` does."""
        loop, asking = self._loop()
        again = [each.call for each in pending(self.journal.events) if each.fate == "again"]
        ended = _clean(await loop.go_on(again), self.around.clean)
        return Turn(ended, asking.usage, asking.budget)

    async def _give_title(self, prompt: str) -> None:
        """A new session is called by how it began: that costs nothing and tells nobody."""
        known = any(each.data.get("title") for each in self.journal.events)
        if title := ("" if known else prompt.strip().partition("\n")[0][:_LONGEST_TITLE].strip()):
            await self.journal.append("title", {"title": title})

    def _loop(self) -> tuple[Loop, Asking]:
        around = self.around
        budget = Budget(self.limits)
        asking = Asking(around.models, around.small, budget, self.journal, around.observe)
        hands = Hands(
            self.desk,
            self.tools,
            around.guard,
            self.journal,
            Fence(self.id),
            around.clean,
            around.observe,
            around.deliver,
        )
        history = History(self.journal, self.front, self.tools.for_model(), around.observe)
        return Loop(self.journal, history, asking, hands, around.observe), asking


@dataclass(frozen=True)
class Turn:
    """How a turn ended, and what it used."""

    ended: Ended
    usage: Usage
    budget: Budget


def _clean(ended: Ended, clean: Callable[[str], str]) -> Ended:
    """How a turn ended, as questions and reports tell it: without secrets."""
    claims = tuple({**each, "text": clean(as_text(each.get("text")))} for each in ended.claims)
    reason = None if ended.reason is None else clean(ended.reason)
    return replace(ended, text=clean(ended.text), reason=reason, claims=claims)


async def open_session(
    journal: Journal,
    mode: Mode,
    around: Surroundings,
    limits: Limits,
    tools: Registry | None = None,
) -> AgentSession:
    """Make a new or a kept session ready for turns.

    The front of its requests is drawn once, and kept: taken up later it begins with the same bytes.
    """
    kept = await resumed_draft(draft_texts(journal.events), journal.text, around.now())
    desk = Desk(
        now=around.now,
        draft=kept.draft,
        runner=around.runner,
        index=around.index,
        ask=around.ask,
        watch=around.watch,
        readable=around.readable,
        remarks=list(kept.left_out),
        counted=_runs_before(journal),
    )
    await desk.refresh()
    offered = tools or tools_for(mode)
    front = await _front(journal, mode, around, desk.draft, offered)
    return AgentSession(journal, desk, around, offered, front, limits)


def tools_for(mode: Mode) -> Registry:
    """The tools of a mode."""
    everything = own_tools()
    match mode:
        case "plan":
            return everything.only(_LOOKING)
        case "ask":
            return everything.only(_RUNNING)
        case "propose" | "apply":
            return everything


def _runs_before(journal: Journal) -> int:
    """How many runs the session has: their ids stay theirs."""
    return sum(event.type == "run" for event in journal.events)


async def _front(
    journal: Journal, mode: Mode, around: Surroundings, draft: Draft, tools: Registry
) -> Front:
    """The kept front, or a new one."""
    kept = next((e.data["front"] for e in journal.events if "front" in e.data), None)
    if kept is not None:
        digests = [as_text(each) for each in as_list(kept)]
        with suppress(KeyError):
            return Front(*[await journal.text(each) if each else "" for each in digests])
    instructions = await asyncio.to_thread(instructions_in, draft)
    clean = around.clean
    rules = rules_text(instructions, around.instructions)
    front = Front(system_prompt(mode), clean(rules), map_text(clean(await _map(around.index))))
    texts = (front.system, front.rules, front.map)
    data: dict[str, object] = {"front": [digest_of(each) if each else "" for each in texts]}
    if more := brought(tools, tools_for(mode)):
        data["tools"] = digest_of(more)
    await journal.append("front", data, (*texts, more))
    return front


async def _map(index: WorkspaceIndex | None) -> str:
    """The map of the whole; nothing while the index is not ready."""
    if index is None:
        return ""
    try:
        async with asyncio.timeout(_MAP_SECONDS):
            return (await ranked_map(index, Focus(), MAP_TOKENS, estimate_tokens)).text
    except (TimeoutError, IndexUnavailable):
        return ""
