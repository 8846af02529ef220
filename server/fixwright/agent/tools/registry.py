"""The tools by their names, and what others add to them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol, cast

from fixwright.models.types import Tool as ModelTool

if TYPE_CHECKING:
    from fixwright.agent.desk import Desk
    from fixwright.agent.tools.spec import Action, Effect, Outcome

GROUP = "fixwright.tools"
"""The entry points of plugins: each names a callable that takes nothing and gives a `Plugin`."""

log = logging.getLogger(__name__)


class Tool(Protocol):
    """Something that the model may ask for."""

    @property
    def name(self) -> str:
        """What the model calls it: letters, digits, `_` and `-`, at most 64."""
        ...

    @property
    def description(self) -> str:
        """What the model is told of it."""
        ...

    @property
    def schema(self) -> Mapping[str, object]:
        """The JSON Schema of its arguments."""
        ...

    @property
    def effect(self) -> Effect:
        """The strongest thing that a call of it does."""
        ...

    def action(self, arguments: Mapping[str, object] | None, desk: Desk) -> Action:
        """What a call would do, for the policy; quick, and nothing happens.

        Raises:
            Refused: the arguments are wrong.
        """
        ...

    async def call(self, arguments: Mapping[str, object] | None, desk: Desk) -> Outcome:
        """Do it. Cancelling it leaves nothing behind.

        Raises:
            Refused: it can't be done; the model is told why.
        """
        ...


class Plugin(Protocol):
    """A set of tools from elsewhere, with a life of its own."""

    @property
    def name(self) -> str:
        """What it is called in settings and sentences."""
        ...

    async def enable(self) -> tuple[Tool, ...]:
        """Start it; its tools, whose effect is `outside` unless they only look."""
        ...

    async def disable(self) -> None:
        """Stop it, and give back what it holds. Safe to call twice."""
        ...


class Registry(Mapping[str, Tool]):
    """Tools by name, in a fixed order: a request's first bytes must not change between turns."""

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        self._plugins: dict[str, tuple[Plugin, tuple[str, ...]]] = {}
        for tool in tools:
            self._add(tool)

    def __getitem__(self, name: str) -> Tool:
        return self._tools[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def only(self, names: Iterable[str]) -> Registry:
        """The same tools without the others."""
        wanted = set(names)
        return Registry(tool for name, tool in self._tools.items() if name in wanted)

    def for_model(self) -> tuple[ModelTool, ...]:
        """As a request names them."""
        return tuple(
            ModelTool(tool.name, tool.description, tool.schema) for tool in self._tools.values()
        )

    async def enable(self, plugin: Plugin) -> tuple[str, ...]:
        """Start a plugin and add its tools, behind those that are there.

        Returns:
            The names that were added.

        Raises:
            ValueError: one of its tools has a name that is taken; it is stopped again.
        """
        tools = await plugin.enable()
        taken = [tool.name for tool in tools if tool.name in self._tools]
        if taken:
            await plugin.disable()
            raise ValueError(
                f"The plugin {plugin.name} brings a tool {taken[0]}, which is there already."
                " Rename it, or disable the other."
            )
        for tool in sorted(tools, key=lambda each: each.name):
            self._add(tool)
        names = tuple(tool.name for tool in tools)
        self._plugins[plugin.name] = plugin, names
        return names

    async def disable(self, name: str) -> None:
        """Take a plugin's tools away and stop it; nothing happens when it is not enabled."""
        plugin, names = self._plugins.pop(name, (None, ()))
        for each in names:
            del self._tools[each]
        if plugin is not None:
            await plugin.disable()

    async def close(self) -> None:
        """Stop all plugins."""
        for name in list(self._plugins):
            await self.disable(name)

    def _add(self, tool: Tool) -> None:
        self._tools[tool.name] = tool


def installed_plugins(wanted: Collection[str]) -> dict[str, Plugin]:
    """Those of a name that are installed beside Fixwright. Imports their code: not on the loop.

    Only what the user installed into Fixwright's own environment: a workspace can add none. One
    that can't be loaded is named in the log and left out.
    """
    found: dict[str, Plugin] = {}
    for point in entry_points(group=GROUP):
        if point.name not in wanted:
            continue
        try:
            found[point.name] = cast("Plugin", point.load()())
        except Exception:  # whatever a stranger's code raises
            log.exception("The tools of %s can't be loaded; they are left out.", point.value)
    return found
