"""What a Bash script could have meant, and where in a line it said it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

_FUNCTION = re.compile(
    r"^\s*(?:function\s+)?([\w.:-]+)\s*\(\)|^\s*function\s+([\w.:-]+)", re.MULTILINE
)
_VARIABLE = re.compile(
    r"(?:^|[\s;({])(?:(?:local|declare|export|readonly)\s+(?:-\w+\s+)*)?([A-Za-z_]\w*)\+?="
)
_LOOP = re.compile(r"\b(?:for|read|mapfile|readarray)\s+(?:-\w+\s+)*([A-Za-z_]\w*)")
_BUILTINS = (
    "alias bg bind break builtin caller case cd command compgen complete continue declare dirs "
    "disown do done echo elif else enable esac eval exec exit export false fc fg fi for function "
    "getopts hash help history if jobs kill let local logout mapfile popd printf pushd pwd read "
    "readarray readonly return select set shift shopt source suspend test then time times trap "
    "true type typeset ulimit umask unalias unset until wait while"
)
_MOST_PROGRAMS = 20_000


def command_names(script: str) -> Iterator[str]:
    """Return what could be called: the script's functions, builtins and programs."""
    for match in _FUNCTION.finditer(script):
        yield match[1] or match[2]
    yield from _BUILTINS.split()
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        try:
            yield from os.listdir(folder)[:_MOST_PROGRAMS]
        except OSError:
            continue


def variable_names(script: str) -> Iterator[str]:
    """Return the variables that a script sets."""
    for pattern in (_VARIABLE, _LOOP):
        for match in pattern.finditer(script):
            yield match[1]


def span_in_line(line: str, word: str, command: str) -> tuple[int, int]:
    """Return the columns of what failed: a word, else a command, else all code of the line."""
    if word:
        found = list(re.finditer(rf"(?<![\w-]){re.escape(word)}(?![\w-])", line))
        if found:
            return found[0].span()
    parts = command.split()
    if parts:
        found = list(re.finditer(r"\s+".join(re.escape(part) for part in parts), line))
        if len(found) == 1:
            return found[0].span()
    return len(line) - len(line.lstrip()), len(line.rstrip())
