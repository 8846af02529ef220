"""Import a provider's SDK off the event loop, and have it do its slow first steps there.

Importing one takes seconds, and its first stream builds hundreds of pydantic models, which would
stop the loop for a third of a second. So a thread imports it and runs one canned stream through
it; after that a first real request costs the loop next to nothing.
"""

from __future__ import annotations

import asyncio
import importlib
import threading
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from fixwright.models.anthropic import AnthropicProvider
    from fixwright.models.openai import OpenAIProvider

Protocol: TypeAlias = Literal["anthropic", "openai"]


class _Primed:
    """Which SDKs are ready. They are loaded once a process, like the modules they are."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.protocols: set[Protocol] = set()


_primed = _Primed()


async def load_anthropic() -> type[AnthropicProvider]:
    """The adapter's class, its SDK imported and primed."""
    await asyncio.to_thread(_prime, "anthropic")
    from fixwright.models.anthropic import AnthropicProvider

    return AnthropicProvider


async def load_openai() -> type[OpenAIProvider]:
    """The adapter's class, its SDK imported and primed."""
    await asyncio.to_thread(_prime, "openai")
    from fixwright.models.openai import OpenAIProvider

    return OpenAIProvider


def _prime(protocol: Protocol) -> None:
    """Import and run one stream; blocks, for seconds the first time."""
    with _primed.lock:
        if protocol not in _primed.protocols:
            priming = importlib.import_module("fixwright.models.priming")
            asyncio.run(priming.PRIMERS[protocol]())
            _primed.protocols.add(protocol)
