"""Hooks: programs that are asked before a tool works, and told after it.

A hook before a tool lets it work by ending with status 0 and printing nothing, or JSON: `{}`,
`{"remark": "…"}` for the model to read, or `{"block": "why"}`. Everything else blocks: another
status, no answer in time, no such program, other output. A guard that is broken does not open the
door. A hook after a tool can add a remark and nothing else.

The user's own hooks are the user's programs and run as such. A repository's run in the sandbox, and
only when they are trusted; see `trust`.
"""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from pydantic import ValidationError

from fixwright.agent.policy.fence import one_line
from fixwright.agent.policy.programs import Ended, ProgramFailed, run_program
from fixwright.agent_config import HookConfig, UnreadEntry
from fixwright.json_reading import as_list

if TYPE_CHECKING:
    from fixwright.agent.tools.spec import Action, Outcome

RunHook: TypeAlias = Callable[[Sequence[str], str, float], Awaitable[Ended]]
"""Runs a command with a text as its input, for so many seconds at most. Raises `ProgramFailed`."""

REPOSITORY_FILE = ".fixwright/hooks.toml"
"""Where a repository says its hooks: `[[hooks]]` as in the settings."""


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook.

    Attributes:
        when: before or after the tool.
        tool: a glob for the tool's name.
        command: the program and its arguments; no shell is involved.
        timeout: in seconds.
        origin: whose it is, as a sentence says it.
        sandboxed: whether it runs in the sandbox.
        broken: why it can't be run at all.
    """

    when: Literal["before", "after"]
    tool: str
    command: tuple[str, ...]
    timeout: float = 30.0
    origin: str = "your hook"
    sandboxed: bool = False
    broken: str | None = None

    def __str__(self) -> str:
        return f"{self.origin} “{one_line(shlex.join(self.command) or '?', 100)}”"


@dataclass(frozen=True, slots=True)
class HookVerdict:
    """What the hooks before a tool have said.

    Attributes:
        blocked: why the tool may not work; None when it may.
        remarks: for the model.
    """

    blocked: str | None = None
    remarks: tuple[str, ...] = ()


async def no_sandbox(command: Sequence[str], stdin: str, timeout: float) -> Ended:  # noqa: ASYNC109 - of `RunHook`
    """Where no sandbox is to be had."""
    del command, stdin, timeout
    raise ProgramFailed("there is no sandbox to run it in")


class Hooks:
    """All hooks of a session, in their order: the user's first."""

    def __init__(
        self,
        hooks: Iterable[Hook],
        in_sandbox: RunHook = no_sandbox,
        on_host: RunHook = run_program,
    ) -> None:
        self._hooks = tuple(hooks)
        self._in_sandbox = in_sandbox
        self._on_host = on_host

    async def before(self, action: Action, call: str) -> HookVerdict:
        """Ask the hooks; the first that blocks ends it."""
        remarks: list[str] = []
        told = _told("before", action, call)
        for hook in self._of("before", action.tool):
            try:
                answer = await self._answer(hook, told)
            except ProgramFailed as failed:
                return HookVerdict(f"{hook} blocks it: {failed}", tuple(remarks))
            if answer.block is not None:
                return HookVerdict(f"{hook} blocks it: {answer.block}", tuple(remarks))
            remarks += [] if answer.remark is None else [f"{hook}: {answer.remark}"]
        return HookVerdict(None, tuple(remarks))

    async def after(self, action: Action, call: str, outcome: Outcome) -> tuple[str, ...]:
        """Tell the hooks what came of a call; their remarks. `outcome.text` is already redacted."""
        remarks: list[str] = []
        result = {"text": outcome.text, "error": outcome.error, "evidence": outcome.evidence}
        told = {**_told("after", action, call), "outcome": result}
        for hook in self._of("after", action.tool):
            try:
                answer = await self._answer(hook, told)
            except ProgramFailed as failed:
                remarks.append(f"{hook} failed: {failed}")
                continue
            if answer.remark is not None:
                remarks.append(f"{hook}: {answer.remark}")
            if answer.block is not None:
                remarks.append(f"{hook}: {answer.block}")
        return tuple(remarks)

    def _of(self, when: str, tool: str) -> Iterable[Hook]:
        return (each for each in self._hooks if each.when == when and fnmatchcase(tool, each.tool))

    async def _answer(self, hook: Hook, told: Mapping[str, object]) -> _Answer:
        if hook.broken is not None:
            raise ProgramFailed(hook.broken)
        run = self._in_sandbox if hook.sandboxed else self._on_host
        ended = await run(hook.command, json.dumps(told), hook.timeout)
        if ended.status != 0:
            last = ended.stderr.strip().rpartition("\n")[2] or ended.stdout.strip()
            said = f": {one_line(last)}" if last else ""
            raise ProgramFailed(f"it ended with status {ended.status}{said}")
        return _read(ended.stdout)


@dataclass(frozen=True, slots=True)
class _Answer:
    remark: str | None = None
    block: str | None = None


def _read(printed: str) -> _Answer:
    if not printed.strip():
        return _Answer()
    try:
        said = json.loads(printed)
    except ValueError as error:
        raise ProgramFailed(f"what it printed is not JSON: {one_line(printed, 100)}") from error
    if not isinstance(said, dict):
        raise ProgramFailed("what it printed is no JSON object")
    told = cast("dict[str, object]", said)
    if unknown := set(told) - {"remark", "block"}:
        raise ProgramFailed(f"it printed {min(unknown)!r}, which means nothing here")
    texts = {key: value for key, value in told.items() if isinstance(value, str)}
    if len(texts) != len(told):
        raise ProgramFailed("“remark” and “block” must be texts")
    return _Answer(
        *(one_line(texts[key], 1000) if key in texts else None for key in ("remark", "block"))
    )


def _told(when: str, action: Action, call: str) -> dict[str, object]:
    return {
        "event": when,
        "call": call,
        "action": {
            "tool": action.tool,
            "effect": action.effect,
            "paths": list(action.paths),
            "command": action.command,
            "sentence": action.sentence,
        },
    }


def users_hooks(told: Iterable[HookConfig | UnreadEntry]) -> tuple[Hook, ...]:
    """The hooks that the settings say; an entry that can't be read blocks everything."""
    return tuple(_hook(each, "your hook", sandboxed=False) for each in told)


def repository_hooks(text: str) -> tuple[Hook, ...]:
    """The hooks of a repository's `.fixwright/hooks.toml`, for when that text is trusted."""
    try:
        entries = as_list(tomllib.loads(text).get("hooks"))
        told = [HookConfig.model_validate(each) for each in entries]
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        first = str(error).partition("\n")[0]
        broken = UnreadEntry(message=f"{REPOSITORY_FILE} can't be read: {first}")
        return (_hook(broken, "the repository's hooks", sandboxed=True),)
    return tuple(_hook(each, "the repository's hook", sandboxed=True) for each in told)


def _hook(told: HookConfig | UnreadEntry, origin: str, *, sandboxed: bool) -> Hook:
    if isinstance(told, UnreadEntry):
        return Hook("before", "*", (), origin=origin, sandboxed=sandboxed, broken=told.message)
    return Hook(told.when, told.tool, told.command, told.timeout, origin, sandboxed)
