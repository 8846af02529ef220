"""Trust in what a repository would run: text until the user trusts exactly these bytes.

Hooks, servers of tools (MCP) and commands of a repository are programs that it wants to have run.
They are read, shown and asked about; nothing is done with them before. Rules for people and agents
(AGENTS.md, CLAUDE.md) are not of that kind: they are text, fenced, and can grant nothing.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from fixwright.agent.policy.kept import KeptDecisions
from fixwright.json_reading import as_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Kind: TypeAlias = Literal["hooks", "mcp", "commands"]

_LARGEST = 64 << 20
"""Bytes of a file that are read to be trusted."""


class Trust:
    """What the user trusts in one workspace. Everything blocks."""

    def __init__(self, folders: Sequence[Path], data: Path | None = None) -> None:
        self._kept = KeptDecisions("trust.json", folders, data)

    def check(self, kind: Kind, content: str | bytes) -> bool:
        """Whether exactly this was trusted, as this kind, in this workspace."""
        return _digest(content) in as_object(self._kept.read().get(kind))

    def grant(self, kind: Kind, content: str | bytes, name: str = "") -> None:
        """Trust it from now on; `name` is for people who read the file.

        Raises:
            DecisionsLost: that can't be kept.
        """
        with self._kept.changing() as told:
            entry = {"name": name, "since": int(time.time())}
            told[kind] = {**as_object(told.get(kind)), _digest(content): entry}

    def withdraw(self, kind: Kind, content: str | bytes | None = None) -> None:
        """Trust it no more; None is all of the kind.

        Raises:
            DecisionsLost: that can't be kept.
        """
        with self._kept.changing() as told:
            left = dict(as_object(told.get(kind)))
            if content is None:
                left.clear()
            else:
                left.pop(_digest(content), None)
            told[kind] = left


def with_programs(content: str, words: Iterable[str], folder: Path) -> bytes:
    """What has to be trusted with a command: its text, and the files of the repository it names.

    A command that stays the same while the script that it starts becomes another is another one.
    I/O.

    Args:
        content: the text that holds the command.
        words: of the command.
        folder: that its relative paths are meant from.
    """
    root = Path(os.path.realpath(folder))
    parts = [content.encode("utf-8", "surrogatepass")]
    for word in words:
        for named in {word, word.partition("=")[2]} - {""}:
            path = Path(os.path.realpath(root / named))
            if path.is_relative_to(root) and path.is_file():
                parts.append(_of_file(path, named))
    return b"\0".join(parts)


def _of_file(path: Path, named: str) -> bytes:
    with path.open("rb") as file:
        start = file.read(_LARGEST + 1)
    if len(start) > _LARGEST:  # never the same twice: what can't be read whole is not trusted
        start = os.urandom(32)
    return named.encode("utf-8", "surrogatepass") + b"\0" + hashlib.sha256(start).digest()


def _digest(content: str | bytes) -> str:
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return hashlib.sha256(raw).hexdigest()
