"""Review of what the agent has drafted: asked about, accepted, rejected, undone."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from fixwright.agent.delivery import record_applied
from fixwright.agent.drafts import recorded
from fixwright.agent.sessions import checkpoints
from fixwright.agent.sessions.errors import SessionError
from fixwright.log import state_folder
from fixwright.lsp import arguments as args
from fixwright.lsp.edits import Held
from fixwright.lsp.proposals import Hunk, Proposal, over
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.draft_change import DraftError
from fixwright.workspace.paths import path_to_uri

if TYPE_CHECKING:
    from fixwright.agent.records import Journal
    from fixwright.agent.report import AgentReport
    from fixwright.lsp.workbench import Workbench
    from fixwright.workspace.snapshot import Snapshot

log = logging.getLogger(__name__)

APPLY = "Apply all"
PREVIEW = "Choose in the editor"
SHOW = "Show the changes"
DISCARD = "Discard"


async def offered(
    bench: Workbench, proposal: Proposal, report: AgentReport, journal: Journal
) -> None:
    """Ask what shall become of a proposal; without an answer it waits.

    The report says what came of it. A client that reviews proposals itself has it in the report.
    """
    if bench.editor.profile.reviews:
        await bench.editor.refresh_lenses()
        return
    question = _question(proposal, report)
    preview = (PREVIEW,) if bench.editor.profile.change_annotations else ()
    answer = await bench.editor.ask(question, (APPLY, *preview, SHOW, DISCARD))
    if answer == PREVIEW:
        report["applied"], report["reason"] = await _previewed(bench, proposal, report, journal)
    if answer == SHOW:
        await _shown(bench, proposal)
        answer = await bench.editor.ask(question, [APPLY, DISCARD])
    if answer == APPLY:
        found = await _taken(bench, proposal, None, journal)
        report["applied"] = found["applied"] is True
        report["reason"] = report["reason"] or _text_or_none(found["reason"])
        if not report["applied"]:
            report["status"] = "stale"
    elif answer == DISCARD:
        bench.reviews.keep(proposal, Draft.over(bench.store.now))
        await _record_rest(journal, Draft.over(bench.store.now))
    await bench.editor.refresh_lenses()


async def accept(
    bench: Workbench, _snapshot: Snapshot, arguments: tuple[Any, ...]
) -> dict[str, object]:
    """`fixwright.accept`: all of a proposal, or some of its hunks."""
    wanted = args.parse(args.Review, arguments)
    proposal = bench.reviews.get(wanted.proposal_id)
    if proposal is None:
        return _gone()
    try:
        async with await bench.journals().open(proposal.session) as journal:
            return await _taken(bench, proposal, wanted.hunks, journal)
    except SessionError as error:
        return {"applied": False, "left": len(proposal.hunks()), "reason": str(error)}
    finally:
        await bench.editor.refresh_lenses()


async def reject(
    bench: Workbench, _snapshot: Snapshot, arguments: tuple[Any, ...]
) -> dict[str, object]:
    """`fixwright.reject`: likewise."""
    wanted = args.parse(args.Review, arguments)
    proposal = bench.reviews.get(wanted.proposal_id)
    if proposal is None:
        return _gone()
    numbers = wanted.hunks
    rest = Draft.over(proposal.draft.base) if numbers is None else proposal.without(numbers)
    bench.reviews.keep(proposal, rest)
    try:
        async with await bench.journals().open(proposal.session) as journal:
            await _record_rest(journal, rest)
    except SessionError as error:
        log.info("the session does not say that a proposal was rejected: %s", error)
    await bench.editor.refresh_lenses()
    return {"applied": False, "left": _left(bench, proposal), "reason": None}


async def undo(
    bench: Workbench, _snapshot: Snapshot, arguments: tuple[Any, ...]
) -> dict[str, object]:
    """`fixwright.undo`: takes back the last change of the agent's that the editor took."""
    wanted = args.parse(args.Undo, arguments)
    try:
        name = wanted.session_id or await _last_session(bench)
        async with await bench.journals().open(name) as journal:
            return await _undone(bench, journal)
    except SessionError as error:
        return {"applied": False, "reason": str(error)}


async def applied(bench: Workbench, draft: Draft, label: str, journal: Journal) -> bool:
    """Hand a draft to the editor, and write down what it took."""
    outcome = await bench.edits.apply(draft, label)
    if outcome.done:
        await _record(journal, label, outcome.documents)
    return outcome.done


async def _previewed(
    bench: Workbench, proposal: Proposal, report: AgentReport, journal: Journal
) -> tuple[bool, str | None]:
    """Let the user choose in the editor's preview; what was left out goes on waiting."""
    try:
        sent = await bench.edits.reviewed(proposal.draft, proposal.title, report["text"][:200])
    except (DraftError, UnknownDocument) as error:
        return False, str(error)
    now = bench.store.now
    rest = await asyncio.to_thread(over, sent, now)
    whole = Proposal(proposal.id, proposal.session, proposal.title, sent)
    left = {_named(each) for each in Proposal("", "", "", rest).hunks()}
    numbers = {each.number for each in whole.hunks() if _named(each) not in left}
    bench.reviews.keep(proposal, rest)
    if not numbers:
        return False, "Nothing was chosen; the changes wait."
    taken = whole.part(numbers)
    held = await asyncio.to_thread(_held, taken, now)
    if held is None:
        return True, "You went on typing meanwhile, so this can't be taken back by undo."
    await _record(journal, proposal.title, held)
    return True, None


def _named(hunk: Hunk) -> tuple[str, str, str]:
    """A hunk, wherever it has moved to."""
    part = hunk.part
    return hunk.uri, hunk.change.kind, "" if part is None else part.text


def _held(taken: Draft, now: Snapshot) -> tuple[Held, ...] | None:
    """What the editor had and has; None where what it has is not exactly what was taken."""
    held: list[Held] = []
    for change in taken.changed.values():
        before = None if change.before is None or change.moved_from else change.before.text.value
        after = None if change.after is None else change.after.text.value
        if _text(now, change.uri) != after:
            return None
        held.append(Held(change.uri, before, after))
    return tuple(held)


async def _taken(
    bench: Workbench, proposal: Proposal, numbers: list[int] | None, journal: Journal
) -> dict[str, object]:
    chosen = proposal.draft if numbers is None else proposal.part(numbers)
    outcome = await bench.edits.apply(chosen, proposal.title)
    if not outcome.done:
        left = len(proposal.hunks())
        return {"applied": False, "left": left, "reason": outcome.reason}
    await _record(journal, proposal.title, outcome.documents)
    rest = Draft.over(bench.store.now)
    if numbers is not None:
        rest = await asyncio.to_thread(over, proposal.without(numbers), bench.store.now)
    bench.reviews.keep(proposal, rest)
    return {"applied": True, "left": _left(bench, proposal), "reason": None}


async def _record_rest(journal: Journal, rest: Draft) -> None:
    """What is left of a proposal is what the session goes on with."""
    changes, texts = await asyncio.to_thread(recorded, rest)
    await journal.append("discarded", {"draft": changes}, texts)


def _left(bench: Workbench, proposal: Proposal) -> int:
    kept = bench.reviews.get(proposal.id)
    return len(kept.hunks()) if kept else 0


async def _record(journal: Journal, label: str, documents: tuple[Held, ...]) -> None:
    await record_applied(journal, label, [(h.uri, h.before, h.after) for h in documents])


async def _undone(bench: Workbench, journal: Journal) -> dict[str, object]:
    found = checkpoints.checkpoints(journal.events)
    if not found:
        return {"applied": False, "reason": "There is nothing of this session to take back."}
    last, now = found[0], bench.store.now
    present = {each.uri: await asyncio.to_thread(_text, now, each.uri) for each in last.documents}
    plan = await checkpoints.undo(journal, last, present)
    if plan.refused:
        return {"applied": False, "reason": " ".join(plan.refused)}
    try:
        draft = await asyncio.to_thread(_back, now, plan)
    except (DraftError, UnknownDocument) as error:
        return {"applied": False, "reason": str(error)}
    outcome = await bench.edits.apply(draft, f"Undo: {last.label}")
    if outcome.done:
        await journal.append("undone", {"applied": last.seq})
    return {"applied": outcome.done, "reason": outcome.reason or " ".join(plan.remarks) or None}


def _back(now: Snapshot, plan: checkpoints.Undo) -> Draft:
    draft = Draft.over(now)
    for each in plan.restored:
        if each.text is None:
            draft = draft.delete(each.uri)
        elif each.present is None:
            draft = draft.create(each.uri, each.text)
        else:
            draft = draft.write(each.uri, each.text)
    return draft


def _text(now: Snapshot, uri: str) -> str | None:
    try:
        return now.document(uri).text.value
    except UnknownDocument:
        return None


async def _last_session(bench: Workbench) -> str:
    folders = {folder.uri for folder in bench.store.now.folders}
    for each in await bench.journals().list():
        if not folders or folders & set(each.folders):
            return each.id
    raise SessionError("There is no session of the agent in this workspace.")


async def _shown(bench: Workbench, proposal: Proposal) -> None:
    """The diff as a document of its own, outside the workspace."""
    path = state_folder() / "proposals" / f"{proposal.session}-{proposal.id}.diff"

    def write() -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(proposal.draft.diff(), encoding="utf-8")

    await asyncio.to_thread(write)
    if not await bench.editor.show_document(path_to_uri(path)):
        bench.editor.record(await asyncio.to_thread(proposal.draft.diff))


def _question(proposal: Proposal, report: AgentReport) -> str:
    files = len({hunk.uri for hunk in proposal.hunks()})
    named = "1 file" if files == 1 else f"{files} files"
    standing = [each["standing"] for each in report["claims"]]
    shown = standing.count("shown")
    proof = f"{shown} of {len(standing)} claims shown by a run of exactly this text"
    if not standing:
        proof = "nothing was shown by a run"
    return f"The agent would change {named} ({proof}). {report['text'][:300]}"


def _gone() -> dict[str, object]:
    return {"applied": False, "left": 0, "reason": "There is no such proposal any more."}


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None
