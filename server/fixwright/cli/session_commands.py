"""`fixwright sessions`: the agent's kept sessions in the terminal."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn, TextIO, cast

import click

from fixwright.agent.records import Event
from fixwright.agent.sessions.checkpoints import checkpoints
from fixwright.agent.sessions.errors import BadExport, SessionError, UnknownSession
from fixwright.agent.sessions.records import SavedSession, SessionInfo
from fixwright.agent.sessions.resume import cost, draft_texts, usage
from fixwright.agent.sessions.store import SessionStore
from fixwright.agent.sessions.transcript import transcript
from fixwright.agent.sessions.transfer import info_json
from fixwright.cli.exits import COULD_NOT, DONE, FAILED, REFUSED
from fixwright.json_reading import as_object
from fixwright.workspace.paths import path_to_uri

_Work = Callable[[SessionStore], Coroutine[None, None, int]]
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, nothing else.")
_NAME = click.argument("name", metavar="SESSION")


@click.group(invoke_without_command=True)
@click.pass_context
def sessions(context: click.Context) -> None:
    """List, show, rename, fork, delete, export and import sessions with the agent.

    SESSION is an id or the beginning of one. Without a command the sessions of this folder are
    listed.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_sessions)


@sessions.command(name="list")
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--all", "everywhere", is_flag=True, help="Of all folders.")
@click.option("--limit", default=50, type=click.IntRange(min=1), show_default=True)
@_JSON
def list_sessions(
    folder: Path = Path(), *, everywhere: bool = False, limit: int = 50, as_json: bool = False
) -> None:
    """List the sessions of FOLDER, the last used first."""
    folder = folder.resolve()
    workspace = None if everywhere else path_to_uri(folder)

    async def work(store: SessionStore) -> int:
        found = await store.list(workspace, limit)
        if as_json:
            click.echo(json.dumps([info_json(each) for each in found], indent=2))
        else:
            for each in found:
                click.echo(_line(each))
            if not found:
                where = "" if everywhere else f" of {folder}; --all lists the others"
                click.echo(f"There are no sessions{where}.", err=True)
        return DONE if found else FAILED

    _finish(work)


@sessions.command()
@_NAME
@_JSON
def show(name: str, *, as_json: bool) -> None:
    """Show what was said and done in SESSION."""

    async def work(store: SessionStore) -> int:
        found = await store.read(name)
        if as_json:
            events = [_event_json(each) for each in found.events]
            click.echo(json.dumps({**info_json(found.info), "events": events}, indent=2))
            return DONE
        click.echo(_line(found.info))
        for line in transcript(found.events):
            click.echo(line)
        _tell_state(found)
        return DONE

    _finish(work)


@sessions.command()
@_NAME
@click.argument("title")
@_JSON
def rename(name: str, title: str, *, as_json: bool) -> None:
    """Give SESSION another TITLE."""

    async def work(store: SessionStore) -> int:
        session = await store.rename(name, title)
        _tell({"session": session, "title": title}, f"{session} is “{title}” now.", as_json)
        return DONE

    _finish(work)


@sessions.command()
@_NAME
@click.option("--at", "seq", type=click.IntRange(min=1), help="After this event; default: all.")
@_JSON
def fork(name: str, *, seq: int | None, as_json: bool) -> None:
    """Begin a session with the events of SESSION, which stays as it is."""

    async def work(store: SessionStore) -> int:
        journal = await store.fork(name, seq)
        parent = journal.events[0].data["parent"]
        told = {"session": journal.session, "parent": parent}
        _tell(told, f"{journal.session} goes on from there.", as_json)
        return DONE

    _finish(work)


@sessions.command()
@click.argument("names", metavar="SESSION...", nargs=-1)
@click.option("--older-than", "days", type=click.FloatRange(min=0), help="All older ones, in days.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_JSON
def delete(names: tuple[str, ...], *, days: float | None, yes: bool, as_json: bool) -> None:
    """Delete sessions and the texts that only they keep. There is no way back."""
    if bool(names) == (days is not None):
        raise click.UsageError("name sessions, or give --older-than")
    what = ", ".join(names) if names else f"all sessions without an event in {days:g} days"
    if not yes:
        click.confirm(f"Delete {what}?", abort=True, err=True)

    async def work(store: SessionStore) -> int:
        if days is not None:
            gone = await store.prune(days)
        else:
            ids = [await store.resolve(name) for name in names]  # all of them, or none
            gone = tuple([await store.delete(each) for each in dict.fromkeys(ids)])
        _tell({"deleted": gone}, f"Deleted: {', '.join(gone) or 'none'}.", as_json)
        return DONE

    _finish(work)


@sessions.command()
@_NAME
@click.option("-o", "--output", type=click.File("w", encoding="utf-8"), default="-")
def export(name: str, *, output: TextIO) -> None:
    """Write SESSION with all texts that it keeps as JSON.

    It holds the files' texts, what was said and what programs printed: look before you send it.
    """

    async def work(store: SessionStore) -> int:
        output.write(json.dumps(await store.export(name), indent=1) + "\n")
        return DONE

    _finish(work)


@sessions.command(name="import")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@_JSON
def import_(file: TextIO, *, as_json: bool) -> None:
    """Begin a session with the events of an exported one; - reads standard input."""

    async def work(store: SessionStore) -> int:
        journal = await store.import_(_parsed(await asyncio.to_thread(file.read)))
        _tell({"session": journal.session}, f"It is session {journal.session} here.", as_json)
        return DONE

    _finish(work)


@click.command()
@_NAME
@_JSON
def replay(name: str, *, as_json: bool) -> None:
    """Repeat SESSION, or the file of an exported one, offline against what it recorded.

    No model is asked and no tool works. Exits with 1 where the session took another way, and says
    where first.
    """
    from fixwright.agent.sessions.rerun import rerun

    file = Path(name)
    given = as_object(_parsed(file.read_text(encoding="utf-8"))) if file.is_file() else None

    async def work(store: SessionStore) -> int:
        found = await rerun(await store.export(name) if given is None else given)
        same = found.difference is None
        if as_json:
            click.echo(json.dumps({"same": same, **asdict(found)}, indent=2))
        else:
            click.echo(
                f"{found.turns} turns with {found.requests} requests:"
                f" {found.difference or 'repeated without a difference.'}"
            )
        return DONE if same else FAILED

    _finish(work)


def _finish(work: _Work) -> NoReturn:
    """Do the work with the user's sessions, and exit."""

    async def all_of_it() -> int:
        store = SessionStore()
        try:
            return await work(store)
        finally:
            await store.close()

    try:
        sys.exit(asyncio.run(all_of_it()))
    except KeyboardInterrupt:
        click.echo("fixwright: Stopped.", err=True)
    except (UnknownSession, BadExport) as error:
        click.echo(f"fixwright: {error}", err=True)
        sys.exit(REFUSED)
    except (SessionError, OSError) as error:
        click.echo(f"fixwright: {error}", err=True)
    sys.exit(COULD_NOT)


def _parsed(text: str) -> object:
    """What an exported session's file holds; no object where it is not JSON."""
    try:
        return cast("object", json.loads(text))
    except ValueError:
        return None


def _tell(data: dict[str, object], sentence: str, as_json: bool) -> None:
    click.echo(json.dumps(data, indent=2) if as_json else sentence)


def _line(info: SessionInfo) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(info.updated))
    spent = f"{info.tokens:,} tokens" + (f", ${info.cost:.2f}" if info.cost else "")
    title = info.title or "(no title)"
    return f"{info.id}  {when}  {info.status:<11}  {info.mode:<7}  {title}  [{spent}]"


def _tell_state(found: SavedSession) -> None:
    """What is left of a session, and what it took."""
    used, paid = usage(found.events), cost(found.events)
    unknown = f" and {paid.unpriced} answers without a known price" if paid.unpriced else ""
    click.echo(
        f"{used.input + used.cache_read + used.cache_write:,} tokens read, {used.output:,} written,"
        f" ${paid.usd:.4f}{unknown}"
    )
    if waiting := [each for each in draft_texts(found.events) if each.op != "moved"]:
        click.echo(f"{len(waiting)} files are changed in its draft and not in the editor.")
    if undoable := checkpoints(found.events):
        click.echo(f"{len(undoable)} changes can be undone; the last is “{undoable[0].label}”.")


def _event_json(event: Event) -> dict[str, object]:
    return {"seq": event.seq, "time": event.time, "type": event.type, "data": event.data}
