"""A person at a terminal: asked there, and told in a line each what the agent does."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import click

from fixwright.agent.policy.fence import one_line, visible
from fixwright.log import redact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fixwright.agent.observer import SightKind
    from fixwright.agent.policy.permissions import Answer, Question
    from fixwright.models.model import Model
    from fixwright.models.types import ModelError

_READ_AT_ONCE = 4096
_LONGEST = 300


def somebody_is_there() -> bool:
    """Whether a question can be shown and answered."""
    return sys.stdin.isatty() and sys.stderr.isatty()


class Terminal:
    """Questions on standard error, answers from standard input; one question at a time."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()

    async def ask(self, question: str, answers: Sequence[str]) -> str | None:
        """Which of the answers is chosen, by its number or its beginning; None for none of them.

        Without answers to choose from, what was typed.
        """
        async with self._one:
            click.echo(visible(question), err=True)
            for number, answer in enumerate(answers, 1):
                click.echo(f"  {number}  {one_line(answer)}", err=True)
            click.echo("> ", err=True, nl=False)
            said = (await _line()).strip()
        if not answers:
            return said or None
        if said.isdecimal():
            number = int(said) - 1
            return answers[number] if 0 <= number < len(answers) else None
        fitting = [each for each in answers if each.lower().startswith(said.lower())]
        return fitting[0] if said and len(fitting) == 1 else None

    async def permit(self, question: Question) -> Answer:
        """A question about a permission; anything but one of its answers is a no."""
        words: dict[str, Answer] = {shown: answer for answer, shown in question.answers}
        chosen = await self.ask(question.text, list(words))
        return words.get(chosen or "", "no")

    async def consent(self, failed: Model, other: Model, why: ModelError) -> bool:
        """Whether another model may be asked in place of one that failed."""
        question = f"{why} Go on with {other.model} in place of {failed.model}?"
        return await self.ask(question, ("Yes", "No")) == "Yes"

    async def agrees(self, question: str) -> bool:
        """Nothing but a yes is one."""
        return await self.ask(question, ("Yes", "No")) == "Yes"


async def _line() -> str:
    """A line from the terminal; "" at its end. Cancelling it leaves no thread behind that reads."""
    loop = asyncio.get_running_loop()
    source = sys.stdin.fileno()
    come: asyncio.Future[bytes] = loop.create_future()

    def readable() -> None:
        if not come.done():
            come.set_result(os.read(source, _READ_AT_ONCE))

    loop.add_reader(source, readable)
    try:
        return (await come).decode("utf-8", "replace")
    finally:
        loop.remove_reader(source)


class Narration:
    """What the agent does, told on standard error as it happens, without secrets."""

    def __init__(self) -> None:
        self._words: list[str] = []

    def __call__(self, kind: SightKind, data: Mapping[str, object]) -> None:
        """See `agent.observer`."""
        match kind:
            case "text":
                self._words.append(str(data.get("text", "")))
            case "restart":
                self._words.clear()
                if model := data.get("model"):
                    self._tell(f"… going on with {model}")
            case "toolCall" if data.get("name") != "finish":
                self._speak()
                self._tell(f"• {data.get('sentence') or data.get('name')}")
            case "toolResult":
                self._result(data)
            case "permission" if data.get("decision") in ("deny", "no"):
                self._speak()
                self._tell(f"✗ {data.get('action')}: not allowed, by {data.get('by')}")
            case "wait":
                self._tell(f"… waiting {data.get('seconds'):.0f} s: {data.get('reason')}")
            case "remark":
                self._tell(f"! {data.get('text')}")
            case "compacted":
                self._tell("… the conversation was shortened to fit the model's context")
            case _:
                pass

    def _speak(self) -> None:
        """What the model says on the way; what it says at last is the answer."""
        if words := "".join(self._words).strip():
            self._tell(words)
        self._words.clear()

    def _result(self, data: Mapping[str, object]) -> None:
        first = str(data.get("text", "")).partition("\n")[0]
        if data.get("evidence") is not None:
            self._tell(f"  {first}")
        elif data.get("error"):
            self._tell(f"  ✗ {first}")

    def _tell(self, line: str) -> None:
        click.echo(one_line(redact(line), _LONGEST), err=True)
