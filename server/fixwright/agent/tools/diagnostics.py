"""`diagnostics`: what is known to be wrong with the text as it is now, against what was before."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from fixwright.agent.tools.arguments import Arguments
from fixwright.agent.tools.spec import Outcome
from fixwright.agent.tools.typed import TypedTool
from fixwright.index.languages import language_for
from fixwright.index.syntax import syntax_errors
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.draft import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixwright.agent.desk import Desk, Evidence
    from fixwright.agent.tools.spec import Effect
    from fixwright.runs.run import Run


class DiagnosticsArguments(Arguments):
    """What `diagnostics` takes."""

    paths: list[str] | None = Field(default=None, description="Only these files.")
    since: Literal["baseline", "all"] = Field(
        default="baseline", description="baseline: new and fixed ones only; all: also older ones."
    )


@dataclass(frozen=True, slots=True)
class _Problem:
    """One thing that is wrong; `key` is the same before and after an edit elsewhere."""

    path: str
    key: str
    shown: str


class DiagnosticsTool(TypedTool[DiagnosticsArguments]):
    """Compares what is wrong now with what was wrong before the draft."""

    name = "diagnostics"
    description = (
        "What is known to be wrong with the present text: syntax, and failures of runs of exactly"
        " this text; each new, fixed, or already there before your edits."
    )
    effect: Effect = "read"

    def __init__(self) -> None:
        super().__init__(DiagnosticsArguments)

    def paths(self, given: DiagnosticsArguments, desk: Desk) -> tuple[str, ...]:
        """The files asked about."""
        del desk
        return tuple(given.paths or ())

    def sentence(self, given: DiagnosticsArguments) -> str:
        """As a person is asked."""
        del given
        return "see the diagnostics"

    async def work(self, given: DiagnosticsArguments, desk: Desk) -> Outcome:
        """Compare."""
        names = desk.names
        wanted = {names.of(names.uri(path)) for path in given.paths or ()}
        before, now = await asyncio.to_thread(_syntax, desk.draft, sorted(wanted), desk)
        fresh = [each for each in desk.evidence.values() if desk.is_fresh(each)]
        base = [each for each in desk.evidence.values() if each.run.draft.is_empty]
        now += _failed(fresh[-1:])
        before += _failed(base[-1:])
        if wanted:
            now = [each for each in now if each.path in wanted]
            before = [each for each in before if each.path in wanted]
        return Outcome(_compared(before, now, given.since, _coverage(desk, fresh)))


def _compared(before: list[_Problem], now: list[_Problem], since: str, coverage: str) -> str:
    old = {each.key for each in before}
    still = {each.key for each in now}
    lines = [f"new: {each.shown}" for each in now if each.key not in old]
    lines += [f"fixed: {each.shown}" for each in before if each.key not in still]
    if since == "all":
        lines += [f"already there: {each.shown}" for each in now if each.key in old]
    return "\n".join([*(lines or ["Nothing is known to be wrong that was not before."]), coverage])


def _coverage(desk: Desk, fresh: Sequence[Evidence]) -> str:
    """What the answer rests on."""
    if fresh:
        last = fresh[-1]
        return f"(Syntax of the files asked for or changed, and {last.id}: {last.run.title}.)"
    if desk.evidence:
        return "(Syntax only: your last run was of an earlier text. Run the tests again.)"
    return "(Syntax only: nothing was run yet.)"


def _failed(evidence: Sequence[Evidence]) -> list[_Problem]:
    return [problem for each in evidence for problem in _of_run(each.run)]


def _of_run(run: Run) -> list[_Problem]:
    found: list[_Problem] = []
    for failure in run.failures:
        line = "" if failure.range is None else f":{failure.range.start.line + 1}"
        path = failure.path or "(no file)"
        key = f"{path} {failure.test_id or failure.function} {failure.title}"
        found.append(_Problem(path, key, f"{path}{line}: {failure.title}"))
    return found


def _syntax(
    draft: Draft, wanted: Sequence[str], desk: Desk
) -> tuple[list[_Problem], list[_Problem]]:
    """Before and now, of the files that are asked for or changed."""
    names = desk.names
    uris = [names.uri(name) for name in wanted]
    uris += [change.uri for change in draft.changed.values()]
    base = Draft.over(draft.base)
    return _syntax_of(base, uris, desk), _syntax_of(draft, uris, desk)


def _syntax_of(draft: Draft, uris: Sequence[str], desk: Desk) -> list[_Problem]:
    found: dict[str, _Problem] = {}
    for uri in dict.fromkeys(uris):
        try:
            document = draft.document(uri)
        except UnknownDocument:
            continue
        language = language_for(document.language, uri)
        if language is None:
            continue
        path = desk.names.of(uri)
        for place in syntax_errors(document.text, language):
            line = document.text.line(place.start.line).strip()[:80]
            key = f"{path} syntax {line}"
            shown = f"{path}:{place.start.line + 1}: the syntax is wrong near `{line}`"
            found.setdefault(key, _Problem(path, key, shown))
    return list(found.values())
