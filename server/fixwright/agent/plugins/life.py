"""The plugins of a session: started side by side, added in a fixed order, stopped at its end.

Whatever a plugin does, the session goes on: one that can't be used is named and left out.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.agent.plugins.connection import ServerFailed
from fixwright.agent.plugins.mcp_client import McpServer
from fixwright.agent.plugins.servers import users_servers
from fixwright.agent.plugins.wishes import trusted_servers
from fixwright.agent.policy.fence import one_line
from fixwright.agent.tools.registry import installed_plugins

if TYPE_CHECKING:
    from pathlib import Path

    from fixwright.agent.context.prompt import Mode
    from fixwright.agent.desk import Ask
    from fixwright.agent.tools.registry import Plugin, Registry, Tool
    from fixwright.agent_config import AgentConfig

_SECONDS_TO_START = 90.0
_SECONDS_TO_STOP = 15.0

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Started:
    """A plugin that was started: enabling it adds what it has brought.

    Attributes:
        plugin: the plugin.
        tools: those of its tools that the session's mode has use for.
    """

    plugin: Plugin
    tools: tuple[Tool, ...]

    @property
    def name(self) -> str:
        """Of the plugin."""
        return self.plugin.name

    async def enable(self) -> tuple[Tool, ...]:
        """Its tools; it runs already."""
        return self.tools

    async def disable(self) -> None:
        """Stop it, for some seconds at most; a plugin that fails at that has ended, too."""
        try:
            async with asyncio.timeout(_SECONDS_TO_STOP):
                await self.plugin.disable()
        except Exception:
            log.exception("The plugin %s did not stop in order.", self.name)


@dataclass(frozen=True)
class Found:
    """What may be started, and what is to be said of the rest.

    Attributes:
        plugins: in the order in which their tools are added.
        remarks: about what is left out, for the user.
    """

    plugins: tuple[Plugin, ...]
    remarks: tuple[str, ...] = ()


async def found_plugins(agent: AgentConfig, folders: Sequence[Path], ask: Ask) -> Found:
    """What the settings name, and what the folders' repositories wish for and the user trusts."""
    wanted = sorted(name for name, on in agent.plugins.items() if on)
    installed = await asyncio.to_thread(installed_plugins, wanted) if wanted else {}
    remarks = [
        f"The plugin {name} of agent.plugins is not installed, or can't be loaded."
        for name in wanted
        if name not in installed
    ]
    plugins: list[Plugin] = [installed[name] for name in wanted if name in installed]
    plugins += users_servers(agent.mcp)
    servers, left_out = await trusted_servers(folders, agent.mcp, ask)
    for each in (*remarks, *left_out):
        log.warning("%s", each)
    return Found((*plugins, *servers), (*remarks, *left_out))


@asynccontextmanager
async def joined(
    tools: Registry, found: Found, mode: Mode
) -> AsyncGenerator[tuple[str, ...], None]:
    """Start plugins, and add their tools for as long as the block lasts.

    In the mode `plan` tools that do more than look are left out.

    Yields:
        A sentence for each that can't be used.
    """
    remarks: list[str] = []
    running: list[Started] = []
    try:
        async with asyncio.TaskGroup() as group:
            starting = [
                group.create_task(_started(each, mode, running, remarks))
                for each in found.plugins
                if not _is_useless(each, mode)
            ]
        names: set[str] = set()
        for started in (task.result() for task in starting):
            if started is not None:
                await _added(started, tools, names, remarks)
        for each in remarks:
            log.warning("%s", each)
        yield tuple(remarks)
    finally:
        await asyncio.gather(*(each.disable() for each in running))
        await tools.close()


def _is_useless(plugin: Plugin, mode: Mode) -> bool:
    """Whether none of its tools could be taken: then it need not be started."""
    return mode == "plan" and isinstance(plugin, McpServer) and not plugin.may_look


async def _started(
    plugin: Plugin, mode: Mode, running: list[Started], remarks: list[str]
) -> Started | None:
    """A plugin that runs; None where it can't."""
    running.append(Started(plugin, ()))  # it is stopped however far it comes
    try:
        async with asyncio.timeout(_SECONDS_TO_START):
            tools = await plugin.enable()
        usable = [each for each in tools if _is_usable(each, plugin, remarks)]
    except ServerFailed as error:
        remarks.append(f"The MCP server {plugin.name} is left out: {error}.")
        return None
    except Exception as error:
        log.exception("The plugin %s can't be started.", plugin.name)
        said = one_line(str(error) or type(error).__name__)
        remarks.append(f"The plugin {plugin.name} is left out: {said}.")
        return None
    if isinstance(plugin, McpServer):
        remarks += plugin.remarks
    return Started(plugin, tuple(e for e in usable if mode != "plan" or e.effect == "read"))


def _is_usable(tool: Tool, plugin: Plugin, remarks: list[str]) -> bool:
    """Whether each provider takes it, and the policy knows what it does."""
    if not _NAME.fullmatch(tool.name):
        why = "its name must have at most 64 letters, digits, “_” and “-”"
    elif tool.effect not in ("read", "outside"):
        why = f"its effect is {tool.effect}; a plugin's must be read or outside"
    else:
        return True
    name = one_line(tool.name, 100)
    remarks.append(f"The tool {name} of the plugin {plugin.name} is left out: {why}.")
    return False


async def _added(started: Started, tools: Registry, names: set[str], remarks: list[str]) -> None:
    """Add its tools, unless there is a plugin or a tool of that name."""
    if started.name in names:
        remarks.append(f"There is another plugin {started.name}: this one is left out.")
        return
    try:
        await tools.enable(started)
        names.add(started.name)
    except ValueError as error:
        remarks.append(str(error))
