"""The servers of tools that a repository would like to have: text, until the user trusts it.

They are named by `.mcp.json`, or by `agent.mcp` in the repository's settings. One that is trusted
runs as the user's own do: with no more of the environment, and asked about just as they are.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fixwright.agent.plugins.servers import VARIABLE, server_from
from fixwright.agent.policy.fence import one_line
from fixwright.agent.policy.kept import DecisionsLost
from fixwright.agent.policy.trust import Trust, with_programs
from fixwright.agent_config import ServerConfig, UnreadEntry, server_of
from fixwright.json_reading import as_list, as_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fixwright.agent.desk import Ask
    from fixwright.agent.plugins.mcp_client import McpServer

MCP_FILE = ".mcp.json"
"""Where many tools look for a repository's servers: `{"mcpServers": {NAME: {…}}}`."""

TRUST = "Trust it"
LEAVE = "Leave it off"
_LARGEST = 1 << 20
"""Bytes of such a file."""


@dataclass(frozen=True)
class Wish:
    """A server that a repository would like to have.

    Attributes:
        name: of the server.
        file: that names it.
        folder: that this lies in, where a program is started.
        config: the server; or what is wrong with it.
    """

    name: str
    file: str
    folder: Path
    config: ServerConfig | UnreadEntry

    @property
    def content(self) -> bytes:
        """What has to be trusted: all that is said of it, and the scripts that it names. I/O."""
        told = [self.name, self.config.model_dump()]
        words = self.config.command if isinstance(self.config, ServerConfig) else ()
        return with_programs(json.dumps(told, sort_keys=True), words, self.folder)

    @property
    def shown(self) -> str:
        """What would be started or reached, for people."""
        if isinstance(self.config, UnreadEntry):
            return self.config.message
        variables = [f"{name}={value}" for name, value in sorted(self.config.env.items())]
        return self.config.url or shlex.join([*variables, *self.config.command])

    @property
    def problem(self) -> str | None:
        """Why it can't be started, trusted or not."""
        if isinstance(self.config, UnreadEntry):
            return f"is wrong: {self.config.message.removeprefix('Value error, ')}"
        values = (*self.config.env.values(), *self.config.headers.values())
        for value in values:
            if named := VARIABLE.search(value):
                return (
                    f"asks for {named[1]} of your environment, which only your own settings can"
                    f" give: put it into agent.mcp.{self.name} there"
                )
        return None

    def server(self, environment: Mapping[str, str] = os.environ) -> McpServer:
        """As a plugin, once it is trusted. What it says of itself is not believed."""
        assert isinstance(self.config, ServerConfig)
        config = self.config.model_copy(update={"read_only": False})
        return server_from(self.name, config, environment, self.folder)


def wishes_of(folders: Iterable[Path]) -> list[Wish]:
    """The servers that the folders' files name, the first of a name. Blocks."""
    found: dict[str, Wish] = {}
    for folder in folders:
        for file, name, entry in _entries(folder):
            wish = Wish(name, file, folder, server_of(name, entry))
            found.setdefault(name, wish)
    return list(found.values())


async def trusted_servers(
    folders: Sequence[Path], taken: Iterable[str], ask: Ask
) -> tuple[list[McpServer], list[str]]:
    """The servers of the folders' repositories that may be started, and a sentence for each other.

    Args:
        folders: of the workspace.
        taken: names of the user's own servers.
        ask: asks the user whether one that is new or has changed is trusted.
    """
    servers: list[McpServer] = []
    remarks: list[str] = []
    own = set(taken)
    trust = Trust(folders)
    for wish in await asyncio.to_thread(wishes_of, folders):
        what = f"The MCP server {one_line(wish.name, 60)} of {wish.file}"
        if wish.name in own:
            remarks.append(f"{what} is not started: your own settings have one of that name.")
        elif wish.problem is not None:
            remarks.append(f"{what} {wish.problem}. It is not started.")
        elif await _is_trusted(wish, trust, ask, remarks):
            servers.append(wish.server())
        else:
            remarks.append(f"{what} is not trusted, so it is not started.")
    return servers, remarks


async def _is_trusted(wish: Wish, trust: Trust, ask: Ask, remarks: list[str]) -> bool:
    content = await asyncio.to_thread(lambda: wish.content)
    if await asyncio.to_thread(trust.check, "mcp", content):
        return True
    question = (
        f"This repository ({wish.file}) brings a server of tools for the agent,"
        f" {one_line(wish.name, 60)}: {one_line(wish.shown, 1000)}. It would run on this machine"
        " as you, outside of the sandbox. Any change of it is asked about again."
    )
    if await ask(question, (TRUST, LEAVE)) != TRUST:
        return False
    try:
        await asyncio.to_thread(trust.grant, "mcp", content, wish.name)
    except DecisionsLost as lost:
        remarks.append(f"The MCP server {wish.name} is trusted this time only: {lost}")
    return True


def _entries(folder: Path) -> Iterator[tuple[str, str, object]]:
    """File, name and what is said of it."""
    for name, entry in as_object(as_object(_json(folder / MCP_FILE)).get("mcpServers")).items():
        yield MCP_FILE, name, _as_settings(as_object(entry))
    file = folder / "fixwright.toml"
    told = _toml(file)
    if not file.is_file():
        file = folder / "pyproject.toml"
        told = as_object(as_object(_toml(file).get("tool")).get("fixwright"))
    for name, entry in as_object(as_object(told.get("agent")).get("mcp")).items():
        yield file.name, name, entry


def _as_settings(entry: Mapping[str, object]) -> dict[str, object]:
    """An entry of `.mcp.json` by the names of our settings; keys of other tools are left out."""
    told = {key: entry[key] for key in ("env", "url", "headers") if key in entry}
    if isinstance(command := entry.get("command"), str):
        told["command"] = [command, *as_list(entry.get("args"))]
    return told


def _json(path: Path) -> object:
    try:
        return json.loads(_read(path))
    except (OSError, ValueError):
        return None


def _toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(_read(path))
    except (OSError, ValueError):  # what is wrong with it is reported with the settings
        return {}


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_LARGEST).decode("utf-8")
