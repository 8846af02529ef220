"""Import a provider's SDK off the event loop, and have it do its slow first steps there.

Importing one takes seconds, and its first stream builds hundreds of pydantic models, which would
stop the loop. So a thread imports it and runs one canned stream through it; after that a first real
request costs the loop next to nothing.

What would still stop the loop is the garbage collector: hundreds of thousands of new objects set it
off, it holds the interpreter's lock while it looks at all of them, and goes on doing so at every
full collection of the process' life. None of them is ever garbage, so the collector rests meanwhile
and is then told to leave them alone.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from fixwright.models.anthropic import AnthropicProvider
    from fixwright.models.openai import OpenAIProvider
    from fixwright.models.responses import ResponsesProvider
    from fixwright.models.types import Provider

Sdk: TypeAlias = Literal["anthropic", "openai", "responses"]


class ScriptedOpener(Protocol):
    """The signature of `scripted.provider.open_scripted`."""

    async def __call__(self, path: Path, *, max_tokens: int) -> Provider:
        """Start a script's server and a client for it."""
        ...


_one_at_a_time = threading.Lock()


async def load_anthropic() -> type[AnthropicProvider]:
    """The adapter's class, its SDK imported and primed."""
    await asyncio.to_thread(_load, "anthropic")
    from fixwright.models.anthropic import AnthropicProvider

    return AnthropicProvider


async def load_openai() -> type[OpenAIProvider]:
    """The adapter's class, its SDK imported and primed."""
    await asyncio.to_thread(_load, "openai")
    from fixwright.models.openai import OpenAIProvider

    return OpenAIProvider


async def load_responses() -> type[ResponsesProvider]:
    """The adapter's class, its SDK imported and primed."""
    await asyncio.to_thread(_load, "responses")
    from fixwright.models.responses import ResponsesProvider

    return ResponsesProvider


async def load_scripted() -> ScriptedOpener:
    """`scripted.provider.open_scripted`; importing it takes pydantic along."""
    await asyncio.to_thread(importlib.import_module, "fixwright.models.scripted.provider")
    from fixwright.models.scripted.provider import open_scripted

    return open_scripted


def _load(sdk: Sdk) -> None:
    """Import and prime, once; blocks, for seconds the first time."""
    with _one_at_a_time:
        _prime(sdk)


@cache
def _prime(sdk: Sdk) -> None:
    with _collector_at_rest():
        priming = importlib.import_module("fixwright.models.priming")
        asyncio.run(priming.PRIMERS[sdk]())


@contextmanager
def _collector_at_rest() -> Generator[None]:
    """No collections inside; what was created inside is exempt from all later ones."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()
