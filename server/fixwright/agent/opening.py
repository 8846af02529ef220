"""From the settings and what a front door offers to a session that is open for turns."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.agent.budget import Limits
from fixwright.agent.desk import Ask, Watch, nobody, unwatched
from fixwright.agent.guard import Guard
from fixwright.agent.naming import Names
from fixwright.agent.observer import Observer, unseen
from fixwright.agent.plugins.life import found_plugins, joined
from fixwright.agent.policy import permissions
from fixwright.agent.policy.grants import AlwaysGrants, session_grants
from fixwright.agent.policy.hooks import Hooks, users_hooks
from fixwright.agent.policy.permissions import Permissions
from fixwright.agent.policy.places import Places, places_of
from fixwright.agent.policy.policy import policy_of
from fixwright.agent.policy.programs import in_sandbox
from fixwright.agent.repository import trusted_hooks
from fixwright.agent.secrecy import Discreet, session_redactor
from fixwright.agent.session import AgentSession, Surroundings, open_session, tools_for
from fixwright.agent.sessions.store import SessionStore
from fixwright.log import keep_out_of_logs
from fixwright.models.fallback import Fallback
from fixwright.models.types import ModelError
from fixwright.workspace.draft import Draft

if TYPE_CHECKING:
    from fixwright.agent.calls import Deliver
    from fixwright.agent.context.prompt import Mode
    from fixwright.agent.policy.permissions import Asker
    from fixwright.agent.policy.places import Place
    from fixwright.agent.policy.policy import Mode as PolicyMode
    from fixwright.agent.records import Journal
    from fixwright.config import Settings
    from fixwright.fix.services import Services
    from fixwright.index.workspace_index import WorkspaceIndex
    from fixwright.models.model import Model
    from fixwright.workspace.snapshot import Snapshot

Consent = Callable[["Model", "Model", ModelError], Awaitable[bool]]


_SOME_ARE_MISSING = (
    "Some tools that the user has set up can't be used in this session; the user was told which."
)


async def no_switch(_from: Model, _to: Model, _why: ModelError) -> bool:
    """Where nobody can be asked, no other model is paid."""
    return False


@dataclass(frozen=True)
class Door:
    """What a front door offers: the editor's, the command line's, a protocol's.

    Attributes:
        now: the present snapshot.
        index: the workspace's, if there is one.
        headless: nobody can be asked.
        ask: shows a question of the model's.
        permit: shows a question about a permission.
        consent: asks whether another model may be asked.
        watch: follows runs.
        observe: is told what happens.
        deliver: hands verified changes to the editor as they come; None keeps them for the end.
    """

    now: Callable[[], Snapshot]
    index: WorkspaceIndex | None = None
    headless: bool = False
    ask: Ask = nobody
    permit: Asker = permissions.nobody
    consent: Consent = no_switch
    watch: Watch = unwatched
    observe: Observer = unseen
    deliver: Deliver | None = None


def limits_of(settings: Settings) -> Limits:
    """What one turn may use."""
    agent = settings.agent
    budget = settings.model.budget_usd
    return Limits(agent.max_turns, agent.max_minutes * 60, agent.max_tokens, budget)


@asynccontextmanager
async def session_at(
    door: Door, services: Services, store: SessionStore, mode: Mode, session: str | None = None
) -> AsyncGenerator[AgentSession, None]:
    """A new session, or one that is gone on with; closed for others to open at the end.

    Raises:
        SessionError: it can't be opened; the sentence says why.
    """
    folders = [folder.uri for folder in door.now().folders]
    opening = store.create(folders, mode) if session is None else store.open(session)
    async with await opening as journal:
        settings = services.settings
        paths = [folder.path for folder in door.now().folders]
        redactor = await session_redactor(settings, paths)
        keep_out_of_logs(redactor)
        journal.keep_out(redactor.redact)
        hooks, remark = await trusted_hooks(paths, door.ask)
        allowed, place = _permissions(door, services, journal, mode)
        begun: list[AgentSession] = []

        def draft() -> Draft:
            return begun[0].draft if begun else Draft.over(door.now())

        every = (*users_hooks(settings.agent.hooks), *hooks)
        guard = Guard(allowed, Hooks(every, in_sandbox(services.runner, draft)))
        around = Surroundings(
            now=door.now,
            runner=services.runner,
            models=services.model.fallback(door.consent),
            small=Fallback([services.model.small]),
            guard=guard,
            clean=redactor.redact,
            index=door.index,
            instructions=settings.agent.instructions,
            ask=door.ask,
            watch=door.watch,
            observe=Discreet(door.observe, redactor),
            readable=lambda name: allowed.policy.may_read(name, place),
            deliver=door.deliver,
        )
        tools = tools_for(mode)
        found = await found_plugins(settings.agent, paths, door.ask)
        async with joined(tools, found, mode) as left_out:
            opened = await open_session(journal, mode, around, limits_of(settings), tools)
            begun.append(opened)
            if left_out:  # no more than that: why may be told in a stranger's words
                opened.desk.remarks.append(_SOME_ARE_MISSING)
            for text in filter(None, (remark, *found.remarks, *left_out)):
                around.observe("remark", {"sessionId": opened.id, "text": text})
            yield opened


def _permissions(
    door: Door, services: Services, journal: Journal, mode: Mode
) -> tuple[Permissions, Places]:
    """What may be done, and what finds the file that a name stands for."""
    folders = [folder.path for folder in door.now().folders]
    agent = services.settings.agent
    limits: dict[Mode, PolicyMode] = {"plan": "plan", "apply": "apply"}
    limit = limits.get(mode, "propose")
    if door.headless and limit != "plan":
        limit = "headless"
    imported = journal.events[0].data.get("imported") is True

    def place(name: str) -> Place:
        return places_of(Names(door.now()))(name)

    allowed = Permissions(
        policy_of(agent, limit),
        door.permit,
        AlwaysGrants(folders) if folders else None,
        () if imported else session_grants(journal.events),
        place,
    )
    return allowed, place
