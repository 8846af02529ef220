"""`fixwright index` and `fixwright symbols`: the workspace's index on the command line."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import cast

import click

from fixwright.headless import root_of
from fixwright.index.catalog.place import Place
from fixwright.index.catalog.results import SymbolHit
from fixwright.index.workspace_index import IndexUnavailable, Progress, WorkspaceIndex

DONE, FAILED, COULD_NOT = 0, 1, 4
"""The exit codes, as in `commands`."""

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_Work = Callable[[WorkspaceIndex], Coroutine[None, None, int]]


@click.group(name="index", invoke_without_command=True)
@click.option("--explain", "path", type=click.Path(path_type=Path), help="The same as `explain`.")
@click.pass_context
def index(context: click.Context, path: Path | None) -> None:
    """Build, look into and clear the index of a workspace.

    The index is kept in the user's cache folder and is brought up to date by every use of it.
    """
    if path is not None:
        _explain(path, as_json=False)
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@index.command()
@click.argument("folder", default=".", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def build(folder: Path, *, as_json: bool) -> None:
    """Bring the index of FOLDER's workspace up to date, and say what is in it."""

    async def work(index: WorkspaceIndex) -> int:
        started = time.perf_counter()
        await index.wait_fresh()
        seconds = time.perf_counter() - started
        figures = {"seconds": round(seconds, 3), **await index.stats()}
        _print_figures(figures, as_json=as_json)
        return DONE

    finish(folder, work, show_progress=not as_json)


@index.command()
@click.argument("folder", default=".", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def stats(folder: Path, *, as_json: bool) -> None:
    """Show figures about the index of FOLDER's workspace."""

    async def work(index: WorkspaceIndex) -> int:
        await index.wait_fresh()
        _print_figures(dict(await index.stats()), as_json=as_json)
        return DONE

    finish(folder, work)


@index.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def explain(path: Path, *, as_json: bool) -> None:
    """Say what the index does with the file PATH, and why."""
    _explain(path, as_json=as_json)


def _explain(path: Path, *, as_json: bool) -> None:
    # Not resolved: what a link is called is what was asked for.
    path = Path.cwd() / path

    async def work(index: WorkspaceIndex) -> int:
        await index.wait_fresh()
        found = await index.explain(path)
        if as_json:
            answer = {
                "path": found.path, "indexed": found.indexed, "policy": found.policy,
                "reason": found.reason, "language": found.language, "symbols": found.symbols,
            }  # fmt: skip
            click.echo(json.dumps(answer, indent=2))
        else:
            click.echo(f"{found.path}: {found.policy}. {found.reason}")
            if found.indexed:
                click.echo(f"  {found.language}, {found.symbols} definitions")
        return DONE if found.indexed else FAILED

    finish(path if path.is_dir() else path.parent, work)


@index.command()
@click.argument("folder", default=".", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def clear(folder: Path, *, as_json: bool) -> None:
    """Remove the index of FOLDER's workspace from the cache."""
    place = Place.of([root_of(folder.resolve())])
    removed = place.clear()
    if as_json:
        click.echo(json.dumps({"folder": str(place.folder), "removed": removed}))
    else:
        click.echo(f"Removed {place.folder}." if removed else "There was no index.")


@click.command()
@click.argument("query")
@click.argument("folder", default=".", type=FOLDER)
@click.option("--limit", default=50, type=click.IntRange(min=1), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def symbols(query: str, folder: Path, *, limit: int, as_json: bool) -> None:
    """Find definitions of FOLDER's workspace in whose names QUERY's characters stand in order.

    Best matches come first. `Class.method` finds what belongs to something of that name.
    """

    async def work(index: WorkspaceIndex) -> int:
        await index.wait_fresh()
        found = [hit async for part in index.symbols(query, limit) for hit in part]
        if as_json:
            click.echo(json.dumps([_as_json(hit) for hit in found], indent=2))
        else:
            for hit in found:
                click.echo(_line(hit))
        return DONE if found else FAILED

    finish(folder, work)


def _as_json(hit: SymbolHit) -> dict[str, object]:
    return {
        "name": hit.name, "kind": hit.kind, "path": hit.path, "line": hit.line,
        "column": hit.column, "owner": hit.owner,
    }  # fmt: skip


def _line(hit: SymbolHit) -> str:
    owned = f"{hit.owner}.{hit.name}" if hit.owner else hit.name
    return f"{shown_path(hit.path)}:{hit.line + 1}:{hit.column + 1}: {hit.kind} {owned}"


def shown_path(path: str) -> Path:
    """A path relative to where one is, if it is below."""
    here = Path.cwd()
    return Path(path).relative_to(here) if Path(path).is_relative_to(here) else Path(path)


def _print_figures(figures: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(figures, indent=2))
        return
    policies = cast("dict[str, int]", figures["policies"])
    workers = cast("list[dict[str, int]]", figures["workers"])
    memory = cast("int", figures["memoryBytes"]) + sum(each["memoryBytes"] for each in workers)
    listed = ", ".join(f"{count} {policy}" for policy, count in policies.items())
    click.echo(f"files    {figures['files']} ({listed}); {figures['otherFiles']} others")
    click.echo(f"symbols  {figures['symbols']} of {figures['names']} names")
    click.echo(f"uses     {figures['uses']} of {figures['words']} words")
    click.echo(f"memory   {memory >> 20} MiB, {1 + len(workers)} processes")
    click.echo(f"disk     {cast('int', figures['diskBytes']) >> 20} MiB in {figures['folder']}")
    if "seconds" in figures:
        click.echo(f"time     {figures['seconds']} s")


def finish(folder: Path, work: _Work, *, show_progress: bool = False) -> None:
    """Do the work with the index of a folder's workspace, and exit."""

    def on_progress(progress: Progress) -> None:
        if show_progress and sys.stderr.isatty():
            click.echo(f"\r{progress.done}/{progress.total} files", err=True, nl=False)

    root = root_of(folder.resolve())

    async def all_of_it() -> int:
        index = await WorkspaceIndex.start([root], on_progress=on_progress)
        try:
            return await work(index)
        finally:
            await index.close()

    try:
        sys.exit(asyncio.run(all_of_it()))
    except KeyboardInterrupt:
        click.echo("fixwright: Stopped.", err=True)
    except (IndexUnavailable, OSError) as error:
        click.echo(f"fixwright: {error}", err=True)
    sys.exit(COULD_NOT)
