"""Edits of real files, each with the one right outcome, which is known because it was made so.

A case is a file as a model read it, the file as it is now, and the edit that the model sends. The
right outcome is a text, or a refusal where the edit speaks of something that is not there (any
more) or is there twice.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edits_files import Block, blocks, indent, joined, texts


@dataclass(frozen=True)
class Case:
    """One edit.

    Attributes:
        kind: What is special about it.
        file: Where the text comes from.
        read: The file as the model read it; all texts are those of files, so with a byte order
            mark where there is one.
        now: The file as it is.
        old: Text to be replaced; line breaks are ``\\n``, as a model writes them.
        new: What it becomes.
        right: The file after the edit; None where it must be refused.
        lines: For tools whose models name lines: the lines of `read` that are replaced by `new`,
            zero-based and half-open.
        glued: `old` and `new` are to be sent with what `read` shows before each line.
    """

    kind: str
    file: str
    read: str
    now: str
    old: str
    new: str
    right: str | None
    lines: tuple[int, int] | None = None
    glued: bool = False


def all_cases(each: int = 14, seed: int = 7) -> list[Case]:
    """`each` cases of every kind, the same ones for the same files."""
    files = texts()
    cases = list[Case]()
    for number, (kind, make) in enumerate(_KINDS.items()):
        rng = random.Random(f"{seed} {kind}")
        made = 0
        for block in blocks(files, rng, number):
            case = make(kind, block)
            if case is not None:
                cases.append(case)
                made += 1
            if made == each:
                break
    return cases


def _case(kind: str, block: Block, **changed: object) -> Case:
    plain = Case(
        kind, block.file, block.text, block.text, joined(block.old), joined(block.new), block.right
    )
    return replace(plain, **changed)  # pyright: ignore[reportArgumentType] - fields of Case


Make = Callable[[str, Block], Case | None]
_KINDS: dict[str, Make] = {}


def _kind(name: str) -> Callable[[Make], Make]:
    def register(make: Make) -> Make:
        _KINDS[name] = make
        return make

    return register


def _with(lines: Sequence[str], at: int, line: str) -> tuple[str, ...]:
    return (*lines[:at], line, *lines[at + 1 :])


def _depth(lines: Sequence[str]) -> int:
    return min(len(indent(line)) for line in lines)


# ---- the file is as it was read ------------------------------------------------------------------


@_kind("verbatim")
def _verbatim(kind: str, block: Block) -> Case | None:
    return _case(kind, block)


@_kind("one line, part of it")
def _part(kind: str, block: Block) -> Case | None:
    line = block.old[block.middle].strip()
    new = f"{line} and_more"
    lines = _with(block.old, block.middle, block.old[block.middle].rstrip() + " and_more")
    return _case(kind, block, old=line, new=new, right=block.put(lines))


@_kind("lines deleted")
def _deleted(kind: str, block: Block) -> Case | None:
    return _case(kind, block, new="", right=block.put(()))


@_kind("wrapped and indented")
def _wrapped(kind: str, block: Block) -> Case | None:
    margin = indent(block.old[0])
    new = (f"{margin}if ready:", *(f"    {line}" for line in block.old))
    return _case(kind, block, new=joined(new), right=block.put(new))


@_kind("stands twice")
def _twice(kind: str, block: Block) -> Case | None:
    text = block.text + "\n" + joined(block.old)
    return _case(kind, block, read=text, now=text, right=None)


@_kind("stands twice, told apart")
def _told_apart(kind: str, block: Block) -> Case | None:
    twin = joined(("", *block.old[1:]))
    text, right = block.text + twin, block.right + twin
    return _case(kind, block, read=text, now=text, right=right)


@_kind("indentation left out")
def _dedented(kind: str, block: Block) -> Case | None:
    depth = _depth(block.old)
    if not depth or _depth(block.new) < depth:
        return None
    old = joined([line[depth:] for line in block.old])
    return _case(kind, block, old=old, new=joined([line[depth:] for line in block.new]))


@_kind("indented deeper")
def _indented(kind: str, block: Block) -> Case | None:
    old, new = ([f"    {line}" for line in part] for part in (block.old, block.new))
    return _case(kind, block, old=joined(old), new=joined(new))


@_kind("blanks for tabs")
def _tabs(kind: str, block: Block) -> Case | None:
    if any(len(indent(line)) % 4 for line in (*block.old, *block.new)):
        return None
    if len({indent(line) for line in block.old}) < 2:
        return None
    text, right = _tabbed(block.text), _tabbed(block.right)
    return _case(kind, block, read=text, now=text, right=right)


@_kind("four blanks for two")
def _halved(kind: str, block: Block) -> Case | None:
    if any(len(indent(line)) % 4 for line in (*block.old, *block.new)):
        return None
    if len({indent(line) for line in block.old}) < 2:
        return None
    text, right = _halves(block.text), _halves(block.right)
    return _case(kind, block, read=text, now=text, right=right)


def _tabbed(text: str) -> str:
    return re.sub(r"(?m)^(?: {4})+", lambda match: "\t" * (len(match[0]) // 4), text)


def _halves(text: str) -> str:
    return re.sub(r"(?m)^ +", lambda match: " " * (len(match[0]) // 2), text)


@_kind("white space at line ends")
def _trailing(kind: str, block: Block) -> Case | None:
    there = _with(block.old, 0, block.old[0] + "  ")
    text = block.put(there)
    return _case(kind, block, read=text, now=text, right=block.put((there[0], *block.new[1:])))


@_kind("a context line one blank off")
def _one_off(kind: str, block: Block) -> Case | None:
    off = f" {block.old[0]}"
    return _case(kind, block, old=joined((off, *block.old[1:])), new=joined((off, *block.new[1:])))


@_kind("a context line spaced otherwise")
def _spaced(kind: str, block: Block) -> Case | None:
    line = block.old[-1]
    off = line.replace(", ", ",").replace(" = ", "=").replace("(", "( ")
    if off == line:
        return None
    old, new = (*block.old[:-1], off), (*block.new[:-1], off)
    return _case(kind, block, old=joined(old), new=joined(new))


@_kind("blank line in front")
def _blank_edge(kind: str, block: Block) -> Case | None:
    if not block.lines[block.at - 1].strip():
        return None
    return _case(kind, block, old=f"\n{joined(block.old)}", new=f"\n{joined(block.new)}")


@_kind("a changed line misremembered")
def _misremembered(kind: str, block: Block) -> Case | None:
    wrong = re.sub(r"[A-Za-z_]{4,}", "something", block.old[block.middle], count=1)
    old = _with(block.old, block.middle, wrong)
    return None if old == block.old else _case(kind, block, old=joined(old), right=None)


@_kind("old leaves lines out")
def _elided_old(kind: str, block: Block) -> Case | None:
    dots = f"{indent(block.old[1])}# ... existing code ..."
    old = (block.old[0], dots, block.old[-1])
    new = (f"{block.old[0]} again", dots, block.old[-1])
    return _case(kind, block, old=joined(old), new=joined(new), right=None)


@_kind("new leaves lines out")
def _elided_new(kind: str, block: Block) -> Case | None:
    remarks = ("# ...", "// ... rest unchanged", "...", "# rest of the code unchanged")
    said = remarks[block.at % len(remarks)]
    new = (f"{block.old[0]} again", f"{indent(block.old[1])}{said}")
    return _case(kind, block, new=joined(new), right=None)


@_kind("dots that are the file's own")
def _own_dots(kind: str, block: Block) -> Case | None:
    margin = indent(block.old[0])
    stub = (f"{margin}def later(self):", f"{margin}    ...")
    text = block.put((*block.old, *stub))
    return _case(
        kind,
        block,
        read=text,
        now=text,
        old=joined((*block.old, *stub)),
        new=joined((*block.new, *stub)),
        right=block.put((*block.new, *stub)),
    )


@_kind("plain quotes for typographic ones")
def _file_curly(kind: str, block: Block) -> Case | None:
    line = block.old[block.middle]
    there = f"{line} # \u201cas said\u201d \u2013 don\u2019t"
    given = f'{line} # "as said" - don\'t'
    text = block.put(_with(block.old, block.middle, there))
    return _case(
        kind,
        block,
        read=text,
        now=text,
        old=joined(_with(block.old, block.middle, given)),
        new=joined(_with(block.old, block.middle, given.replace("said", "written"))),
        right=block.put(_with(block.old, block.middle, there.replace("said", "written"))),
    )


@_kind("typographic quotes for plain ones")
def _edit_curly(kind: str, block: Block) -> Case | None:
    line = block.old[0]
    there, given = f'{line} # it\'s "so"', f"{line} # it\u2019s \u201cso\u201d"
    text = block.put((there, *block.old[1:]))
    return _case(
        kind,
        block,
        read=text,
        now=text,
        old=joined((given, *block.old[1:])),
        new=joined((given, *block.new[1:])),
        right=block.put((there, *block.new[1:])),
    )


@_kind("typographic quotes in new code")
def _new_curly(kind: str, block: Block) -> Case | None:
    line = block.old[block.middle]
    there, given = f'{line} # "so"', f"{line} # \u201cso\u201d"
    text = block.put(_with(block.old, block.middle, there))
    new = f"{given}\n{indent(line)}print(\u201cnew\u201d)"
    return _case(
        kind,
        block,
        read=text,
        now=text,
        old=joined(_with(block.old, block.middle, given)),
        new=joined(_with(block.old, block.middle, new)),
        right=None,
    )


# ---- bytes that are not the edit's business ------------------------------------------------------


@_kind("CRLF")
def _crlf(kind: str, block: Block) -> Case | None:
    text, right = (each.replace("\n", "\r\n") for each in (block.text, block.right))
    return _case(kind, block, read=text, now=text, right=right)


@_kind("mixed line endings")
def _mixed(kind: str, block: Block) -> Case | None:
    if len(block.new) != len(block.old):
        return None
    text, right = (_odd_crlf(each) for each in (block.text, block.right))
    return _case(kind, block, read=text, now=text, right=right)


def _odd_crlf(text: str) -> str:
    lines = text.split("\n")[:-1]
    return "".join(f"{line}\r\n" if n % 3 == 0 else f"{line}\n" for n, line in enumerate(lines))


@_kind("byte order mark")
def _bom(kind: str, block: Block) -> Case | None:
    lines = block.lines[:3]
    if any(not line.strip() for line in lines) or len(set(block.lines)) < 20:
        return None
    if joined(lines[:2]) in joined(block.lines[2:]):
        return None
    text = f"\ufeff{block.text}"
    new = (f"{lines[0]} again", lines[1])
    right = "\ufeff" + joined((*new, *block.lines[2:]))
    return _case(
        kind, block, read=text, now=text, old=joined(lines[:2]), new=joined(new), right=right
    )


@_kind("no final newline")
def _open_end(kind: str, block: Block) -> Case | None:
    text = joined((*block.lines[: block.at], *block.old))[:-1]
    right = joined((*block.lines[: block.at], *block.new))[:-1]
    return _case(kind, block, read=text, now=text, right=right)


@_kind("form feed and line separator")
def _odd_breaks(kind: str, block: Block) -> Case | None:
    head = "\f\n# one\u2028line\x1cin all\n"
    text, right = head + block.text, head + block.right
    return _case(kind, block, read=text, now=text, right=right)


@_kind("an empty file")
def _empty(kind: str, block: Block) -> Case | None:
    return _case(
        kind, block, read="", now="", old="", new=joined(block.new), right=joined(block.new)
    )


# ---- the user has typed meanwhile ----------------------------------------------------------------


@_kind("lines moved down meanwhile")
def _moved(kind: str, block: Block) -> Case | None:
    head = joined(("# typed meanwhile", "# and this"))
    return _case(kind, block, now=head + block.text, right=head + block.right, lines=_range(block))


@_kind("the changed line was changed meanwhile")
def _stale(kind: str, block: Block) -> Case | None:
    typed = f"{block.old[block.middle]}  # mine"
    now = block.put(_with(block.old, block.middle, typed))
    return _case(kind, block, now=now, right=None)


@_kind("the line beside was changed meanwhile")
def _stale_beside(kind: str, block: Block) -> Case | None:
    typed = f"mine_{block.old[block.middle + 1].strip()}"
    now = block.put(_with(block.old, block.middle + 1, typed))
    return _case(kind, block, now=now, right=None)


@_kind("a line typed where new ones go")
def _typed_between(kind: str, block: Block) -> Case | None:
    cut = block.middle
    new = (*block.old[:cut], "inserted = 1", *block.old[cut:])
    now = block.put((*block.old[:cut], "mine = 1", *block.old[cut:]))
    return _case(kind, block, now=now, new=joined(new), right=None)


@_kind("a context line was changed meanwhile")
def _stale_context(kind: str, block: Block) -> Case | None:
    if len(block.old) < 6:
        return None
    typed = f"{block.old[0]}  # mine"
    now = block.put((typed, *block.old[1:]))
    return _case(kind, block, now=now, right=block.put((typed, *block.new[1:])))


@_kind("changed meanwhile, and a twin is deeper")
def _twin_deeper(kind: str, block: Block) -> Case | None:
    line = block.old[block.middle]
    typed = re.sub(r"[A-Za-z_]{4,}", "mine", line, count=1)
    now = block.put(_with(block.old, block.middle, typed)) + f"    {line}\n"
    return _case(kind, block, now=now, old=f"{line}\n", new=f"{line} again\n", right=None)


@_kind("changed meanwhile, and is part of a name")
def _part_of_name(kind: str, block: Block) -> Case | None:
    line = block.old[block.middle].strip()
    if not line[0].isalpha():
        return None
    typed = f"{indent(block.old[block.middle])}mine = 1"
    now = block.put(_with(block.old, block.middle, typed)) + f"sub{line}\n"
    return _case(kind, block, now=now, old=line, new=f"{line} again", right=None)


@_kind("changed meanwhile, and a twin is elsewhere")
def _twin_elsewhere(kind: str, block: Block) -> Case | None:
    line = block.old[block.middle]
    typed = re.sub(r"[A-Za-z_]{4,}", "mine", line, count=1)
    now = block.put(_with(block.old, block.middle, typed)) + f"\n# another place\n{line}\n"
    return _case(kind, block, now=now, old=f"{line}\n", new=f"{line} again\n", right=None)


@_kind("the lines were moved far down meanwhile")
def _moved_away(kind: str, block: Block) -> Case | None:
    head = block.put(("# gone",)) + "\n# another place\n"
    return _case(kind, block, now=head + joined(block.old), right=head + joined(block.new))


# ---- lines named by anchors ----------------------------------------------------------------------


def _range(block: Block) -> tuple[int, int]:
    return block.at, block.at + len(block.old)


@_kind("named lines")
def _named(kind: str, block: Block) -> Case | None:
    return _case(kind, block, lines=_range(block))


@_kind("named lines, which moved meanwhile")
def _named_moved(kind: str, block: Block) -> Case | None:
    head = joined(("# typed meanwhile", *block.lines[:2]))
    if head.count("\n") < 3:
        return None
    return _case(kind, block, now=head + block.text, right=head + block.right, lines=_range(block))


@_kind("named lines, one of which was changed")
def _named_stale(kind: str, block: Block) -> Case | None:
    typed = f"{block.old[block.middle]}  # mine"
    now = block.put(_with(block.old, block.middle, typed))
    return _case(kind, block, now=now, right=None, lines=_range(block))


@_kind("what read shows, copied along")
def _glued(kind: str, block: Block) -> Case | None:
    new = _with(block.old, block.middle, f"{block.old[block.middle]} again")
    return _case(kind, block, new=joined(new), right=block.put(new), glued=True)
