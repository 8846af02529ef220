"""Runs: start, wait, talk to, end."""

from __future__ import annotations

import asyncio
import contextlib
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from .accounts import Run
from .answers import RunAnswer, RunsAnswer, WrittenAnswer, clean, run_answer, run_entry
from .needed import TheAccount, TheBroker, TheHeld, TheRun
from .problems import Problem, not_found
from .routes_files import BYTES, Bytes, FilePath, contents
from .wire import RunSent

router = APIRouter(prefix="/v1/sandboxes/{sandbox}/runs", tags=["runs"])
_PATIENCE = 30.0
Wait = Annotated[
    float,
    Query(ge=0, le=60, allow_inf_nan=False, description="Seconds to wait for its end."),
]


async def wait_for(run: Run, seconds: float) -> None:
    """Until it has ended, or for so many seconds."""
    if seconds and not run.has_ended:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await run.execution.wait()


@router.post("", status_code=201)
async def start_run(
    sent: RunSent,
    held: TheHeld,
    account: TheAccount,
    broker: TheBroker,
    response: Response,
    wait: Wait = 0,
) -> RunAnswer:
    """Start a run. It goes on whether or not anybody waits for it."""
    run = broker.start(account, held, sent)
    response.headers["Location"] = f"/v1/sandboxes/{held.id}/runs/{run.id}"
    await wait_for(run, wait)
    return run_answer(run)


@router.get("")
async def list_runs(held: TheHeld) -> RunsAnswer:
    """The runs that are remembered; the oldest that have ended are forgotten in time."""
    return RunsAnswer(runs=[run_entry(each) for each in held.runs.values()])


@router.get("/{run}")
async def get_run(run: TheRun, wait: Wait = 0) -> RunAnswer:
    """A run, with its result once it has ended."""
    await wait_for(run, wait)
    return run_answer(run)


@router.delete("/{run}", status_code=204)
async def forget_run(run: TheRun, held: TheHeld) -> None:
    """End it, if it goes on, and forget it."""
    await run.execution.cancel()
    held.runs.pop(run.id, None)


@router.post("/{run}/cancel")
async def cancel_run(run: TheRun) -> RunAnswer:
    """End it in any case; answers when it is quiet."""
    await run.execution.cancel()
    return run_answer(run)


@router.post("/{run}/interrupt", status_code=204)
async def interrupt_run(run: TheRun) -> None:
    """Send SIGINT, as Ctrl-C does."""
    run.execution.interrupt()


@router.post("/{run}/kill", status_code=204)
async def kill_run(run: TheRun) -> None:
    """Send SIGKILL."""
    run.execution.kill()


@router.post(
    "/{run}/stdin",
    openapi_extra={
        "requestBody": {"content": {BYTES: {"schema": {"type": "string", "format": "binary"}}}}
    },
)
async def write_stdin(
    run: TheRun,
    request: Request,
    close: Annotated[bool, Query(description="Nothing comes behind this.")] = False,
) -> WrittenAnswer:
    """Write the body to the standard input of an interactive run."""
    written = 0
    try:
        async for piece in request.stream():
            async with asyncio.timeout(_PATIENCE):
                await run.execution.write(piece)
            written += len(piece)
        if close:
            run.execution.close_stdin()
    except TimeoutError as error:
        detail = f"The run reads no more than the first {written} bytes for now."
        raise Problem(HTTPStatus.CONFLICT, detail, "body") from error
    except (BrokenPipeError, ValueError) as error:
        raise Problem(HTTPStatus.CONFLICT, str(error), "run") from error
    return WrittenAnswer(written=written)


@router.get("/{run}/files/{path:path}", response_class=Bytes)
async def download_changed_file(path: FilePath, run: TheRun) -> Response:
    """The content of a file that the run changed, where it was collected."""
    result = run.execution.recording.result
    for file in result.files if result is not None else ():
        if clean(file.path) == path and file.data is not None:
            return contents(file.data)
    raise not_found("changed file with a content", "path")
