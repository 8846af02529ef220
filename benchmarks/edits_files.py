"""Real files, and blocks of them that stand there once."""

from __future__ import annotations

import random
import re
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_FILES = (
    *("clients/neovim/lua/fixwright/*.lua", "clients/vscode/src/*.ts", "sandbox/**/*.java"),
    *("server/fixwright/workspace/*.py", "server/fixwright/fix/*.py", "docs/*.md"),
)
_MODULES = (
    *("argparse", "ast", "calendar", "configparser", "csv", "difflib", "dis", "enum", "ftplib"),
    *("gettext", "heapq", "imaplib", "inspect", "locale", "mailbox", "optparse", "pickle"),
    *("shutil", "smtplib", "tarfile", "textwrap", "trace", "uuid", "zipfile"),
)


@dataclass(frozen=True)
class Block:
    """Lines ``[at, at + len(old))`` of a file, whose middle one is changed."""

    file: str
    lines: tuple[str, ...]
    at: int
    old: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def text(self) -> str:
        return joined(self.lines)

    @property
    def right(self) -> str:
        return self.put(self.new)

    @property
    def middle(self) -> int:
        return len(self.old) // 2

    def put(self, lines: Sequence[str]) -> str:
        """The file with other lines in place of the block."""
        return joined((*self.lines[: self.at], *lines, *self.lines[self.at + len(self.old) :]))


def joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def texts() -> dict[str, tuple[str, ...]]:
    paths = [path for pattern in _FILES for path in sorted(ROOT.glob(pattern))]
    library = Path(sysconfig.get_path("stdlib"))
    paths += [library / f"{name}.py" for name in _MODULES]
    texts = {path.name: path.read_text(encoding="utf-8", errors="replace") for path in paths}
    return {
        name: tuple(text.split("\n")[:-1])
        for name, text in texts.items()
        if text.isascii() and text.endswith("\n") and "\f" not in text and text.count("\n") > 40
    }


def blocks(files: dict[str, tuple[str, ...]], rng: random.Random, start: int) -> Iterator[Block]:
    """Blocks of five to seven lines that stand once, the middle one with a word to change."""
    names = sorted(files)
    for turn in range(4000):
        name = names[(start + turn) % len(names)]
        lines = files[name]
        size = rng.choice((5, 5, 6, 7))
        at = rng.randrange(3, len(lines) - size - 3)
        old = lines[at : at + size]
        middle = old[size // 2]
        words = re.findall(r"\b[A-Za-z_]{4,}\b", middle)
        stripped = [line.strip() for line in lines]
        if (
            not words
            or any(len(line.strip()) < 6 for line in old)
            or any(stripped.count(line.strip()) > 1 for line in old)
            or sum(middle.strip() in line for line in lines) > 1
            or "..." in "".join(old)
            or any(line != line.rstrip() for line in old)
        ):
            continue
        word = rng.choice(words)
        changed = re.sub(rf"\b{word}\b", f"{word}_again", middle)
        new = [*old[: size // 2], changed, *old[size // 2 + 1 :]]
        how = rng.randrange(3)
        if how == 1:
            new.insert(size // 2 + 1, f"{indent(middle)}second_{word}")
        yield Block(name, lines, at, old, tuple(new))


def indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
