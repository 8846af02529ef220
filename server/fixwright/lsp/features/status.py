"""What goes on, and the small commands: status, clear, cancel, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from fixwright import __version__
from fixwright.fix.services import has_model
from fixwright.log import log_file
from fixwright.lsp import arguments as args
from fixwright.lsp import names
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench


async def status(
    bench: Workbench, _snapshot: Snapshot, arguments: tuple[Any, ...]
) -> dict[str, object]:
    """`fixwright.status`."""
    del arguments
    sandbox = bench.services.door.opened
    model = bench.services.model.settings
    provider = (model.provider or "by key") if has_model(model) else "none"
    return {
        "version": __version__,
        "sandbox": {
            "backend": sandbox.backend if sandbox else None,
            "image": sandbox.image if sandbox else None,
            "configured": bench.services.settings.sandbox.backend,
        },
        "provider": {"name": provider, "model": model.name},
        "documents": len(bench.store.now.documents),
        "folders": [folder.uri for folder in bench.store.now.folders],
        "index": await bench.indexing.figures(),
        "sessions": list(bench.services.sessions.live),
        "stalePackages": [
            {"folder": path_to_uri(folder), "runtime": runtime, "message": told.message}
            for (folder, runtime), told in bench.services.dependencies.stale.items()
        ],
        "jobs": [{"title": job.title, "runId": job.key} for job in bench.jobs.running],
        "log": str(log_file()),
    }


async def clear(
    bench: Workbench, _snapshot: Snapshot, arguments: tuple[Any, ...]
) -> dict[str, object]:
    """`fixwright.clear`."""
    bench.board.clear(args.parse(args.Clear, arguments).uri)
    return {}


async def cancel(
    bench: Workbench, _snapshot: Snapshot, arguments: tuple[Any, ...]
) -> dict[str, object]:
    """`fixwright.cancel`: the job of one run, or all jobs."""
    return {"cancelled": bench.jobs.cancel(args.parse(args.Cancel, arguments).run_id)}


async def configuration_changed(
    bench: Workbench, _snapshot: Snapshot, _params: lsp.DidChangeConfigurationParams
) -> None:
    """`workspace/didChangeConfiguration`."""
    await bench.reconfigure()


async def files_changed(
    bench: Workbench, _snapshot: Snapshot, params: lsp.DidChangeWatchedFilesParams
) -> None:
    """`workspace/didChangeWatchedFiles`."""
    bench.indexing.files_changed(params.changes)


async def progress_cancelled(
    bench: Workbench, _snapshot: Snapshot, params: lsp.WorkDoneProgressCancelParams
) -> None:
    """`window/workDoneProgress/cancel`."""
    bench.jobs.cancel_progress(params.token)


def announce(bench: Workbench) -> None:
    """Tell clients of ours what goes on."""
    jobs = bench.jobs.running
    sandbox = bench.services.door.opened
    bench.editor.notify(
        names.STATUS_EVENT,
        {
            "state": "running" if jobs else "idle",
            "message": ", ".join(job.title for job in jobs),
            "backend": sandbox.backend if sandbox else None,
            "jobs": len(jobs),
        },
    )
