"""The hooks that a repository brings for the agent: inert until the user trusts exactly those."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.agent.policy.fence import one_line
from fixwright.agent.policy.hooks import REPOSITORY_FILE, repository_hooks
from fixwright.agent.policy.kept import DecisionsLost
from fixwright.agent.policy.trust import Trust, with_programs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fixwright.agent.desk import Ask
    from fixwright.agent.policy.fence import one_line
from fixwright.agent.policy.hooks import Hook

TRUST = "Trust them"
LEAVE = "Leave them off"
_LARGEST = 1 << 16


@dataclass(frozen=True)
class _Brought:
    """A repository's hooks, with what has to be trusted."""

    hooks: tuple[Hook, ...]
    content: bytes


async def trusted_hooks(folders: Sequence[Path], ask: Ask) -> tuple[tuple[Hook, ...], str]:
    """The hooks that may run, and a sentence about those that may not; empty for none.

    Args:
        folders: of the workspace.
        ask: asks the user whether hooks that are new or have changed are trusted.
    """
    found = await asyncio.to_thread(_brought, folders)
    if found is None:
        return (), ""
    trust = Trust(folders)
    if await asyncio.to_thread(trust.check, "hooks", found.content):
        return found.hooks, ""
    shown = "; ".join(f"{each.when} {each.tool}: {' '.join(each.command)}" for each in found.hooks)
    question = (
        f"This repository brings hooks for the agent ({REPOSITORY_FILE}): {one_line(shown, 600)}."
        " They would run in the sandbox. Any change of them is asked about again."
    )
    if await ask(question, (TRUST, LEAVE)) != TRUST:
        return (
            (),
            f"The repository's hooks ({REPOSITORY_FILE}) are not trusted, so none runs.",
        )
    try:
        await asyncio.to_thread(trust.grant, "hooks", found.content, REPOSITORY_FILE)
    except DecisionsLost as lost:
        return found.hooks, f"The hooks are trusted this time only: {lost}"
    return found.hooks, ""


def _brought(folders: Sequence[Path]) -> _Brought | None:
    hooks: list[Hook] = []
    contents: list[bytes] = []
    for folder in folders:
        path = folder / REPOSITORY_FILE
        try:
            if not path.is_file() or path.stat().st_size > _LARGEST:
                continue
            text = path.read_text("utf-8", "replace")
        except OSError:
            continue
        found = repository_hooks(text)
        words = [word for hook in found for word in hook.command]
        hooks += found
        contents.append(with_programs(text, words, folder))
    return _Brought(tuple(hooks), b"\0\0".join(contents)) if hooks else None
