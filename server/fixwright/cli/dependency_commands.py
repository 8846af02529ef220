"""`fixwright sandbox deps`: what a folder asks for, and its installation into the sandbox."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import click

from fixwright.cli.exits import COULD_NOT, DONE, FAILED, REFUSED
from fixwright.headless import Headless, headless
from fixwright.runs.dependencies import Ask, ask_of, lacking, may_lack
from fixwright.runs.dependency_report import dependency_report
from fixwright.runs.run import Run
from fixwright.runs.target import RunRefused
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.paths import path_to_uri
from fixwright_sandbox import SandboxUnavailable
from fixwright_sandbox.dependencies.install import Installed

_EXITS = {"refused": REFUSED, "failed": FAILED, "cancelled": COULD_NOT}


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=Path())
@click.option("--install", is_flag=True, help="Install it; asks first.")
@click.option("--yes", is_flag=True, help="Agree to what is installed.")
@click.option("--json", "as_json", is_flag=True, help="Print a report as JSON, nothing else.")
def deps(path: Path, *, install: bool, yes: bool, as_json: bool) -> None:
    """Tell what a file's or folder's project asks for, and install it into the sandbox."""
    place = path.absolute()
    uri = None if place.is_dir() else path_to_uri(place)

    async def work() -> int:
        async with headless(place) as tools:
            return await _deps(tools, uri, install=install, yes=yes, as_json=as_json)

    try:
        sys.exit(asyncio.run(work()))
    except KeyboardInterrupt:
        why, code = "Stopped; nothing is left of it.", COULD_NOT
    except (RunRefused, UnknownDocument) as error:
        why, code = str(error), REFUSED
    except SandboxUnavailable as error:
        why, code = str(error), COULD_NOT
    click.echo(f"fixwright: {why}", err=True)
    sys.exit(code)


async def _deps(
    tools: Headless, uri: str | None, *, install: bool, yes: bool, as_json: bool
) -> int:
    ask = await asyncio.to_thread(ask_of, Draft.over(tools.snapshot), uri)
    installed: Installed | None = None
    if ask is None or ask.wanted.nothing:
        status, reason = "nothing", "Nothing is asked for."
    elif not install:
        status, reason = "planned", None
    elif ask.wanted.conflicts:
        status, reason = "refused", ask.wanted.conflicts[0].message
    elif not await _agreed(tools, ask, yes=yes, quiet=as_json):
        status, reason = "refused", "Nobody agreed to it (--yes does)."
    else:
        installed = await _install(tools, ask, quiet=as_json)
        done = await tools.dependencies.done(ask, installed)
        status, reason = ("installed", None) if done else ("failed", installed.message)
    if as_json:
        click.echo(json.dumps(dependency_report(status, reason, ask, installed), indent=2))
    else:
        _tell(ask, installed, reason)
    return _EXITS.get(status, DONE)


async def supplied(tools: Headless, finished: Run) -> bool:
    """Where a run failed for want of what could be installed: ask, and install it on a yes.

    For a person at a terminal only. Returns whether the run is worth repeating.
    """
    if not may_lack(finished):
        return False
    try:
        ask = await asyncio.to_thread(lacking, finished)
    except (RunRefused, UnknownDocument):
        return False
    if ask is None or ask.wanted.conflicts or not await _agreed(tools, ask, yes=False, quiet=False):
        return False
    installed = await _install(tools, ask, quiet=False)
    if await tools.dependencies.done(ask, installed):
        return True
    click.echo(f"fixwright: {installed.message}", err=True)
    return False


async def _agreed(tools: Headless, ask: Ask, *, yes: bool, quiet: bool) -> bool:
    async def confirm(question: str) -> bool:
        if yes:
            return True
        if quiet or not sys.stdin.isatty():
            return False
        for line in ask.remarks:
            click.echo(f"  {line}", err=True)
        return await asyncio.to_thread(click.confirm, question, err=True)

    return await tools.dependencies.allowed(ask, confirm)


async def _install(tools: Headless, ask: Ask, *, quiet: bool) -> Installed:
    installation = await tools.dependencies.start(ask)
    async for event in installation.execution.events():
        if event.data and not quiet:
            sys.stderr.buffer.write(event.data)
            sys.stderr.flush()
    return await installation.wait()


def _tell(ask: Ask | None, installed: Installed | None, reason: str | None) -> None:
    if installed is not None and installed.record is not None:
        for each in installed.record.releases:
            click.echo(f"{each.name} {each.version}")
    elif ask is not None:
        for each in ask.wanted.packages:
            click.echo(each.title)
    for line in (*(ask.remarks if ask is not None else ()), reason):
        if line:
            click.echo(f"fixwright: {line}", err=True)
