"""`test`: the project's tests, over the draft."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pydantic import Field

from fixwright.agent.tools.arguments import Arguments
from fixwright.agent.tools.run import LONGEST, executed
from fixwright.agent.tools.spec import Outcome, Refused
from fixwright.agent.tools.typed import TypedTool
from fixwright.runs.target import Target

if TYPE_CHECKING:
    from fixwright.agent.desk import Desk
    from fixwright.agent.tools.spec import Effect


class TestArguments(Arguments):
    """What `test` takes."""

    selector: str | None = Field(
        default=None,
        description="A test file, or a test's id as the runner prints it. Default: all tests.",
    )
    failed_only: bool = Field(
        default=False, description="Only those that failed the last time tests were run."
    )
    timeout_s: int = Field(default=LONGEST, ge=1, le=LONGEST)


class TestTool(TypedTool[TestArguments]):
    """Runs tests over the workspace with the draft's changes in it."""

    name = "test"
    description = (
        "Run the project's tests in the sandbox with your edits in. Failures come with their"
        " places. The result has an id that finish can cite."
    )
    effect: Effect = "run"

    def __init__(self) -> None:
        super().__init__(TestArguments)

    def sentence(self, given: TestArguments) -> str:
        """As a person is asked."""
        return f"run {given.selector or 'the tests'} in the sandbox"

    async def work(self, given: TestArguments, desk: Desk) -> Outcome:
        """Run them."""
        ids = _failed(desk) if given.failed_only else ()
        target = Target("tests", test_ids=ids)
        if not ids and given.selector:
            name, _, test = given.selector.partition("::")
            target = Target("tests", test_ids=(given.selector,))
            if not test and PurePosixPath(name).suffix:
                target = Target("tests", desk.names.uri(name))
        return await executed(desk, target, float(given.timeout_s))


def _failed(desk: Desk) -> tuple[str, ...]:
    for evidence in reversed(desk.evidence.values()):
        run = evidence.run
        if run.target.kind == "tests":
            failed = tuple(
                name for name, how in run.test_outcomes.items() if how not in ("passed", "skipped")
            )
            if not failed:
                raise Refused(f"No test failed in {evidence.id}. Run them without failed_only.")
            return failed
    raise Refused("No tests were run in this session yet. Run them without failed_only.")
