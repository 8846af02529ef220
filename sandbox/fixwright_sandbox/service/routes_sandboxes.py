"""Sandboxes, and the states that they remember."""

from __future__ import annotations

from fastapi import APIRouter, Response

from .accounts import MOST_SNAPSHOTS
from .answers import (
    SandboxAnswer,
    SandboxesAnswer,
    SnapshotAnswer,
    StatsAnswer,
    sandbox_answer,
    stats_answer,
)
from .needed import TheAccount, TheBroker, TheHeld
from .problems import not_found, too_many
from .wire import ResetSent, SandboxSent, SnapshotSent

router = APIRouter(prefix="/v1/sandboxes", tags=["sandboxes"])


@router.post("", status_code=201)
async def create_sandbox(
    sent: SandboxSent, account: TheAccount, broker: TheBroker, response: Response
) -> SandboxAnswer:
    """Create a sandbox with files, ready to run."""
    held = await broker.create(account, sent)
    response.headers["Location"] = f"/v1/sandboxes/{held.id}"
    return sandbox_answer(held)


@router.get("")
async def list_sandboxes(account: TheAccount) -> SandboxesAnswer:
    """Every sandbox of the token."""
    return SandboxesAnswer(sandboxes=[sandbox_answer(each) for each in account.sandboxes.values()])


@router.get("/{sandbox}")
async def get_sandbox(held: TheHeld) -> SandboxAnswer:
    """One sandbox."""
    return sandbox_answer(held)


@router.delete("/{sandbox}", status_code=204)
async def terminate_sandbox(held: TheHeld, account: TheAccount, broker: TheBroker) -> None:
    """End it with all that runs in it. Nothing is left of it."""
    await broker.terminate(account, held)


@router.get("/{sandbox}/stats")
async def get_stats(held: TheHeld, broker: TheBroker) -> StatsAnswer:
    """What it uses now."""
    stats = await broker.sandbox.stats()
    mine = [each for each in stats.environments if each.workspace == held.id]
    return stats_answer(held, mine)


@router.post("/{sandbox}/snapshots", status_code=201)
async def take_snapshot(sent: SnapshotSent, held: TheHeld) -> SnapshotAnswer:
    """Remember the files as they are, in place of an older snapshot of that name."""
    known = {each.name for each in held.workspace.snapshots}
    if sent.name not in known and len(known) >= MOST_SNAPSHOTS:
        raise too_many(f"A sandbox may have {MOST_SNAPSHOTS} snapshots.", "name")
    taken = await held.workspace.snapshot(sent.name)
    return SnapshotAnswer(name=taken.name, taken_at=taken.taken_at, files=len(taken.tree))


@router.post("/{sandbox}/reset")
async def reset_sandbox(sent: ResetSent, held: TheHeld) -> SandboxAnswer:
    """Make the files as they were at a snapshot, or as created."""
    try:
        await held.workspace.reset(sent.to)
    except LookupError as error:
        raise not_found(f"snapshot as {sent.to}", "to") from error
    return sandbox_answer(held)
