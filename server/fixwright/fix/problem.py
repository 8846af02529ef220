"""What is to be fixed, and what a rule gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fixwright.failures.model import Failure
    from fixwright.fix.definitions import Definitions
    from fixwright.runs.run import Run
    from fixwright.workspace.document import Document
    from fixwright.workspace.draft import Draft
    from fixwright.workspace.position import Range
    from fixwright.workspace.snapshot import Snapshot


@dataclass(frozen=True)
class Problem:
    """Something wrong at a place of a document: a failure of a run, or any server's diagnostic.

    Attributes:
        range: over the document's text in the snapshot that goes with the problem.
        code: the failure's kind ("NameError"), or the diagnostic's code ("F821").
        source: who says so: "fixwright", "Pyright", "Ruff" …
        failure: what a run showed; None where only a diagnostic is known.
        run: the run that showed it.
    """

    uri: str
    range: Range
    message: str
    code: str
    source: str
    failure: Failure | None = None
    run: Run | None = None


def problem_of(run: Run, failure: Failure) -> Problem | None:
    """A failure of a run as a problem of the document that it points into."""
    uri = run.uri_of(failure)
    if uri is None or failure.range is None:
        return None
    return Problem(
        uri=uri, range=failure.range, message=failure.message, code=failure.kind,
        source="fixwright", failure=failure, run=run,
    )  # fmt: skip


@dataclass(frozen=True)
class RuleContext:
    """All that a rule may look at. `document` is the problem's, `definitions` the workspace's."""

    snapshot: Snapshot
    problem: Problem
    document: Document
    definitions: Definitions


@dataclass(frozen=True)
class Candidate:
    """An edit that may fix a problem; running it decides.

    Attributes:
        draft: over the context's snapshot.
        title: what it does, as a quick fix's title.
        rule: the rule's name.
        distance: how far-fetched it is: for another spelling the slips in between, else 0. One that
            is further away is no rival of a nearer one.
        caveat: what the edit takes on trust and no run can show; such an edit is never verified.
    """

    draft: Draft
    title: str
    rule: str
    distance: float = 0.0
    caveat: str | None = None


Rule = Callable[[RuleContext], Iterable[Candidate]]
"""Pure; best first, few; nothing rather than something silly."""
