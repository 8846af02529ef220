"""The agent as commands: a turn, an explanation, the list of sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fixwright.agent.context.place import place_text
from fixwright.agent.context.switch import mode_text
from fixwright.agent.opening import Door, session_at
from fixwright.agent.report import AgentReport, agent_report, no_agent_report
from fixwright.agent.session import AgentSession, Turn
from fixwright.agent.sessions.errors import SessionError
from fixwright.agent.sessions.resume import is_cut
from fixwright.agent.tools.spec import Refused
from fixwright.fix.services import has_model
from fixwright.lsp import arguments as args
from fixwright.lsp.convert import from_lsp
from fixwright.lsp.features.review import applied, offered
from fixwright.lsp.features.running import document_of
from fixwright.lsp.jobs import Job, JobCancelled
from fixwright.models.types import ModelError
from fixwright.runs.target import RunRefused
from fixwright.workspace.document import UnknownDocument

if TYPE_CHECKING:
    from fixwright.agent.calls import Deliver
    from fixwright.agent.context.prompt import Mode
    from fixwright.agent.observer import SightKind
    from fixwright.agent.policy.permissions import Answer, Question
    from fixwright.agent.records import Journal
    from fixwright.lsp.workbench import Workbench
    from fixwright.models.model import Model
    from fixwright.runs.runner import ActiveRun
    from fixwright.workspace.draft import Draft
    from fixwright.workspace.snapshot import Snapshot

_EXPLAIN = """\
Explain the code at the place that is shown: what it does, why it is there, what it rests on, and
what is surprising or wrong about it. Look up what it uses. Be brief."""
_SHORT = 80
_GO_ON = "go on"
NOTHING_CUT = "The last turn of this session has ended: there is nothing to go on with. Say more."
NO_MODEL = (
    "The agent needs a model. Set model.provider and its key; see “Models” in the documentation."
)


async def agent(bench: Workbench, snapshot: Snapshot, arguments: tuple[Any, ...]) -> AgentReport:
    """`fixwright.agent`."""
    wanted = args.parse(args.Agent, arguments)
    if not wanted.prompt:
        return await _resumed(bench, wanted)
    mode = _mode(bench, "propose" if wanted.mode == "edit" else wanted.mode, apply=wanted.apply)
    try:
        context = await _context(bench, snapshot, wanted.uri, wanted.range)
    except RunRefused as error:
        return told(bench, no_agent_report("refused", str(error)))
    return await turn(bench, wanted.prompt, context, mode, wanted.session_id, apply=wanted.apply)


async def _resumed(bench: Workbench, wanted: args.Agent) -> AgentReport:
    """Go on with the turn that was cut, in the mode that the session was begun in."""
    assert wanted.session_id is not None
    try:
        kept = await bench.journals().read(wanted.session_id)
    except SessionError as error:
        return told(bench, no_agent_report("refused", str(error), wanted.session_id))
    if not is_cut(kept.events):
        return told(bench, no_agent_report("refused", NOTHING_CUT, kept.info.id))
    modes: dict[str, Mode] = {"ask": "ask", "propose": "propose", "apply": "propose"}
    mode = _mode(bench, modes.get(kept.info.mode, "plan"), apply=wanted.apply)
    return await turn(bench, "", "", mode, kept.info.id, apply=wanted.apply)


def _mode(bench: Workbench, mode: Mode, *, apply: bool) -> Mode:
    """The mode, with what the settings let go to the editor unasked."""
    approved = apply and bench.services.settings.agent.approval != "ask"
    return "apply" if mode == "propose" and approved else mode


async def explain(bench: Workbench, snapshot: Snapshot, arguments: tuple[Any, ...]) -> AgentReport:
    """`fixwright.explain`."""
    wanted = args.parse(args.Explain, arguments)
    try:
        context = await _context(bench, snapshot, wanted.uri, wanted.range)
    except RunRefused as error:
        return told(bench, no_agent_report("refused", str(error)))
    return await turn(bench, _EXPLAIN, context, "ask", None, apply=False)


async def sessions(
    bench: Workbench, _snapshot: Snapshot, arguments: tuple[Any, ...]
) -> list[dict[str, object]]:
    """`fixwright.sessions`: those of the open folders, the last used first."""
    del arguments
    folders = {folder.uri for folder in bench.store.now.folders}
    return [
        {
            "id": each.id,
            "title": each.title,
            "status": each.status,
            "mode": each.mode,
            "created": each.created,
            "updated": each.updated,
            "tokens": each.tokens,
            "costUsd": each.cost,
        }
        for each in await bench.journals().list()
        if not folders or folders & set(each.folders)
    ]


async def turn(
    bench: Workbench,
    prompt: str,
    context: str,
    mode: Mode,
    session: str | None,
    *,
    apply: bool,
) -> AgentReport:
    """One turn; without a prompt it is the turn of the session that was cut."""
    title = prompt.strip().partition("\n")[0][:_SHORT] or _GO_ON

    def work(opened: AgentSession) -> Awaitable[Turn]:
        switched = mode_text(opened.journal.events, mode)
        place = "\n".join(filter(None, (context, switched)))
        return opened.turn(prompt, place) if prompt else opened.resume()

    return await in_session(bench, title, mode, session, work, apply=apply)


async def in_session(
    bench: Workbench,
    title: str,
    mode: Mode,
    session: str | None,
    turn_of: Callable[[AgentSession], Awaitable[Turn]],
    *,
    apply: bool,
) -> AgentReport:
    """A turn as a job, to its report; what it has drafted is offered where that is wanted."""
    if not has_model(bench.services.model.settings):
        return told(bench, no_agent_report("refused", NO_MODEL, session))
    known: list[str] = [session] if session else []

    async def work(job: Job) -> AgentReport:
        watched = _Watched(bench, job)
        door = await watched.door(mode)
        store = bench.journals()
        async with session_at(door, bench.services, store, mode, session) as opened:
            known[:] = [opened.id]
            watched.session = job.key = opened.id
            done = await turn_of(opened)
            return await _ended(bench, opened, done, title, apply=apply)

    try:
        return await bench.jobs.run(f"Agent: {title}", work, ended=_summary)
    except JobCancelled:
        reason = "Stopped. Nothing was changed."
        return no_agent_report("cancelled", reason, known[0] if known else None)
    except (SessionError, UnknownDocument, Refused) as error:
        return told(bench, no_agent_report("refused", str(error), known[0] if known else None))
    except ModelError as error:
        return told(bench, no_agent_report("error", str(error), known[0] if known else None))


async def _ended(
    bench: Workbench, session: AgentSession, done: Turn, title: str, *, apply: bool
) -> AgentReport:
    report = await asyncio.to_thread(agent_report, session, done, bench.encoding)
    if not session.draft.is_empty and apply:
        proposal = bench.reviews.add(session.id, title, session.draft)
        report["proposalId"] = proposal.id
        await offered(bench, proposal, report, session.journal)
    _say(bench, report)
    return report


def _say(bench: Workbench, report: AgentReport) -> None:
    """What a client without our messages is shown of the end."""
    if bench.editor.profile.ours:
        return
    lines = [report["text"] or report["reason"] or "Done."]
    lines += [f"{each['standing']}: {each['text']}" for each in report["claims"]]
    bench.editor.record("\n".join(lines))
    bench.editor.info(f"Fixwright: {lines[0]}")


async def _context(
    bench: Workbench, snapshot: Snapshot, uri: str | None, place: args.WireRange | None
) -> str:
    """Where the user is: the open file, and what is selected in it."""
    if uri is None:
        return ""
    document = await document_of(snapshot, uri)
    there = None if place is None else from_lsp(document.text, place.to_lsp(), bench.encoding)
    return place_text(snapshot, document, there)


def _summary(report: AgentReport) -> str:
    return report["reason"] or report["status"]


def told(bench: Workbench, report: AgentReport) -> AgentReport:
    """Show a client without our messages why there is nothing."""
    if not bench.editor.profile.ours:
        bench.editor.warn(f"Fixwright: {report['reason']}")
    return report


class _Watched:
    """One turn as the editor sees it."""

    def __init__(self, bench: Workbench, job: Job) -> None:
        self._bench = bench
        self._job = job
        self.session = ""

    async def door(self, mode: Mode) -> Door:
        """What the editor offers."""
        bench = self._bench
        deliver: Deliver | None = self._deliver if mode == "apply" else None
        return Door(
            now=lambda: bench.store.now,
            index=await bench.indexing.for_rules(),
            ask=self._ask,
            permit=self._permit,
            consent=self._consent,
            watch=self._watch,
            observe=self._observe,
            deliver=deliver,
        )

    async def _ask(self, question: str, answers: Sequence[str]) -> str | None:
        return await self._bench.editor.ask(question, answers)

    async def _permit(self, question: Question) -> Answer:
        words: dict[str, Answer] = {shown: answer for answer, shown in question.answers}
        chosen = await self._bench.editor.ask(question.text, list(words))
        return words.get(chosen or "", "no")

    async def _consent(self, failed: Model, other: Model, why: ModelError) -> bool:
        question = f"{why} Go on with {other.model} in place of {failed.model}?"
        return await self._bench.editor.ask(question, ("Go on", "Stop")) == "Go on"

    async def _watch(self, run: ActiveRun) -> None:
        bench = self._bench
        start = {"title": run.title, "uri": run.target.uri}
        async for event in run.events():
            seconds = event.t
            match event.kind:
                case "start":
                    bench.editor.run_event(run.id, "start", start, seconds)
                case "stdout" | "stderr":
                    text = event.data.decode("utf-8", "replace")
                    bench.editor.run_event(run.id, event.kind, text, seconds)
                case _:
                    pass

    async def _deliver(self, draft: Draft, journal: Journal) -> bool:
        return await applied(self._bench, draft, "Fixwright's agent", journal)

    def _observe(self, kind: SightKind, data: Mapping[str, object]) -> None:
        event = {"sessionId": self.session, "type": kind, **data}
        self._bench.editor.agent_event(event)
        match kind:
            case "toolCall":
                self._job.report(str(data.get("sentence", "")))
            case "wait":
                self._job.report(f"waiting {data.get('seconds'):.0f} s: {data.get('reason')}")
            case _:
                pass
