"""Whether a check that passes now could still fail."""

from __future__ import annotations

import ast
import asyncio

from fixwright.failures.model import Failure
from fixwright.fix.rules.python_file import parse
from fixwright.fix.verify import followed, retargeted
from fixwright.runs.run import Run
from fixwright.runs.runner import Runner
from fixwright.workspace.draft import Draft
from fixwright.workspace.position import Range


async def can_fail(runner: Runner, draft: Draft, before: Run, failure: Failure) -> bool | None:
    """Turn the assertion that failed into its opposite, and run that.

    After an honest edit the opposite fails. Where it passes, too, the edit keeps the assertion from
    being reached or from counting: it returns early, leaves the program, or catches the failure.

    Returns:
        None where the failure is no assertion that stands in the draft as one.

    Raises:
        RunRefused: the draft can't be run.
        SandboxUnavailable: the sandbox has gone.
    """
    turned = await asyncio.to_thread(_turned, draft, before, failure)
    if turned is None:
        return None
    target = await asyncio.to_thread(retargeted, before.target, turned)
    run = await runner.run(turned, target)
    return any(each.kind == failure.kind for each in run.failures)


def _turned(draft: Draft, before: Run, failure: Failure) -> Draft | None:
    """The draft with the assertion negated."""
    uri = before.uri_of(failure)
    if failure.kind != "AssertionError" or failure.range is None or uri is None:
        return None
    file = parse(draft.document(uri).text)
    if file is None:
        return None
    start = followed(failure.range, uri, draft).start
    for node in file.find(ast.Assert, Range(start, start)):
        place = file.range(node.test)
        return draft.edit(uri, place, f"not ({file.of(node.test)})")
    return None
