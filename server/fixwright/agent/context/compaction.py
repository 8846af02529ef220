"""Making a long history shorter without losing an order, a plan or what was seen.

First, without a model: results that can be had again by the same call become a line that says so.
Then, with one: everything before the last exchanges becomes a summary, in which the user's messages
and the evidence stand word for word. Both are events of the session, so that nothing is forgotten,
only no longer shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.models.json_reading import as_list, as_object, as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fixwright.agent.records import Event

REREADABLE = frozenset({"read", "search", "outline", "diagnostics", "git"})
"""Tools whose results can be had again."""
_KEPT_RESULTS = 8
"""The last results, which the model is working with."""
_WORTH = 400
"""Characters from which on a result is worth leaving out."""
_KEPT_ANSWERS = 4
"""The last exchanges, which a summary leaves as they are."""

SUMMARISE = """\
Summarise your work so far for yourself: you will go on from this text alone. Keep it under 600
words. Headings: Goal; Decisions (and why); Done (files, lines); Open; Files that matter. Do not
repeat the user's messages or results of runs: they are kept word for word beside your summary."""


@dataclass(frozen=True, slots=True)
class Pruning:
    """Results to leave out: what stands for each, by the event's number."""

    replaced: dict[str, str]
    saved: int

    def __bool__(self) -> bool:
        return bool(self.replaced)


def prunable(events: Sequence[Event]) -> Pruning:
    """The older results that can be had again; `saved` counts their characters."""
    names = _names(events)
    done = {seq for each in _compactions(events) for seq in as_object(each.data.get("pruned"))}
    results = [event for event in events if event.type == "result"]
    replaced: dict[str, str] = {}
    saved = 0
    for event in results[:-_KEPT_RESULTS]:
        name, text = names.get(as_text(event.data.get("id")), ""), as_text(event.data.get("text"))
        if name in REREADABLE and len(text) > _WORTH and str(event.seq) not in done:
            replaced[str(event.seq)] = (
                f"[{len(text):,} characters left out to save room; call {name} again to see them]"
            )
            saved += len(text)
    return Pruning(replaced, saved)


def summarised_up_to(events: Sequence[Event]) -> int:
    """The last event that a summary may stand for; 0 when there is too little before it."""
    answers = [event.seq for event in events if _is_turns(event)]
    before = max((_up_to(each) for each in _compactions(events)), default=0)
    if len(answers) <= _KEPT_ANSWERS:
        return 0
    up_to = answers[-_KEPT_ANSWERS] - 1
    return up_to if up_to > before else 0


def kept_word_for_word(events: Sequence[Event], up_to: int, said: Callable[[Event], str]) -> str:
    """The user's messages and the evidence of the events that a summary will stand for."""
    older = [event for event in events if event.seq <= up_to]
    words = [said(event) for event in older if event.type == "user"]
    runs = [_run(event) for event in older if event.type == "run"]
    asked = [_answered(event) for event in older if event.type == "result" and _is_ask(event)]
    parts = [
        "The user's messages so far, word for word:",
        *(f"<user>\n{w}\n</user>" for w in words),
    ]
    if asked:
        parts += ["Answered questions:", *asked]
    if runs:
        parts += ["Runs so far:", *runs]
    return "\n".join(parts)


def summary_text(kept: str, summary: str) -> str:
    """What stands at the beginning of the conversation from now on."""
    return f"{kept}\n\nYour own summary of the work so far:\n{summary.strip()}"


def _run(event: Event) -> str:
    report = as_object(event.data.get("report"))
    failures = as_list(report.get("failures"))
    how = as_text(report.get("status"))
    count = f", {len(failures)} failures" if failures else ""
    return f"[{as_text(event.data.get('evidence'))}] {as_text(report.get('title'))}: {how}{count}"


def _is_ask(event: Event) -> bool:
    return as_text(event.data.get("text")).startswith("The user chose: ")


def _answered(event: Event) -> str:
    return as_text(event.data.get("text"))


def _is_turns(event: Event) -> bool:
    return event.type == "answer" and event.data.get("purpose", "turn") == "turn"


def _compactions(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event.type == "compacted"]


def _up_to(event: Event) -> int:
    value = event.data.get("upTo")
    return value if isinstance(value, int) else 0


def _names(events: Sequence[Event]) -> dict[str, str]:
    return {
        as_text(event.data.get("id")): as_text(event.data.get("name"))
        for event in events
        if event.type == "call"
    }
