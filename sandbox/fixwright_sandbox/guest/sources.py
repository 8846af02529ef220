"""The files that a Python run is made of: how reports name them, and their lines."""

from __future__ import annotations

import os
import tokenize
from io import BytesIO
from os.path import getsize, isabs, join, realpath
from types import CodeType

_LARGEST = 8 << 20


class Sources:
    r"""The files of one run, under the root of its tree.

    Lines are those of the interpreter and of LSP alike: they end with `\n`, `\r\n` or `\r`.
    """

    def __init__(self, root: str) -> None:
        self.root = realpath(root)
        self._paths: dict[str, str] = {}
        self._lines: dict[str, list[str]] = {}

    def path(self, filename: str) -> str:
        """Return the path a report gives `filename`: relative in the tree, else as it is."""
        known = self._paths.get(filename)
        if known is None:
            known = self._paths[filename] = self._resolve(filename)
        return known

    def inside(self, filename: str) -> bool:
        """Tell whether `filename` is a file of the tree."""
        path = self.path(filename)
        return not path.startswith("<") and not isabs(path)

    def absolute(self, filename: str) -> str:
        """Return where `filename`, as the interpreter knows it, lies."""
        return join(self.root, filename)

    def line(self, filename: str, number: int) -> str | None:
        """Return a line without its ending; None where the source or the line is not there."""
        lines = self.lines(filename)
        return lines[number] if 0 <= number < len(lines) else None

    def lines(self, filename: str) -> list[str]:
        """Return all lines of a source file; none where it cannot be read."""
        lines = self._lines.get(filename)
        if lines is None:
            lines = self._lines[filename] = _read_lines(self.absolute(filename))
        return lines

    def shift(self, code: CodeType) -> int | None:  # noqa: ARG002 (a session's has moved)
        """Return how many lines code lies further down now; None where it is there no longer."""
        return 0

    def moved(self, path: str, line: int) -> tuple[str, int]:  # noqa: ARG002 (a session's has)
        """Return what a report calls the file of a line that ran, and how far that moved since."""
        return path, 0

    def _resolve(self, filename: str) -> str:
        if filename.startswith("<"):
            return filename
        real = realpath(self.absolute(filename))
        if real.startswith(self.root + os.sep):
            return real[len(self.root) + 1 :].replace(os.sep, "/")
        return real


def _read_lines(path: str) -> list[str]:
    try:
        if getsize(path) > _LARGEST:
            return []
        with open(path, "rb") as file:
            data = file.read(_LARGEST)
        encoding, _ = tokenize.detect_encoding(BytesIO(data).readline)
        text = data.decode(encoding, "replace")
    except (OSError, SyntaxError, ValueError, LookupError):
        return []
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
