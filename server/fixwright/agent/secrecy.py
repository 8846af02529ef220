"""What is secret in a session, and keeping it from those who look on."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from fixwright.agent.plugins.servers import secrets_of_servers
from fixwright.json_reading import as_object
from fixwright.models.credentials import find_key
from fixwright.models.types import ModelError
from fixwright.secrets import Redactor, StreamRedactor, redactor_for, secrets_in_dotenv

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from fixwright.agent.observer import Observer, SightKind
    from fixwright.config import Settings

_LARGEST = 1 << 16
"""Bytes of a `.env` file; a larger one is something else."""


def redactor_of(settings: Settings) -> Redactor:
    """What the environment and the settings say is secret."""
    agent = settings.agent
    return redactor_for(os.environ, agent.redact, secrets_of_servers(agent.mcp))


async def session_redactor(settings: Settings, folders: Iterable[Path]) -> Redactor:
    """The same, with the model's key and what the workspace's `.env` files hold."""
    known = await asyncio.to_thread(_of_dotenv, tuple(folders))
    if command := settings.model.api_key_command:
        try:
            key = await find_key("", command, {})
        except ModelError:
            key = None  # then there is no key; asking the model will say why
        if key is not None:
            known["MODEL_API_KEY"] = key.secret
    return redactor_of(settings).knowing(known)


def _of_dotenv(folders: tuple[Path, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for folder in folders:
        for path in sorted(folder.glob(".env*")):
            try:
                if path.is_file() and path.stat().st_size <= _LARGEST:
                    found |= secrets_in_dotenv(path.read_text("utf-8", "replace"))
            except OSError:
                continue  # what we may not read, no run of ours is given either
    return found


class Discreet:
    """Tells an observer what happens, without secrets: also those that come in pieces."""

    def __init__(self, observe: Observer, redactor: Redactor) -> None:
        self._observe = observe
        self._redactor = redactor
        self._streams: dict[SightKind, StreamRedactor] = {}

    def __call__(self, kind: SightKind, data: Mapping[str, object]) -> None:
        """One thing that has happened."""
        text = data.get("text")
        if kind in ("text", "thinking") and isinstance(text, str):
            stream = self._streams.setdefault(kind, StreamRedactor(self._redactor))
            self._tell(kind, stream.feed(text))
            return
        for held, stream in self._streams.items():
            self._tell(held, stream.end())
        self._streams.clear()
        self._observe(kind, as_object(self._redactor.redact_json(dict(data))))

    def _tell(self, kind: SightKind, text: str) -> None:
        if text:
            self._observe(kind, {"text": text})
