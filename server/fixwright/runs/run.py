"""One finished execution, with what it means for the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from fixwright.failures.model import Failure, TestCounts
from fixwright.failures.parse import test_outcomes, warnings_of
from fixwright.runs.target import Target
from fixwright.runs.tree import Root
from fixwright.workspace.draft import Draft
from fixwright.workspace.snapshot import Snapshot
from fixwright_sandbox import Result


@dataclass(frozen=True)
class Run:
    """What ran, of which text, and what came out.

    `draft` holds the text that ran: it is empty for a run of the snapshot itself. `stale` says that
    it had other packages than its manifests ask for.
    """

    id: str
    target: Target
    title: str
    draft: Draft
    root: Root
    result: Result
    failures: tuple[Failure, ...]
    tests: TestCounts | None
    runtime: str = "python"
    stale: Failure | None = None

    @property
    def snapshot(self) -> Snapshot:
        """The workspace that the run saw, below its draft."""
        return self.draft.base

    def uri_of(self, failure: Failure) -> str | None:
        """The document that a failure points into; its run's own file when it has no place."""
        if failure.path is not None and (uri := self.root.uri_of(failure.path)) is not None:
            return uri
        return self.target.uri

    @property
    def passed(self) -> bool:
        """Whether it ran to its end without a failure."""
        return self.result.status == "passed" and not self.failures

    @property
    def test_outcomes(self) -> Mapping[str, str]:
        """How each test ended, by its id."""
        return test_outcomes(self.result)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the runtime has to say about the run: "pytest is not installed …"."""
        notes = (each.get("message") for each in self.result.reports if each.get("type") == "note")
        return tuple(note for note in notes if isinstance(note, str))

    @property
    def shown(self) -> tuple[Mapping[str, object], ...]:
        """The values that its cells have shown: each by MIME type, text or what JSON can hold."""
        data = (each.get("data") for each in self.result.reports if each.get("type") == "result")
        return tuple(cast("Mapping[str, object]", each) for each in data if isinstance(each, dict))

    @property
    def warnings(self) -> tuple[Failure, ...]:
        """What is to be heeded; the run passes all the same: its packages, its tools' warnings."""
        stale = (self.stale,) if self.stale is not None else ()
        return (*stale, *warnings_of(self.result, None))

    @property
    def outcome(self) -> str:
        """What came out, in a few words: "passed in 35 ms", "NameError: name 'x' …"."""
        milliseconds = f"{self.result.duration * 1000:.0f} ms"
        counts = f" ({self.tests.passed} tests)" if self.tests and self.tests.passed else ""
        if self.passed:
            return f"passed in {milliseconds}{counts}"
        for failure in self.failures:
            more = f", and {len(self.failures) - 1} more" if len(self.failures) > 1 else ""
            return f"{failure.title}{more}"
        return self.result.message
