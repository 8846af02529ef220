"""Edits of random texts, while a user types: the one right text, or none."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import event, given, settings
from hypothesis import strategies as st

from fixwright.agent.edits.anchors import anchor, shown, version_of
from fixwright.agent.edits.apply import apply_edits
from fixwright.agent.edits.model import Applied, Edit, LineEdit, Refusal, TextEdit
from fixwright.agent.edits.page import Page
from fixwright.workspace.draft import Draft
from fixwright.workspace.snapshot import Snapshot
from fixwright.workspace.text import Text

ENDINGS = ("\n", "\n", "\r\n", "\r")
WORDS = (
    "alpha = 1",
    "beta(alpha)",
    "gamma: delta",
    "}",
    "return alpha",
    "",
    "x",
    "\u00e9t\u00e9 \u2028 one",
)


def indented(depth: int, word: str) -> str:
    return " " * (4 * depth) + word if word else ""


lines = st.builds(indented, st.integers(0, 2), st.sampled_from(WORDS))


@dataclass(frozen=True)
class World:
    """A text as it was read, one block of it, and the same text with what a user did to it.

    Attributes:
        read: Lines with their endings.
        first: The block's first line.
        last: The line behind its last.
        typed: What the user put in place of a line, and before it; by line of `read`.
    """

    read: tuple[tuple[str, str], ...]
    first: int
    last: int
    typed: dict[int, tuple[str | None, tuple[str, ...]]]

    @property
    def block(self) -> str:
        return "".join(f"{line}\n" for line, _ in self.read[self.first : self.last])

    def text(self, new: list[str] | None = None) -> str:
        """The text as it is; with the block's lines made `new`, with plain endings throughout."""
        parts = list[str]()
        for number, (line, own) in enumerate(self.read):
            kept, before = self.typed.get(number, (line, ()))
            ending = own if new is None else "\n"
            parts += [f"{each}{ending}" for each in before]
            if new is not None and self.first <= number < self.last:
                parts += [f"{each}\n" for each in new] if number == self.first else []
            elif kept is not None:
                parts.append(kept + ending)
        return "".join(parts)

    @property
    def as_read(self) -> str:
        return "".join(line + ending for line, ending in self.read)

    @property
    def is_touched(self) -> bool:
        """Whether the user typed in the block, or between its lines."""
        return any(
            self.first <= number < self.last and (self.typed[number][0] != self.read[number][0])
            for number in self.typed
        ) or any(self.typed[n][1] for n in self.typed if self.first < n < self.last)


@st.composite
def worlds(draw: st.DrawFn, most_typed: int = 3) -> World:
    bare = draw(st.lists(lines, min_size=3, max_size=24))
    unique = draw(st.booleans())
    if unique:
        bare = [f"{line} {number}" for number, line in enumerate(bare)]
    one = draw(st.sampled_from(ENDINGS))
    mixed = draw(st.booleans())
    read = tuple((line, draw(st.sampled_from(("\n", "\r\n"))) if mixed else one) for line in bare)
    first = draw(st.integers(0, len(bare) - 1))
    last = draw(st.integers(first + 1, min(len(bare), first + 6)))
    typed = dict[int, tuple[str | None, tuple[str, ...]]]()
    for count in range(draw(st.integers(0, most_typed))):
        number = draw(st.integers(0, len(bare) - 1))
        line: str | None = bare[number]
        how = draw(st.sampled_from(("change", "delete", "insert")))
        before: tuple[str, ...] = ()
        if how == "change":
            line = f"typed {count} by hand"
        elif how == "delete" and bare.count(bare[number]) == 1:
            line = None  # of lines that look alike nobody could say which one has gone
        elif how == "insert":
            before = (f"typed {count} between",)
        typed[number] = (line, before)
    return World(read, first, last, typed)


@st.composite
def changed(draw: st.DrawFn, old: str) -> list[str]:
    """The lines of a block with something done to them."""
    bare = old.split("\n")[:-1]
    at = draw(st.integers(0, len(bare)))
    end = draw(st.integers(at, min(len(bare), at + 2)))
    fresh = draw(st.lists(st.sampled_from(("new one", "    new two", "")), max_size=3))
    return [*bare[:at], *fresh, *bare[end:]]


def plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def made(world: World, edit: Edit) -> Applied | Refusal:
    now, read = Text(world.text()), Text(world.as_read)
    done = apply_edits(now, [edit], version=version_of(read), read={version_of(read): read})
    event(done.reason if isinstance(done, Refusal) else done.placed[0].strategy)
    if isinstance(done, Applied):
        draft = Draft.over(Snapshot().opened("untitled:1", "python", 1, now.value))
        assert draft.edit_all("untitled:1", done.changes).text("untitled:1") == done.text.value
    return done


def check(world: World, done: Applied | Refusal, new: list[str]) -> None:
    """Right or refused; nothing above the block or below it has another byte."""
    if isinstance(done, Refusal):
        assert done.message
        return
    for line, before in world.typed.values():
        for each in (line, *before):
            if each and each.startswith("typed"):
                assert each in done.text.value
    assert plain(done.text.value) == world.text(new)
    above = World(world.read[: world.first], 0, 0, world.typed).text()
    shared = min(len(above), len(done.text.value))
    assert done.text.value[:shared].rstrip("\r\n") == above[:shared].rstrip("\r\n")
    endings = {ending for _, ending in world.read}
    assert {
        ending for ending in ("\r\n", "\n", "\r") if ending in _bare(done.text.value)
    } <= endings


def _bare(text: str) -> list[str]:
    page, found, at = Page(Text(text)), list[str](), 0
    for line in page.lines:
        at += len(line)
        ending = "\r\n" if text.startswith("\r\n", at) else text[at : at + 1]
        found.append(ending)
        at += len(ending)
    return found


@settings(deadline=None, max_examples=250)
@given(st.data(), worlds())
def test_named_lines_are_replaced_where_they_are_or_not_at_all(
    data: st.DataObject, world: World
) -> None:
    new = data.draw(changed(world.block))
    page = Page(Text(world.as_read))
    done = made(
        world,
        LineEdit(
            anchor(page, world.first),
            anchor(page, world.last - 1),
            "".join(f"{line}\n" for line in new),
        ),
    )
    if world.is_touched:
        assert isinstance(done, Refusal)
    else:
        check(world, done, new)
    if not world.typed and "".join(f"{line}\n" for line in new) != world.block:
        assert isinstance(done, Applied) or done.reason == "doubtful"


@settings(deadline=None, max_examples=250)
@given(st.data(), worlds())
def test_text_is_replaced_where_it_was_read_or_not_at_all(
    data: st.DataObject, world: World
) -> None:
    new = data.draw(changed(world.block))
    done = made(world, TextEdit(world.block, "".join(f"{line}\n" for line in new)))
    if world.is_touched:
        if isinstance(done, Applied):  # what the user typed was none of what is changed
            for line, before in world.typed.values():
                for each in (line, *before):
                    assert not each or not each.startswith("typed") or each in done.text.value
    else:
        check(world, done, new)


@settings(deadline=None, max_examples=250)
@given(st.data(), worlds(most_typed=0), st.integers(1, 2), st.booleans(), st.booleans())
def test_other_indentation_gives_the_same_text_or_none(
    data: st.DataObject, world: World, levels: int, deeper: bool, trailing: bool
) -> None:
    new = data.draw(changed(world.block))
    old = world.block.split("\n")[:-1]
    margin = " " * (4 * levels)
    if deeper:
        given_old, given_new = (
            [margin + line if line.strip() else line for line in part] for part in (old, new)
        )
    else:
        given_old, given_new = (
            [line.removeprefix(margin) if line.startswith(margin) else line for line in part]
            for part in (old, new)
        )
        if any(line.strip() and not line.startswith(margin) for line in (*old, *new)):
            return
    if trailing:
        given_old = [f"{line} " for line in given_old]
    edit = TextEdit(
        "".join(f"{line}\n" for line in given_old), "".join(f"{line}\n" for line in given_new)
    )
    bare = [line.strip() for line, _ in world.read]
    meant = [line.strip() for line in old]
    size = len(meant)
    if sum(bare[at : at + size] == meant for at in range(len(bare))) == 1:
        check(world, made(world, edit), new)


pieces = st.sampled_from(
    ["alpha", " ", "    ", "\t", "\n", "\r\n", "\r", "...", "# ...", "(", ")", ":", "}", "\u201c",
     '"', "\u2028", "\f", "1:abcd|", "beta = 2", "\ufeff", "\ud800"]
)  # fmt: skip
texts = st.lists(pieces, max_size=14).map("".join)


@settings(deadline=None, max_examples=250)
@given(texts, texts, texts, st.none() | texts, st.integers(0, 3))
def test_whatever_is_sent_the_answer_is_a_text_or_a_sentence(
    text: str, old: str, new: str, read: str | None, count: int
) -> None:
    known = {} if read is None else {version_of(Text(read)): Text(read)}
    for edit in (TextEdit(old, new, count), LineEdit(old, new, new)):
        done = apply_edits(Text(text), [edit], read=known)
        if isinstance(done, Refusal):
            assert done.message.endswith((".", "|")) or "\n" in done.message
        else:
            assert done.text.value != text


@settings(deadline=None, max_examples=250)
@given(st.data(), st.integers(6, 20))
def test_all_edits_of_a_call_or_none(data: st.DataObject, size: int) -> None:
    bare = [f"line {number} of many" for number in range(size)]
    text = "".join(f"{line}\n" for line in bare)
    chosen = data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=4, unique=True))
    page = Page(Text(text))
    edits, wanted = list[Edit](), list(bare)
    for number in chosen:
        new = data.draw(st.sampled_from((f"other {number}", f"a {number}\nb {number}", "")))
        wanted[number] = new
        ended = f"{new}\n" if new else ""
        if data.draw(st.booleans()):
            edits.append(LineEdit(anchor(page, number), anchor(page, number), ended))
        else:
            edits.append(TextEdit(f"{bare[number]}\n", ended))
    done = apply_edits(Text(text), edits)
    assert isinstance(done, Applied)
    assert done.text.value == "".join(f"{line}\n" for line in wanted if line)
    for placed, number in zip(done.placed, chosen, strict=True):
        assert placed.before == (number, number + 1)
        first, last = placed.after
        there = shown(done.text, first, last).split("\n") if last > first else []
        assert [line.partition("|")[2] for line in there] == wanted[number].split("\n") * bool(
            there
        )
    bad = data.draw(st.integers(0, len(edits)))
    edits.insert(bad, TextEdit("what is not there at all", "x"))
    refused = apply_edits(Text(text), edits)
    assert isinstance(refused, Refusal)
    assert refused.edit == bad
