"""The commands, thin: each is a few lines over the rooms below."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Literal, NoReturn, TextIO

import click

from fixwright import __version__
from fixwright.cli.agent_commands import agent, ask
from fixwright.cli.dependency_commands import deps, supplied
from fixwright.cli.door_commands import acp, mcp
from fixwright.cli.exits import COULD_NOT, DONE, FAILED, REFUSED
from fixwright.cli.index_commands import index, symbols
from fixwright.cli.sandbox_commands import sandbox
from fixwright.cli.search_commands import search_text, show_map
from fixwright.cli.session_commands import replay, sessions
from fixwright.fix.failing import failing_run, first_problem
from fixwright.fix.report import FixReport, fix_report, no_fix_report
from fixwright.headless import Headless, headless
from fixwright.models.types import ModelError
from fixwright.runs.caution import caution
from fixwright.runs.report import RunReport, refused_report, run_report
from fixwright.runs.run import Run
from fixwright.runs.runner import ActiveRun
from fixwright.runs.target import RunRefused, Target
from fixwright.workspace.disk import DiskConflict, apply_to_disk
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.draft_change import DraftError
from fixwright.workspace.paths import path_to_uri, uri_to_path
from fixwright.workspace.position import Position, Range
from fixwright.workspace.text import Encoding
from fixwright_sandbox import SandboxUnavailable

_PLACE = re.compile(r"(?P<file>.+?)(?::(?P<first>\d+)(?:-(?P<last>\d+))?)?", re.DOTALL)
Unfinished = Literal["refused", "cancelled", "error"]
NotDone = Callable[[Unfinished, str], object]
"""The JSON report of what was not done, and why."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fixwright")
def cli() -> None:
    """Run code in a sandbox, see what fails, fix it, verified."""
    if os.environ.get("NO_COLOR"):
        click.get_current_context().color = False


cli.add_command(index)
cli.add_command(symbols)
cli.add_command(search_text)
index.add_command(show_map)
cli.add_command(ask)
cli.add_command(agent)
cli.add_command(mcp)
cli.add_command(acp)
cli.add_command(sessions)
cli.add_command(replay)


@cli.command()
@click.option("--stdio", is_flag=True, help="Standard input and output (the default).")
def serve(*, stdio: bool) -> None:
    """Serve an editor over the Language Server Protocol."""
    del stdio
    from fixwright.cli.main import serve as serve_stdio

    serve_stdio()


@cli.command()
@click.argument("place", metavar="FILE[:A-B]")
@click.argument("arguments", nargs=-1)
@click.option("--stdin", type=click.File(errors="replace"), help="What it reads; - for a pipe.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, nothing else.")
def run(place: str, arguments: tuple[str, ...], *, stdin: TextIO | None, as_json: bool) -> None:
    """Run a file, or the lines A to B of it.

    Options for the program go after "--".
    """
    path, lines = _parsed(place)
    given = stdin.read() if stdin is not None else ""

    async def work() -> int:
        async with headless(path) as tools:
            kind = "selection" if lines else "file"
            target = Target(kind, path_to_uri(path), lines, args=arguments, stdin=given)
            return await _run(tools, target, as_json=as_json)

    _finish(work(), _run_not_done(path.name) if as_json else None)


@cli.command()
@click.argument("path", default=".", type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, nothing else.")
def test(path: Path, *, as_json: bool) -> None:
    """Run the tests of a file, or of the whole project for a folder."""
    path = path.resolve()

    async def work() -> int:
        async with headless(path) as tools:
            uri = None if path.is_dir() else path_to_uri(path)
            return await _run(tools, Target("tests", uri), as_json=as_json)

    _finish(work(), _run_not_done(f"tests of {path.name}") if as_json else None)


@cli.command()
@click.argument("place", metavar="FILE[:LINE]")
@click.option("--apply", is_flag=True, help="Write a verified fix to the file.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, nothing else.")
def fix(place: str, *, apply: bool, as_json: bool) -> None:
    """Run a file, or its tests, and fix what fails; the fix is run before it is shown."""
    path, lines = _parsed(place)

    async def work() -> int:
        async with headless(path) as tools:
            return await _fix(tools, path, lines, apply=apply, as_json=as_json)

    _finish(work(), no_fix_report if as_json else None)


sandbox.add_command(deps)
cli.add_command(sandbox)


@cli.command()
def demo() -> None:
    """Run and fix a broken example through the real server, showing each step."""
    from fixwright.cli.demo import demo as show

    async def work() -> int:
        return DONE if await show() else FAILED

    _finish(work())


def _parsed(place: str) -> tuple[Path, Range | None]:
    if Path(place).is_file():  # whatever its name looks like
        return Path(place).resolve(), None
    found = _PLACE.fullmatch(place)
    if found is None:
        raise click.BadParameter("it is empty; name a file")
    path = Path(found["file"]).resolve()
    if path.is_dir():
        raise click.BadParameter(f"{found['file']} is a folder; name a file in it")
    if not path.is_file():
        raise click.BadParameter(f"there is no file {found['file']}")
    if found["first"] is None:
        return path, None
    first, last = int(found["first"]), int(found["last"] or found["first"])
    if not 1 <= first <= last:
        raise click.BadParameter(f"lines {first}-{last} are no range; lines count from 1")
    return path, Range(Position(first - 1, 0), Position(last, 0))


def _finish(work: Coroutine[object, object, int], not_done: NotDone | None = None) -> NoReturn:
    """Do the work and exit; why it was not done goes to stderr, and as a report to stdout."""
    status: Unfinished = "error"
    try:
        sys.exit(asyncio.run(work))
    except KeyboardInterrupt:
        status, why = "cancelled", "Stopped."
    except (RunRefused, UnknownDocument, DraftError, DiskConflict) as error:
        status, why = "refused", str(error)
    except (SandboxUnavailable, ModelError) as error:
        why = str(error)
    click.echo(f"fixwright: {why}", err=True)
    if not_done is not None:
        click.echo(json.dumps(not_done(status, why), indent=2))
    sys.exit(REFUSED if status == "refused" else COULD_NOT)


def _run_not_done(title: str) -> NotDone:
    return lambda status, why: refused_report(title, why, status=status)


async def _run(tools: Headless, target: Target, *, as_json: bool) -> int:
    _warn(tools)
    asks = not as_json and sys.stdin.isatty()
    try:
        active = await tools.runner.start(tools.snapshot, target)
    except SandboxUnavailable as why:
        if not asks or not await _without_sandbox(tools, target, why):
            raise
        active, asks = await tools.unconfined.start(tools.snapshot, target), False
    finished = await _shown(active, quiet=as_json)
    if asks and await supplied(tools, finished):
        active = await tools.runner.start(tools.snapshot, target)
        finished = await _shown(active, quiet=as_json)
    report = await asyncio.to_thread(run_report, finished, Encoding.UTF16)
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        _tell_run(finished, report)
        if news := await tools.dependencies.news(finished):
            click.echo(f"fixwright: {news}", err=True)
    return _exit_code(report)


async def _shown(active: ActiveRun, *, quiet: bool) -> Run:
    """See a run through, with its output as it comes."""
    if not quiet:
        async for event in active.events():
            if event.kind in ("stdout", "stderr"):
                stream = sys.stdout if event.kind == "stdout" else sys.stderr
                stream.buffer.write(event.data)
                stream.flush()
    return await active.wait()


async def _without_sandbox(tools: Headless, target: Target, why: SandboxUnavailable) -> bool:
    """Ask the person at the terminal; nothing but a yes is one."""
    touched = await asyncio.to_thread(caution, Draft.over(tools.snapshot), target)
    for line in (f"fixwright: {why}", touched):
        if line:
            click.echo(line, err=True)
    question = "Run it without a sandbox? It can then read and change all that your account can."
    return await asyncio.to_thread(click.confirm, question, err=True)


def _exit_code(report: RunReport) -> int:
    if report["status"] == "passed":
        return DONE
    return COULD_NOT if report["status"] == "error" else FAILED


def _tell_run(finished: Run, report: RunReport) -> None:
    click.echo(f"{finished.title}: {finished.outcome} [{report['backend']}]", err=True)
    for failure in report["failures"]:
        place = failure["range"]
        line = f":{place['start']['line'] + 1}:{place['start']['character'] + 1}" if place else ""
        where = f"{_named(failure['uri'])}{line}: " if failure["uri"] else ""
        click.echo(f"  {where}{failure['kind']}: {failure['message']}", err=True)
        for note in failure["notes"]:
            click.echo(f"    {note}", err=True)
    if report["reason"] and (finished.remarks or not report["failures"]):
        click.echo(f"  {report['reason']}", err=True)


def _named(uri: str | None) -> str:
    """A document as a person at this prompt would name it."""
    path = uri_to_path(uri) if uri is not None else None
    if path is None:
        return uri or ""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


async def _fix(
    tools: Headless, path: Path, lines: Range | None, *, apply: bool, as_json: bool
) -> int:
    _warn(tools)
    uri = path_to_uri(path)
    before = await failing_run(tools.runner, tools.snapshot, uri)
    problem = first_problem(before, uri, lines)
    if problem is None:
        return await _nothing_to_fix(before, lines, as_json=as_json)

    def tell(line: str) -> None:
        if not as_json:
            click.echo(f"… {line}", err=True)

    found = await tools.ladder.fix(tools.snapshot, problem, tell)
    report = await asyncio.to_thread(fix_report, found, Encoding.UTF16)
    if apply and found.status == "verified":
        await asyncio.to_thread(apply_to_disk, found.draft)
        report["applied"] = True
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        _tell_fix(report)
    return DONE if found.status == "verified" else FAILED


async def _nothing_to_fix(before: Run, lines: Range | None, *, as_json: bool) -> int:
    if before.passed:
        what = "Nothing to fix"
    elif lines is None:
        what = "No edit could fix this"
    else:
        what = "What fails is not on the lines that you named"
    reason = f"{what}: {before.outcome}"
    if as_json:
        report = await asyncio.to_thread(run_report, before, Encoding.UTF16)
        none = FixReport(
            status="none", reason=reason, rung=None, title="", evidence=f"before: {before.outcome}",
            diff="", applied=False, before=report, after=None, attempts=0, usage=None,
        )  # fmt: skip
        click.echo(json.dumps(none, indent=2))
    else:
        click.echo(reason, err=True)
    return DONE if before.passed else FAILED


def _tell_fix(report: FixReport) -> None:
    click.echo(report["diff"], nl=False)
    click.echo(f"{report['status']}: {report['title']}", err=True)
    click.echo(f"  {report['evidence']}", err=True)
    if report["reason"]:
        click.echo(f"  {report['reason']}", err=True)
    if report["applied"]:
        click.echo("  written to disk", err=True)


def _warn(tools: Headless) -> None:
    for problem in tools.problems:
        click.echo(f"fixwright: {problem}", err=True)
