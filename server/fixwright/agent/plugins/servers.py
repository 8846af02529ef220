"""The servers of tools that the settings name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fixwright.agent.plugins.connection import Address, ServerFailed, Target
from fixwright.agent.plugins.mcp_client import McpServer, Offer
from fixwright.agent.plugins.program import Program
from fixwright.agent_config import ServerConfig, UnreadEntry

if TYPE_CHECKING:
    pass

BARE = (
    "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ",
    "USER",
)  # fmt: skip
"""The variables that every server is given; none holds a secret."""

VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}")
"""In a value of the settings: a variable of Fixwright's own environment."""


def users_servers(
    servers: Mapping[str, ServerConfig | UnreadEntry], environment: Mapping[str, str] = os.environ
) -> list[McpServer]:
    """Those of the settings; what can't be read there was reported with the other settings."""
    return [
        server_from(name, config, environment, Path.home())
        for name, config in sorted(servers.items())
        if isinstance(config, ServerConfig)
    ]


def secrets_of_servers(
    servers: Mapping[str, ServerConfig | UnreadEntry], environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """What the settings tell servers by headers and variables, by names that say what it is."""
    found: dict[str, str] = {}
    for name, config in servers.items():
        if not isinstance(config, ServerConfig):
            continue
        for key, value in (*config.headers.items(), *config.env.items()):
            told = VARIABLE.sub(lambda named: environment.get(named[1], ""), value)
            words = told.split()  # of "Bearer …" the second
            if words and _keeps_secret(key):
                found[f"{key} of the MCP server {name}"] = words[-1]
    return found


def _keeps_secret(name: str) -> bool:
    upper = name.upper()
    return any(each in upper for each in ("AUTH", "KEY", "TOKEN", "SECRET", "PASS", "COOKIE"))


def server_from(
    name: str, config: ServerConfig, environment: Mapping[str, str], folder: Path
) -> McpServer:
    """A server as a plugin; a program of it is started in `folder`."""

    def target() -> Target:
        if config.url is not None:
            return Address(config.url, _filled(config.headers, environment))
        bare = {each: environment[each] for each in BARE if each in environment}
        told = {**bare, **_filled(config.env, environment)}
        return Program(config.command, told, folder)

    return McpServer(name, target, Offer(config.tools, config.read_only, config.timeout))


def _filled(values: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """With what `${NAME}` stands for."""
    missing = sorted(
        {
            named
            for value in values.values()
            for named in VARIABLE.findall(value)
            if named not in environment
        }
    )
    if missing:
        raise ServerFailed(f"its settings name {missing[0]}, which is not in the environment")
    return {
        key: VARIABLE.sub(lambda named: environment[named[1]], value)
        for key, value in values.items()
    }
