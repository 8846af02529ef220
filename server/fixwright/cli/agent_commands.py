"""`fixwright ask` and `fixwright agent`: the agent on the command line."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click

from fixwright.cli.exits import COULD_NOT, REFUSED

if TYPE_CHECKING:
    from fixwright.agent.context.prompt import Mode

_F = TypeVar("_F", bound=Callable[..., object])


def _common(command: _F) -> _F:
    """What both commands take."""
    options = (
        click.argument("prompt", default=""),
        click.argument("path", default=".", type=click.Path(exists=True, path_type=Path)),
        click.option("--session", metavar="ID", help="Go on with this session."),
        click.option("--continue", "last", is_flag=True, help="Go on with the folder's last one."),
        click.option("--json", "as_json", is_flag=True, help="Print the report, nothing else."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@_common
def ask(prompt: str, path: Path, *, session: str | None, last: bool, as_json: bool) -> None:
    """Ask the agent about the code of PATH's work tree. It looks and runs, and changes nothing.

    PROMPT "-" is read from standard input.
    """
    _finish(prompt, path, "ask", session, last=last, as_json=as_json)


@click.command()
@_common
@click.option("--plan", is_flag=True, help="Say what would be done: nothing is changed or run.")
@click.option("--apply", is_flag=True, help="Write the changes if a run has shown all claims.")
@click.option("--apply-unproven", is_flag=True, help="Write them whatever was shown.")
def agent(
    prompt: str,
    path: Path,
    *,
    session: str | None,
    last: bool,
    as_json: bool,
    plan: bool,
    apply: bool,
    apply_unproven: bool,
) -> None:
    """Let the agent work on the code of PATH's work tree, and show what it would change.

    Nothing is written without --apply, and with it only where every claim is shown by a run of
    exactly the text that would be written; otherwise a person at the terminal is asked, and where
    there is none it ends with 3. PROMPT "-" is read from standard input. Without PROMPT a session
    is gone on with: a turn that was cut is taken up, or changes that wait are written.
    """
    if plan and (apply or apply_unproven):
        raise click.UsageError("a plan changes nothing: leave out --apply")
    mode: Mode = "plan" if plan else "propose"
    write = "unproven" if apply_unproven else "proven" if apply else None
    _finish(prompt, path, mode, session, last=last, as_json=as_json, write=write)


def _finish(
    prompt: str,
    path: Path,
    mode: Mode,
    session: str | None,
    *,
    last: bool,
    as_json: bool,
    write: str | None = None,
) -> NoReturn:
    """Do it and exit; why it was not done goes to stderr, and as a report to stdout."""
    from fixwright.agent.report import no_agent_report
    from fixwright.agent.sessions.errors import SessionError
    from fixwright.cli.agent_turn import Refused, Wanted, work
    from fixwright.models.types import ModelError
    from fixwright.workspace.document import UnknownDocument

    if session and last:
        raise click.UsageError("give --session or --continue, not both")
    text = sys.stdin.read() if prompt == "-" else prompt
    if not text.strip() and not (session or last):
        raise click.UsageError("say what to do, or name a session to go on with")
    wanted = Wanted(text, path.absolute(), mode, session, last, as_json, write)
    known: list[str] = []
    report = partial(no_agent_report, "refused")
    code = REFUSED
    try:
        sys.exit(asyncio.run(work(wanted, known.append)))
    except KeyboardInterrupt:
        report, code = partial(no_agent_report, "cancelled"), COULD_NOT
        name = f" Go on with it: fixwright agent --session {known[0]}" if known else ""
        why = f"Stopped. Nothing was written.{name}"
    except (Refused, SessionError, UnknownDocument) as error:
        why = str(error)
    except (ModelError, OSError) as error:
        report, code = partial(no_agent_report, "error"), COULD_NOT
        why = str(error)
    click.echo(f"fixwright: {why}", err=True)
    if as_json:
        click.echo(json.dumps(report(why, known[0] if known else session), indent=2))
    sys.exit(code)
