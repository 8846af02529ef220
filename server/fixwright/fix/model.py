"""The last rung: a model proposes edits; each is run, and it sees what came of the one before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from fixwright.failures.model import Failure
from fixwright.fix.conduct import doubt
from fixwright.fix.fix import Fix
from fixwright.fix.probe import can_fail
from fixwright.fix.problem import Problem
from fixwright.fix.prompt import SYSTEM, first_question, next_question
from fixwright.fix.verify import Verdict, confirmed, verify
from fixwright.json_reading import as_list, as_object
from fixwright.models.model import Model
from fixwright.models.retry import stream_with_retries
from fixwright.models.types import (
    Call,
    Delta,
    Done,
    Message,
    ModelError,
    Request,
    Result,
    Tool,
    Usage,
)
from fixwright.runs.run import Run
from fixwright.runs.runner import Runner
from fixwright.runs.tree import tree_of
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.draft_change import DraftError
from fixwright.workspace.snapshot import Snapshot

Narrate = Callable[[str], None]

PROPOSE_EDIT = Tool(
    name="propose_edit",
    description="Propose the edit that removes the failure. All replacements are applied together.",
    schema={
        "type": "object",
        "properties": {
            "title": {"type": "string", "description": "What the edit does, in under ten words."},
            "edits": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {
                        "path": {"type": "string", "description": "The file, as it was shown."},
                        "old": {"type": "string", "description": "Text that occurs once there."},
                        "new": {"type": "string", "description": "What stands there instead."},
                    },
                    "required": ["path", "old", "new"],
                    "additionalProperties": False,
                },
            },
        },
        "required": ["title", "edits"],
        "additionalProperties": False,
    },
)


class Unusable(Exception):
    """A proposal that can't be applied; the message tells the model why."""


@dataclass(frozen=True)
class Proposal:
    """A draft that a model proposed."""

    title: str
    draft: Draft


@dataclass
class ModelRung:
    """Asks a model, at most `attempts` times, within `budget_usd` for one fix."""

    runner: Runner
    open_model: Callable[[], Awaitable[Model]]
    attempts: int = 3
    budget_usd: float = 1.0

    async def fix(self, snapshot: Snapshot, problem: Problem, before: Run, narrate: Narrate) -> Fix:
        """The first proposal that passes, else why there is none.

        Raises:
            ModelError: the model gave no usable answer.
        """
        model = await self.open_model()
        question = await asyncio.to_thread(first_question, before, problem)
        talk = _Conversation(model, [Message("user", question)], narrate)
        failure = problem.failure or _reported(problem)
        best: tuple[Proposal, Verdict] | None = None
        tried = 0
        while tried < self.attempts:
            tried += 1
            narrate(f"asking {model.model} (attempt {tried} of {self.attempts})")
            call = await talk.ask()
            cost = talk.cost
            if call is None:
                break
            try:
                proposal = await asyncio.to_thread(proposed, snapshot, before, call)
            except Unusable as error:
                talk.answer(call, str(error), error=True)
                continue
            narrate(f"running: {proposal.title}")
            verdict = await self._judged(proposal.draft, before, failure)
            if verdict.outcome == "fixed":
                return Fix(
                    "verified", proposal.title, None, "model", proposal.draft, before, verdict.run,
                    tried, usage=talk.usage, cost_usd=cost,
                )  # fmt: skip
            if verdict.outcome in ("moved", "doubtful", "unsteady"):
                best = proposal, verdict
            if verdict.outcome == "unsteady":  # what comes and goes proves no other edit either
                break
            talk.answer(call, next_question(verdict.run, verdict.reason), error=True)
            if cost is not None and cost >= self.budget_usd:
                break
        return _unproven(snapshot, before, best, talk, tried, talk.cost)

    async def _judged(self, draft: Draft, before: Run, failure: Failure) -> Verdict:
        """What runs say, and whether it passes for a reason that has to do with the cause."""
        verdict = await verify(self.runner, draft, before, failure)
        if verdict.outcome != "fixed":
            return verdict
        said = await asyncio.to_thread(doubt, before, failure, draft)
        if said is not None:
            return replace(verdict, outcome="doubtful", reason=f"It passes. But: {said}")
        if await can_fail(self.runner, draft, before, failure) is False:
            reason = "It passes. But the check that failed can't fail any more, whatever it asks."
            return replace(verdict, outcome="doubtful", reason=reason)
        return await confirmed(self.runner, verdict, before, failure)


class _Conversation:
    """The messages so far, and what they cost."""

    def __init__(self, model: Model, messages: list[Message], narrate: Narrate) -> None:
        self._model = model
        self._messages = messages
        self._narrate = narrate
        self.usage = Usage()
        self.cost: float | None = 0.0
        self.last_words = ""

    async def ask(self) -> Call | None:
        """Stream one answer; its proposal, or None when it makes none."""
        request = Request((SYSTEM,), tuple(self._messages), (PROPOSE_EDIT,))
        done: Done | None = None
        stream = stream_with_retries(self._model, request, on_wait=self._waiting)
        async with aclosing(stream) as items:
            async for item in items:
                if isinstance(item, Done):
                    done = item
                elif isinstance(item, Delta) and item.kind == "text":
                    self._narrate(_last_line(item.text))
        if done is None:
            raise ModelError(
                "truncated", "The model's answer ended before it was whole. Try again."
            )
        self.usage += done.usage
        usd = self._model.cost(done.usage)
        self.cost = None if usd is None or self.cost is None else self.cost + usd
        self._messages.append(done.message)
        self.last_words = done.message.text.strip()
        calls = done.message.calls
        for extra in calls[1:]:
            self._pending_error(extra)
        return calls[0] if calls else None

    def answer(self, call: Call, text: str, *, error: bool) -> None:
        """Tell the model what came of its proposal."""
        results = (Result(call.id, text, error), *self._refused)
        self._refused = ()
        self._messages.append(Message("user", results=results))

    _refused: tuple[Result, ...] = ()

    def _pending_error(self, call: Call) -> None:
        refusal = Result(call.id, "Propose one edit at a time: only the first was run.", error=True)
        self._refused = (*self._refused, refusal)

    def _waiting(self, seconds: float, error: ModelError) -> None:
        self._narrate(f"waiting {seconds:.0f} s: {error}")


def proposed(snapshot: Snapshot, run: Run, call: Call) -> Proposal:
    """The draft that a call describes. Reads closed documents.

    Raises:
        Unusable: the arguments are malformed, name no file of the run, or `old` is not unique.
    """
    title, edits = _arguments(call)
    draft = Draft.over(snapshot)
    _, tree = tree_of(draft, run.target.uri)
    for path, old, new in edits:
        uri = run.root.uri_of(path)
        if uri is None or path not in tree or _is_hidden(path):
            raise Unusable(f"{path} is not a file of this run. Use a path as it was shown.")
        try:
            text = draft.text(uri)
            draft = draft.write(uri, _replaced(text, path, old, new))
        except (UnknownDocument, DraftError) as error:
            raise Unusable(str(error)) from error
    if draft.is_empty:
        raise Unusable("The edit changes nothing.")
    return Proposal(title, draft)


def _is_hidden(path: str) -> bool:
    """Files that steer tools (hooks, tasks, pipelines) are no part of a program's repair."""
    return any(part.startswith(".") for part in path.split("/"))


def _arguments(call: Call) -> tuple[str, list[tuple[str, str, str]]]:
    if call.name != PROPOSE_EDIT.name:
        raise Unusable(f"There is no tool {call.name}; call {PROPOSE_EDIT.name}.")
    if call.arguments is None:
        raise Unusable("The arguments are not valid JSON. Call propose_edit again.")
    title, listed = call.arguments.get("title"), as_list(call.arguments.get("edits"))
    if not isinstance(title, str) or not listed:
        raise Unusable("propose_edit takes a title and a list of edits.")
    edits: list[tuple[str, str, str]] = []
    for number, edit in enumerate(listed):
        match [as_object(edit).get(key) for key in ("path", "old", "new")]:
            case [str(path), str(old), str(new)]:
                edits.append((path, old, new))
            case _:
                raise Unusable(f"edits[{number}] must have path, old and new, all strings.")
    return title.strip() or "Edit", edits


def _replaced(text: str, path: str, old: str, new: str) -> str:
    """Replace `old`, which must occur exactly once; line endings of the file are respected."""
    if "\r\n" in text and "\r\n" not in old:
        old, new = old.replace("\n", "\r\n"), new.replace("\n", "\r\n")
    found = text.count(old) if old else 0
    if found == 1:
        return text.replace(old, new, 1)
    if found:
        raise Unusable(
            f"old occurs {found} times in {path}. Take more lines, so that it is unique."
        )
    raise Unusable(
        f"old does not occur in {path}. Copy it exactly as shown, without the line numbers."
    )


def _unproven(
    snapshot: Snapshot,
    before: Run,
    best: tuple[Proposal, Verdict] | None,
    talk: _Conversation,
    tried: int,
    cost: float | None,
) -> Fix:
    if best is not None:
        proposal, verdict = best
        return Fix(
            "unverified", proposal.title, verdict.reason, "model", proposal.draft, before,
            verdict.run, tried, usage=talk.usage, cost_usd=cost,
        )  # fmt: skip
    said = f" It said: {talk.last_words[:300]}" if talk.last_words else ""
    reason = f"The model found no edit that passes in {tried} attempts.{said}"
    title = before.failures[0].title if before.failures else before.outcome
    return Fix(
        "none", title, reason, None, Draft.over(snapshot), before, None, tried,
        usage=talk.usage, cost_usd=cost,
    )  # fmt: skip


def _reported(problem: Problem) -> Failure:
    return Failure(kind=problem.code or "problem", message=problem.message, path=None, range=None)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:120] if lines else ""
