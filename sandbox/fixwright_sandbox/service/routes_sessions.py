"""Sessions: interpreters that are kept, and the cells that are run in them."""

from __future__ import annotations

from fastapi import APIRouter, Response

from .answers import RunAnswer, SessionAnswer, SessionsAnswer, run_answer, session_answer
from .needed import TheAccount, TheBroker, TheHeld, TheSession
from .routes_runs import Wait, wait_for
from .wire import CellSent, SessionSent

router = APIRouter(prefix="/v1/sandboxes/{sandbox}/sessions", tags=["sessions"])


@router.post("", status_code=201)
async def open_session(
    sent: SessionSent, held: TheHeld, account: TheAccount, broker: TheBroker, response: Response
) -> SessionAnswer:
    """Open a session; its interpreter starts with the first cell."""
    kept = broker.open_session(account, held, sent)
    response.headers["Location"] = f"/v1/sandboxes/{held.id}/sessions/{kept.id}"
    return session_answer(kept)


@router.get("")
async def list_sessions(held: TheHeld) -> SessionsAnswer:
    """Every session of the sandbox."""
    return SessionsAnswer(sessions=[session_answer(each) for each in held.sessions.values()])


@router.get("/{session}")
async def get_session(kept: TheSession) -> SessionAnswer:
    """One session."""
    return session_answer(kept)


@router.post("/{session}/cells", status_code=201)
async def run_cell(
    sent: CellSent,
    kept: TheSession,
    held: TheHeld,
    account: TheAccount,
    broker: TheBroker,
    response: Response,
    wait: Wait = 0,
) -> RunAnswer:
    """Run a cell, behind those that were sent before. It is a run like any other, below `runs`."""
    run = broker.start_cell(account, held, kept, sent)
    response.headers["Location"] = f"/v1/sandboxes/{held.id}/runs/{run.id}"
    await wait_for(run, wait)
    return run_answer(run)


@router.post("/{session}/interrupt", status_code=204)
async def interrupt_session(kept: TheSession) -> None:
    """Interrupt the cell that runs, if one does, as Ctrl-C does; the state is kept."""
    kept.session.interrupt()


@router.post("/{session}/restart")
async def restart_session(kept: TheSession) -> SessionAnswer:
    """End the interpreter and what it runs; the next cell gets a new one."""
    await kept.session.restart()
    return session_answer(kept)


@router.delete("/{session}", status_code=204)
async def close_session(kept: TheSession, held: TheHeld) -> None:
    """End the session. Nothing is left of what it wrote."""
    held.sessions.pop(kept.id, None)
    await kept.session.close()
