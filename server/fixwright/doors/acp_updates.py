"""What the agent does, as updates of an ACP session; needs the extra `acp`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

import acp
from acp.schema import (
    AgentMessageChunk,
    AgentThoughtChunk,
    ToolCallLocation,
    ToolCallProgress,
    ToolCallStart,
    ToolKind,
    UserMessageChunk,
)

from fixwright.agent.sessions.messages import message_from_json
from fixwright.agent.sessions.resume import is_turns
from fixwright.agent.tools.shown import clipped
from fixwright.models.json_reading import as_list, as_object, as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from fixwright.agent.observer import SightKind
    from fixwright.agent.records import Event

Update: TypeAlias = (
    AgentMessageChunk | AgentThoughtChunk | ToolCallProgress | ToolCallStart | UserMessageChunk
)

_LONGEST = 8000
_KINDS: dict[str, ToolKind] = {
    "read": "read", "diagnostics": "read", "git": "read", "search": "search", "outline": "search",
    "edit": "edit", "file_op": "edit", "run": "execute", "test": "execute", "finish": "think",
}  # fmt: skip


class Updates:
    """Takes what happens at once, and sends it in order; `absolute` finds a named file's path."""

    def __init__(
        self, client: acp.Client, session: str, absolute: Callable[[str], str | None]
    ) -> None:
        self._client = client
        self._session = session
        self._absolute = absolute
        self._paths: dict[str, list[str]] = {}
        self._waiting: asyncio.Queue[Update] = asyncio.Queue()
        self._sending = asyncio.create_task(self._send())

    def __call__(self, kind: SightKind, data: Mapping[str, object]) -> None:
        """See `agent.observer`."""
        call, text = as_text(data.get("call")), as_text(data.get("text"))
        match kind:
            case "text":
                self.say(text)
            case "thinking":
                self._waiting.put_nowait(acp.update_agent_thought_text(text))
            case "wait":
                reason = f"Waiting {data.get('seconds'):.0f} s: {data.get('reason')}\n"
                self._waiting.put_nowait(acp.update_agent_thought_text(reason))
            case "remark":
                self.say(f"{text}\n\n")
            case "permission":
                self._paths[call] = [as_text(each) for each in as_list(data.get("paths"))]
            case "toolCall":
                title = as_text(data.get("sentence")) or as_text(data.get("name"))
                self._waiting.put_nowait(
                    acp.start_tool_call(
                        call,
                        title,
                        kind=_KINDS.get(as_text(data.get("name")), "other"),
                        status="in_progress",
                        locations=self._locations(call),
                    )
                )
            case "toolResult":
                self._waiting.put_nowait(_ended(call, text, failed=data.get("error") is True))
            case _:
                pass

    def say(self, text: str) -> None:
        """Words of the agent's."""
        self._waiting.put_nowait(acp.update_agent_message_text(text))

    def put(self, update: Update) -> None:
        """Anything else."""
        self._waiting.put_nowait(update)

    async def sent(self) -> None:
        """Wait until everything so far is sent, or can't be."""
        joined = asyncio.ensure_future(self._waiting.join())
        await asyncio.wait((joined, self._sending), return_when=asyncio.FIRST_COMPLETED)
        joined.cancel()

    async def close(self) -> None:
        """Send what is left, and stop."""
        await self.sent()
        self._sending.cancel()
        await asyncio.gather(self._sending, return_exceptions=True)

    async def _send(self) -> None:
        while True:
            update = await self._waiting.get()
            await self._client.session_update(session_id=self._session, update=update)
            self._waiting.task_done()

    def _locations(self, call: str) -> list[ToolCallLocation]:
        found = (self._absolute(name) for name in self._paths.pop(call, ()))
        return [ToolCallLocation(path=path) for path in found if path is not None]


def replayed(events: Sequence[Event]) -> Iterator[Update]:
    """A kept session as the updates that it once was."""
    for event in events:
        match event.type:
            case "user" if event.data.get("by") is None:
                yield acp.update_user_message_text(as_text(event.data.get("text")))
            case "answer" if is_turns(event):
                message = message_from_json(as_object(event.data.get("message")))
                if message.text:
                    yield acp.update_agent_message_text(message.text)
                for call in message.calls:
                    kind = _KINDS.get(call.name, "other")
                    yield acp.start_tool_call(call.id, call.name, kind=kind, status="pending")
            case "result":
                data = event.data
                failed = data.get("error") is True
                yield _ended(as_text(data.get("id")), as_text(data.get("text")), failed=failed)
            case "ended" if text := as_text(event.data.get("text")):
                yield acp.update_agent_message_text(text)
            case _:
                pass


def _ended(call: str, text: str, *, failed: bool) -> ToolCallProgress:
    content = [acp.tool_content(acp.text_block(clipped(text, _LONGEST)))]
    return acp.update_tool_call(call, status="failed" if failed else "completed", content=content)
