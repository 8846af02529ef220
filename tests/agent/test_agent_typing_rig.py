"""The user types anywhere, at any moment of a turn: every character stays, and so do the edits.

Each keystroke inserts a character that is nowhere else, or deletes something. The agent's edits
only insert marks, so the draft without its marks has to be exactly the user's text. What the user
sees is never changed: only the editor does that, after a yes.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fixwright.agent.budget import Limits
from fixwright.workspace.changes import ContentChange
from fixwright.workspace.merge import merge
from fixwright.workspace.text import Encoding
from support.agents import Rig, calls, rig
from support.models import Turn

LINES = 60
MARK = re.compile(r" # agent \d\d")
FIRST_OWN = 0x4E00


def line(number: int) -> str:
    return f"value_{number:02} = {number:02}"


TEXT = "".join(f"{line(n)}\n" for n in range(LINES))


@dataclass
class User:
    """Types into an open file, and knows what must be there."""

    it: Rig
    uri: str
    chance: random.Random
    haunts: list[int]
    typed: int = 0
    touched: set[int] = field(default_factory=set[int])
    own: set[str] = field(default_factory=set[str])
    version: int = 1

    @property
    def text(self) -> str:
        return self.it.snapshot.document(self.uri).text.value

    def keystroke(self) -> None:
        """One insertion, or now and then the deletion of a few characters."""
        text, chance = self.text, self.chance
        at = chance.randrange(len(text) + 1)
        if chance.random() < 0.97:  # mostly about some lines, and all over them
            found = text.find(f"value_{chance.choice(self.haunts):02}")
            at = min(max(found, 0) + chance.randrange(14), len(text))
        end = min(at + chance.randrange(1, 5), len(text)) if chance.random() < 0.2 else at
        new = "" if end > at else chr(FIRST_OWN + self.typed)
        self.typed += 1
        self.own -= set(text[at:end])
        self.own |= set(new)
        self._touch(text, at, end)
        document = self.it.snapshot.document(self.uri)
        start, stop = document.text.position(at), document.text.position(end)
        change = ContentChange((start.line, start.column), (stop.line, stop.column), new)
        self.version += 1
        self.it.snapshot = self.it.snapshot.changed(
            self.uri, self.version, [change], Encoding.UTF32
        )

    def _touch(self, text: str, at: int, end: int) -> None:
        """Remember which of the agent's lines this is at, or beside."""
        first = text.rfind("\n", 0, at) + 1
        last = text.find("\n", end)
        around = text[max(0, first - 1) : len(text) if last < 0 else last + 1]
        self.touched |= {int(each) for each in re.findall(r"value_(\d\d)", around)}
        self.touched |= {n for n in range(LINES) if line(n) not in self.text}

    async def types(self, stop: asyncio.Event) -> None:
        """At any moment that the loop gives, until the turn has ended."""
        while not stop.is_set():
            self.keystroke()
            for _ in range(self.chance.randrange(60)):
                await asyncio.sleep(0)


def edits(numbers: list[int]) -> list[Turn]:
    """One edit a call, with reads between, so that the draft is rebased again and again."""
    turns: list[Turn] = []
    for n in numbers:
        edit = {"old": line(n), "new": f"{line(n)} # agent {n:02}"}
        turns.append(calls(("edit", {"path": "a.py", "edits": [edit]})))
        if n % 3 == 0:
            turns.append(calls(("read", {"path": "a.py", "end_line": 5})))
    return [*turns, {"text": "Done."}]


async def one_turn(folder: Path, seed: int) -> tuple[int, int, int, int]:
    """Keystrokes, edits that were made, those among them that stand, and conflicts."""
    _lay_out(folder)
    chance = random.Random(seed)
    apart = seed % 2 == 0  # edits of neighbouring lines are one change, and go together
    numbers = chance.sample(range(0, LINES, 2 if apart else 1), 25)
    async with rig(folder, edits(numbers), limits=Limits(calls=200)) as it:
        uri = it.uri("a.py")
        it.snapshot = it.snapshot.opened(uri, "python", 1, TEXT)
        user = User(it, uri, chance, chance.sample(range(LINES), 12))
        stop = asyncio.Event()
        typing = asyncio.ensure_future(user.types(stop))
        ended = await it.turn()
        stop.set()
        await typing
        assert ended.status == "done", ended
        await it.desk.refresh()
        draft = it.desk.draft.text(uri)

        assert MARK.sub("", draft) == user.text, f"seed {seed}"
        assert {each for each in draft if ord(each) >= FIRST_OWN} == user.own
        assert (folder / "a.py").read_text() == TEXT

        calls_made = [e.data for e in it.loop.journal.events if e.type == "result"]
        told = "\n".join([*it.results(), it.desk.take_remarks()])
        made = [n for n in numbers if _made(calls_made, n)]
        stand = [n for n in made if f" # agent {n:02}" in draft]
        for n in set(made) - set(stand):
            assert n in user.touched or not apart, f"seed {seed}: the edit of line {n} is gone"
            assert re.search(rf"You had put there:\n[^\0]*?agent {n:02}", told)
        for n in set(numbers) - user.touched if apart else ():
            assert n in stand, f"seed {seed}: nobody had touched line {n}"
        return user.typed, len(made), len(stand), told.count("The user changed a.py meanwhile")


def _lay_out(folder: Path) -> None:
    folder.mkdir()
    (folder / "a.py").write_text(TEXT)


def _made(results: Sequence[Mapping[str, object]], number: int) -> bool:
    said = (str(each["text"]) for each in results)
    return any(f" # agent {number:02}" in text and "\nedit 1" in text for text in said)


async def test_what_is_typed_during_a_turn_is_kept(tmp_path: Path) -> None:
    typed, _, _, _ = await one_turn(tmp_path / "w", seed=7)
    assert typed > 50


@pytest.mark.slow
async def test_what_is_typed_during_many_turns_is_kept(tmp_path: Path) -> None:
    total = [0, 0, 0, 0]
    for seed in range(12):
        one = await one_turn(tmp_path / f"w{seed}", seed)
        total = [a + b for a, b in zip(total, one, strict=True)]
    typed, made, stand, conflicts = total
    assert typed > 2000
    assert made > stand > 80
    assert conflicts > 5


def test_what_neighbouring_lines_have_in_common_is_not_taken_for_one_of_them() -> None:
    """The agent put its mark behind `07`; that is the same text as one in front of it."""
    base = "a = 06\nb = 07\n"
    ours = "a = 06 # x 06\nb = 07 # x 07\n"
    assert isinstance(merge(base, ours, base.replace("07", "0!7")), tuple)
    assert merge(base, ours, f"!{base}!") == f"!{ours}!"
