"""One turn of the agent headless: from the folder to what is written, and the exit code."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fixwright.agent.context.place import place_text
from fixwright.agent.context.switch import mode_text
from fixwright.agent.delivery import write_to_disk
from fixwright.agent.observer import unseen
from fixwright.agent.opening import Door, session_at
from fixwright.agent.policy.fence import visible
from fixwright.agent.report import AgentReport, agent_report, no_agent_report
from fixwright.agent.sessions.resume import is_cut
from fixwright.agent.sessions.store import SessionStore
from fixwright.cli.exits import COULD_NOT, DONE, FAILED, REFUSED
from fixwright.cli.terminal import Narration, Terminal, somebody_is_there
from fixwright.fix.services import has_model
from fixwright.headless import headless
from fixwright.index.workspace_index import IndexUnavailable, WorkspaceIndex
from fixwright.log import keep_out_of_logs, redact
from fixwright.secrets import redactor_for
from fixwright.workspace.disk import DiskConflict
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.text import Encoding

if TYPE_CHECKING:
    from fixwright.agent.context.prompt import Mode
    from fixwright.agent.session import AgentSession
    from fixwright.headless import Headless

_EXITS = {"done": DONE, "limit": FAILED, "refused": REFUSED, "stale": REFUSED}
_INDEX_SECONDS = 10.0
"""How long a turn waits for the index to be up to date; it goes on without."""
_SHORT = 80


class Refused(Exception):
    """What was asked for is not done; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for.

    Attributes:
        prompt: what the user says; empty to go on with a session.
        path: a file or folder of the work tree.
        session, last: the session to go on with, by its name or as the folder's last.
        as_json: nothing but a report is printed, and nobody is asked.
        write: whether changes are written: "proven", "unproven" for any, None for none.
    """

    prompt: str
    path: Path
    mode: Mode
    session: str | None
    last: bool
    as_json: bool
    write: str | None


async def work(wanted: Wanted, begun: Callable[[str], None]) -> int:
    """Do it; the exit code. `begun` is told the session's name.

    Raises:
        Refused: it is not done.
        SessionError: the session can't be opened, or its store not be written.
        ModelError: the model can't be set up.
    """
    async with headless(wanted.path) as tools:
        for problem in tools.problems:
            click.echo(f"fixwright: {problem}", err=True)
        if wanted.prompt.strip() and not has_model(tools.services.model.settings):
            raise Refused(
                "The agent needs a model. Set model.provider and its key; see docs/models.md."
            )
        keep_out_of_logs(redactor_for(os.environ, tools.services.settings.agent.redact))
        store = SessionStore(redact=redact)
        try:
            return await _errand(wanted, tools, store, begun)
        finally:
            await store.close()


async def _errand(
    wanted: Wanted, tools: Headless, store: SessionStore, begun: Callable[[str], None]
) -> int:
    name = wanted.session or (await _last(store, tools) if wanted.last else None)
    terminal = None if wanted.as_json or not somebody_is_there() else Terminal()
    door = await _door(wanted, tools, terminal)
    async with session_at(door, tools.services, store, wanted.mode, name) as session:
        begun(session.id)
        return await _Errand(wanted, tools, session, terminal).run()


async def _last(store: SessionStore, tools: Headless) -> str:
    [folder] = tools.snapshot.folders
    found = await store.list(folder.uri, 1)
    if not found:
        raise Refused(f"There is no session of {folder.path} to go on with.")
    return found[0].id


async def _door(wanted: Wanted, tools: Headless, terminal: Terminal | None) -> Door:
    """What the command line offers."""
    index = await _fresh(await tools.index())
    observe = unseen if wanted.as_json else Narration()
    if terminal is None:
        return Door(now=lambda: tools.snapshot, index=index, headless=True, observe=observe)
    return Door(
        now=lambda: tools.snapshot,
        index=index,
        ask=terminal.ask,
        permit=terminal.permit,
        consent=terminal.consent,
        observe=observe,
    )


async def _fresh(index: WorkspaceIndex | None) -> WorkspaceIndex | None:
    """The index when it has read everything, or as far as it has come."""
    if index is not None:
        try:
            async with asyncio.timeout(_INDEX_SECONDS):
                await index.wait_fresh()
        except TimeoutError:
            pass
        except IndexUnavailable:
            return None
    return index


@dataclass(frozen=True)
class _Errand:
    """A session that is open, and what is to be done with it."""

    wanted: Wanted
    tools: Headless
    session: AgentSession
    terminal: Terminal | None

    async def run(self) -> int:
        report = await self._turn()
        if self.wanted.write and report["diff"] and report["status"] == "done":
            await self._write(report)
        if self.wanted.as_json:
            click.echo(json.dumps(report, indent=2))
        else:
            self._tell(report)
        return _EXITS.get(report["status"], COULD_NOT)

    async def _turn(self) -> AgentReport:
        """A turn, the rest of one that was cut, or what a session has left to be written."""
        wanted, session = self.wanted, self.session
        if wanted.prompt.strip():
            context = await asyncio.to_thread(self._context)
            done = await session.turn(wanted.prompt, context)
        elif is_cut(session.journal.events):
            done = await session.resume()
        elif session.draft.is_empty:
            raise Refused(
                "The session's last turn has ended and left no changes. Say what to do next."
            )
        else:
            report = no_agent_report("refused", "", session.id)
            return {
                **report,
                "status": "done",
                "reason": None,
                "diff": await asyncio.to_thread(session.draft.diff),
            }
        return await asyncio.to_thread(agent_report, session, done, Encoding.UTF16)

    def _context(self) -> str:
        """The file that was named, if it is one, and a mode that is new to the session. I/O."""
        snapshot, path = self.tools.snapshot, self.wanted.path
        place = ""
        if not path.is_dir():
            place = place_text(snapshot, snapshot.document(path_to_uri(path)), None)
        switched = mode_text(self.session.journal.events, self.wanted.mode)
        return "\n".join(filter(None, (place, switched)))

    async def _write(self, report: AgentReport) -> None:
        """Write the draft where that is wanted; the report says what came of it."""
        if self.wanted.write == "proven" and (doubt := _doubt(report)):
            if self.terminal is None:
                report["status"] = "refused"
                report["reason"] = (
                    f"Not written: {doubt}. Look at the changes, then write them all the same:"
                    f" fixwright agent --session {self.session.id} --apply-unproven"
                )
                return
            click.echo(visible(report["diff"]), err=True, nl=False)
            if not await self.terminal.agrees(f"Write the changes? Mind that {doubt}."):
                report["reason"] = "Not written, as you said."
                return
        try:
            label = self.wanted.prompt.strip().partition("\n")[0][:_SHORT] or "Fixwright's agent"
            await write_to_disk(self.session.draft, self.session.journal, label)
        except DiskConflict as conflict:
            report["status"], report["reason"] = (
                "stale",
                (
                    f"{conflict} Go on over what is there now:"
                    f" fixwright agent --session {self.session.id} PROMPT"
                ),
            )
            return
        report["applied"] = True

    def _tell(self, report: AgentReport) -> None:
        """The answer and the changes on stdout, everything about them on stderr."""
        if report["text"]:
            click.echo(visible(report["text"]))
        if report["diff"]:
            diff = report["diff"]
            click.echo(visible(diff) if sys.stdout.isatty() else diff, nl=False)
        for claim in report["claims"]:
            evidence = f" ({claim['evidence']})" if claim["evidence"] else ""
            click.echo(f"{claim['standing']}: {visible(claim['text'])}{evidence}", err=True)
        if report["reason"]:
            click.echo(f"fixwright: {visible(report['reason'])}", err=True)
        if report["applied"]:
            click.echo("Written to disk.", err=True)
        if usage := report["usage"]:
            cost = "" if usage["costUsd"] is None else f", ${usage['costUsd']:.2f}"
            tokens = usage["inputTokens"] + usage["cacheReadTokens"] + usage["cacheWriteTokens"]
            click.echo(
                f"session {self.session.id}: {tokens:,} tokens read,"
                f" {usage['outputTokens']:,} written{cost}",
                err=True,
            )


def _doubt(report: AgentReport) -> str:
    """Why the changes are not proven; empty where they are."""
    standing = [each["standing"] for each in report["claims"]]
    if not standing:
        return "nothing is claimed that a run of exactly this text has shown"
    shown = standing.count("shown")
    if shown == len(standing):
        return ""
    return f"{shown} of {len(standing)} claims are shown by a run of exactly this text"
