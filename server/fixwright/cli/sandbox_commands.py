"""`fixwright sandbox`: the sandbox by itself, thin over `fixwright_sandbox`."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

import click

from fixwright.cli.exits import COULD_NOT, DONE, FAILED
from fixwright.cli.sandbox_serve import serve
from fixwright_sandbox import (
    BackendName,
    Execution,
    InvalidTreeError,
    Result,
    SandboxSettings,
    SandboxUnavailable,
    Workspace,
    open_sandbox,
)
from fixwright_sandbox.backends.base import BackendError
from fixwright_sandbox.leftovers import Found, Used, found, leftovers, remove, usage
from fixwright_sandbox.leftovers import prune as prune_all
from fixwright_sandbox.runtimes import runtimes

_READ = 1 << 16
T = TypeVar("T")
_BACKENDS = ("auto", "docker", "podman", "bubblewrap", "kubernetes", "swarm", "unconfined")


@click.group()
def sandbox() -> None:
    """Run things in the sandbox by itself, and look after what it has on this machine."""


sandbox.add_command(serve)


@sandbox.command()
@click.argument("command", nargs=-1)
@click.option("--runtime", help="What --code is written in; else that of --file's name, or Python.")
@click.option("--file", "file", help="A file to run: of --dir, or any by itself.")
@click.option("--code", help="A program's text to run.")
@click.option(
    "--dir", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder whose files the run gets copies of.",
)  # fmt: skip
@click.option("--stdin", is_flag=True, help="Let it read what comes on standard input.")
@click.option("--timeout", type=float, help="Seconds by the clock.", metavar="SECONDS")
@click.option("--changes", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
              help="Write the files that it created or modified into this folder.")  # fmt: skip
@click.option("--backend", type=click.Choice(_BACKENDS), default="auto", help="Where to run.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, nothing else.")
def run(
    command: tuple[str, ...],
    *,
    runtime: str | None,
    file: str | None,
    code: str | None,
    folder: Path | None,
    stdin: bool,
    timeout: float | None,
    changes: Path | None,
    backend: str,
    as_json: bool,
) -> None:
    """Run a file, code or, after "--", a command, and pass on what it writes."""
    if sum(map(bool, (command, file, code is not None))) != 1:
        raise click.UsageError("Name one thing to run: --file, --code, or a command after --.")
    if runtime is not None and runtime not in runtimes():
        known = ", ".join(runtimes())
        raise click.BadParameter(
            f"there is no {runtime}; there are {known}", param_hint="--runtime"
        )
    if timeout is not None and timeout <= 0:
        raise click.BadParameter("it has to be more than 0", param_hint="--timeout")

    async def work() -> int:
        settings = SandboxSettings(backend=cast("BackendName", backend), pool=0)
        async with open_sandbox(settings) as opened, await opened.create() as workspace:
            path = file
            if folder is not None:
                await workspace.upload(folder)
            elif file is not None:
                path = Path(file).name
                await workspace.upload(file, path)
            started = workspace.run(
                command or None, code=code, file=path, runtime=runtime, timeout=timeout,
                interactive=stdin, keep=changes is not None,
            )  # fmt: skip
            result = await _follow(started, stdin=stdin, as_json=as_json)
            if changes is not None:
                await _write_changes(workspace, result, changes)
            return _exit_code(result)

    _finish(work())


@sandbox.command()
@click.argument("runtimes", nargs=-1)
@click.option("--offline", is_flag=True, help="Ask no image registry.")
@click.option("--force", is_flag=True, help="Make anew what is up to date.")
@click.option("--verbose", is_flag=True, help="Show what the steps say.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def build(
    runtimes: tuple[str, ...], *, offline: bool, force: bool, verbose: bool, as_json: bool
) -> None:
    """Build the images of runtimes, of all where none is named."""
    from fixwright_sandbox.images.__main__ import sentence
    from fixwright_sandbox.images.build import build as build_images
    from fixwright_sandbox.images.events import BuildEvent, ImageError

    def tell(event: BuildEvent) -> None:
        line = sentence(event, verbose=verbose)
        if line is not None:
            click.echo(line, err=True)

    try:
        results = build_images(runtimes, offline=offline, force=force, report=tell)
    except ImageError as error:
        _could_not(str(error))
    if as_json:
        click.echo(json.dumps([asdict(each) for each in results], indent=2))
    sys.exit(FAILED if any(each.status == "failed" for each in results) else DONE)


@sandbox.command("ls")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def list_command(*, as_json: bool) -> None:
    """List what sandboxes have: environments that live, and what dead owners left."""
    things = _asking(found)
    if as_json:
        click.echo(json.dumps([_object(each) for each in things], indent=2))
        return
    rows = [("ID", "KIND", "BACKEND", "OWNER", "AGE", "WORKSPACE", "IMAGE")]
    for each in things:
        owner = "?" if each.owner is None else str(each.owner.pid)
        rows.append(
            (
                _short(each), each.kind, each.backend, f"{owner} (dead)" if each.left else owner,
                _age(each), each.workspace or "-", each.image or "-",
            )
        )  # fmt: skip
    _table(rows)


@sandbox.command()
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def stats(*, as_json: bool) -> None:
    """Show what each environment uses."""
    used = _asking(lambda: usage(found()))
    if as_json:
        click.echo(json.dumps([_used_object(each) for each in used], indent=2))
        return
    rows = [("ID", "KIND", "BACKEND", "MEMORY", "CPU", "AGE", "WORKSPACE")]
    for each in used:
        thing = each.found
        memory = f"{each.memory / (1 << 20):.1f} MiB"
        cpu = f"{each.cpu_seconds:.2f} s"
        place = (_short(thing), thing.kind, thing.backend)
        rows.append((*place, memory, cpu, _age(thing), thing.workspace or "-"))
    _table(rows)


@sandbox.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def prune(*, dry_run: bool, as_json: bool) -> None:
    """Remove what dead owners left. What lives is left alone."""
    things = _asking(leftovers if dry_run else prune_all)
    if as_json:
        click.echo(json.dumps([_object(each) for each in things], indent=2))
        return
    for each in things:
        what = f"{each.kind} {each.id} [{each.backend}]"
        click.echo(f"{'would remove' if dry_run else 'removed'} {what}")
    if not things:
        click.echo("Nothing is left over.", err=True)


@sandbox.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def kill(ids: tuple[str, ...]) -> None:
    """End environments, whoever owns them. What runs in one is lost; its owner is told."""
    things = _asking(found)
    chosen: list[Found] = []
    for name in ids:
        matching = [each for each in things if name in {each.environment, each.id, _short(each)}]
        if not matching:
            _could_not(f"There is no {name}; see `fixwright sandbox ls`.", FAILED)
        chosen += matching
    _asking(lambda: remove(tuple(chosen)))


async def _follow(started: Execution, *, stdin: bool, as_json: bool) -> Result:
    feeding = asyncio.create_task(_feed(started)) if stdin else None
    try:
        async for event in started:
            if event.kind in ("stdout", "stderr") and not as_json:
                stream = sys.stdout if event.kind == "stdout" else sys.stderr
                stream.buffer.write(event.data)
                stream.flush()
    except asyncio.CancelledError:
        await started.cancel()
        raise
    finally:
        if feeding is not None:
            feeding.cancel()
            await asyncio.wait({feeding})
    result = await started
    if as_json:
        click.echo(json.dumps(_result_object(result), indent=2))
    elif result.status != "passed":
        click.echo(f"fixwright: {result.message} [{result.backend}]", err=True)
    return result


async def _feed(started: Execution) -> None:
    """Pass on standard input until it or the run ends. A pipe's end is the run's, too."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    try:
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
        while data := await reader.read(_READ):
            await started.write(data)
    except ValueError:  # a plain file, which no loop can wait for
        while data := await asyncio.to_thread(sys.stdin.buffer.read, _READ):
            await started.write(data)
    except BrokenPipeError:
        return
    started.close_stdin()


async def _write_changes(workspace: Workspace, result: Result, folder: Path) -> None:
    for file in result.files:
        if result.kept and file.change != "deleted" and file.path in workspace.tree:
            await workspace.download(file.path, folder / file.path)
    if not result.kept:
        click.echo("fixwright: no changes were written.", err=True)


def _exit_code(result: Result) -> int:
    if result.status == "passed":
        return DONE
    return COULD_NOT if result.status in {"error", "engine", "image"} else FAILED


def _result_object(result: Result) -> dict[str, Any]:
    values = asdict(replace(result, reports=(), files=()))
    for name, stream in (("stdout", result.stdout), ("stderr", result.stderr)):
        values[name] = stream.data.decode("utf-8", "replace")
        values[f"{name}_bytes"] = stream.total
    values["files"] = [
        {"path": file.path, "change": file.change, "bytes": file.size} for file in result.files
    ]
    values["reports"] = [dict(report) for report in result.reports]
    return values


def _object(thing: Found) -> dict[str, Any]:
    return {**asdict(thing), "owner": thing.owner and thing.owner.pid}


def _used_object(used: Used) -> dict[str, Any]:
    return {
        **_object(used.found),
        "memory_bytes": used.memory,
        "cpu_seconds": round(used.cpu_seconds, 6),
    }


def _short(thing: Found) -> str:
    return thing.environment or (thing.id if thing.kind == "folder" else thing.id[:12])


def _age(thing: Found) -> str:
    return "?" if thing.started_at is None else f"{max(0.0, time.time() - thing.started_at):.0f} s"


def _table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _asking(question: Callable[[], T]) -> T:
    try:
        return question()
    except BackendError as error:
        _could_not(str(error))


def _finish(work: Coroutine[object, object, int]) -> NoReturn:
    try:
        sys.exit(asyncio.run(work))
    except KeyboardInterrupt:
        _could_not("Stopped.")
    except (SandboxUnavailable, InvalidTreeError, LookupError, OSError) as error:
        _could_not(str(error))


def _could_not(why: str, code: int = COULD_NOT) -> NoReturn:
    click.echo(f"fixwright: {why}", err=True)
    sys.exit(code)
