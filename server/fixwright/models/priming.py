"""One canned stream through each SDK, without a network; importing this imports no SDK yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

from fixwright.models.errors import Endpoint
from fixwright.models.scripted.anthropic_wire import AnthropicWire
from fixwright.models.scripted.openai_wire import OpenAIWire
from fixwright.models.scripted.replies import Reply, Wire
from fixwright.models.scripted.responses_wire import ResponsesWire
from fixwright.models.scripted.script import ScriptedCall, Turn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

_ENDPOINT = Endpoint("priming", "http://priming.invalid/v1", "priming", "nowhere")
_TURN = Turn(thinking="a", text="b", tools=(ScriptedCall(name="c", input={"d": 1}),))


def _canned(wire: Wire) -> httpx2.MockTransport:
    """A transport that answers every request with one stream that has an event of each kind."""
    body = b"".join(wire.events(Reply(_TURN, "priming", 0)))
    headers = {"content-type": "text/event-stream"}
    return httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, content=body))


async def _prime_anthropic() -> None:
    from fixwright.models.anthropic import prime

    await prime(_ENDPOINT, _canned(AnthropicWire()))


async def _prime_openai() -> None:
    from fixwright.models.openai import prime

    await prime(_ENDPOINT, _canned(OpenAIWire()))


async def _prime_responses() -> None:
    from fixwright.models.responses import prime

    await prime(_ENDPOINT, _canned(ResponsesWire()))


PRIMERS: Mapping[str, Callable[[], Awaitable[None]]] = {
    "anthropic": _prime_anthropic,
    "openai": _prime_openai,
    "responses": _prime_responses,
}
