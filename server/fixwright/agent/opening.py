"""From the settings and what a front door offers to a session that is open for turns."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.agent.budget import Limits
from fixwright.agent.desk import Ask, Watch, nobody, unwatched
from fixwright.agent.guard import Guard
from fixwright.agent.naming import Names
from fixwright.agent.observer import Observer, unseen
from fixwright.agent.policy import permissions
from fixwright.agent.policy.grants import AlwaysGrants, session_grants
from fixwright.agent.policy.hooks import Hooks, users_hooks
from fixwright.agent.policy.permissions import Permissions
from fixwright.agent.policy.places import places_of
from fixwright.agent.policy.policy import policy_of
from fixwright.agent.session import AgentSession, Surroundings, open_session
from fixwright.agent.sessions.store import SessionStore
from fixwright.models.fallback import Fallback
from fixwright.models.types import ModelError
from fixwright.secrets import Redactor, redactor_for

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


def redactor_of(settings: Settings) -> Redactor:
    """What is known to be secret here."""
    return redactor_for(os.environ, settings.agent.redact)


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
    opened = store.create(folders, mode) if session is None else store.open(session)
    async with await opened as journal:
        settings = services.settings
        guard = _guard(door, services, journal, mode)
        around = Surroundings(
            now=door.now,
            runner=services.runner,
            models=services.model.fallback(door.consent),
            small=Fallback([services.model.small]),
            guard=guard,
            clean=redactor_of(settings).redact,
            index=door.index,
            instructions=settings.agent.instructions,
            ask=door.ask,
            watch=door.watch,
            observe=door.observe,
            readable=guard.permissions.policy.may_read,
            deliver=door.deliver,
        )
        yield await open_session(journal, mode, around, limits_of(settings))


def _guard(door: Door, services: Services, journal: Journal, mode: Mode) -> Guard:
    folders = [folder.path for folder in door.now().folders]
    agent = services.settings.agent
    looking: dict[Mode, PolicyMode] = {"plan": "plan", "apply": "apply"}
    limit: PolicyMode = "headless" if door.headless else looking.get(mode, "propose")
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
    return Guard(allowed, Hooks(users_hooks(agent.hooks)))
