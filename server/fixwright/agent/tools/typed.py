"""What the tools of our own share: arguments as a type, and what an action is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from fixwright.agent.tools.arguments import Arguments, checked, schema_of
from fixwright.agent.tools.spec import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixwright.agent.desk import Desk
    from fixwright.agent.tools.spec import Effect, Outcome

A = TypeVar("A", bound=Arguments)


class TypedTool(ABC, Generic[A]):
    """A tool whose arguments are a type of their own."""

    name: str
    description: str
    effect: Effect

    def __init__(self, arguments: type[A]) -> None:
        self._arguments = arguments
        self.schema: Mapping[str, object] = schema_of(arguments)

    def action(self, arguments: Mapping[str, object] | None, desk: Desk) -> Action:
        """What a call would do; see `registry.Tool`."""
        given = self._checked(arguments)
        return Action(
            self.name,
            self.effect,
            self.paths(given, desk),
            self.command(given),
            self.sentence(given),
        )

    async def call(self, arguments: Mapping[str, object] | None, desk: Desk) -> Outcome:
        """Do it; see `registry.Tool`."""
        return await self.work(self._checked(arguments), desk)

    def paths(self, given: A, desk: Desk) -> tuple[str, ...]:
        """The files concerned."""
        del given, desk
        return ()

    def command(self, given: A) -> str | None:
        """The command line that runs."""
        del given
        return None

    @abstractmethod
    def sentence(self, given: A) -> str:
        """What it is about to do, in words that follow “The agent wants to”."""

    @abstractmethod
    async def work(self, given: A, desk: Desk) -> Outcome:
        """Do it."""

    def _checked(self, arguments: Mapping[str, object] | None) -> A:
        return cast("A", checked(self._arguments, arguments))
