"""The loop by which a shell is kept, and the cells as it sources them.

A cell is sourced as `./NAME`, from a folder where it lies below as many empty lines as it has
above it in its file: what the shell says then names the file and its lines. Its first word takes
the shell back to the folder where it was.

An interrupt has to end the cell and not the shell, which no command does. So the trap on SIGINT
sets one on DEBUG, that `extdebug` makes return from every function up to the sourced file, first
of all before the `:` behind it: `read` would go on otherwise.
"""

from __future__ import annotations

import os
import shlex
from typing import NamedTuple

from fixwright_sandbox.guest.cells import INTERRUPTED, Cell

from .prelude import session_prelude

_BACK = "__fixwright_back; "

_LOOP = r"""
BASH_ARGV0=@name@
__fixwright_last=0
__fixwright_interrupted=
__fixwright_back() {
    builtin cd -- "$__fixwright_folder" 2>/dev/null
    if [[ -n $__fixwright_before ]]; then OLDPWD=$__fixwright_before; else unset OLDPWD; fi
    __fixwright_away=
    __fixwright_status "$__fixwright_last"
}
__fixwright_interrupt() {
    __fixwright_interrupted=1
    __fixwright_options=$-
    shopt -s extdebug
    trap __fixwright_unwind DEBUG
}
__fixwright_unwind() {
    if (( ${#FUNCNAME[@]} > 2 )); then
        return 2
    fi
    trap - DEBUG
    shopt -u extdebug
    [[ $__fixwright_options != *E* ]] || set -o errtrace
    [[ $__fixwright_options != *T* ]] || set -o functrace
    return 0
}
trap '__fixwright_interrupt; :' INT
while :; do
    until IFS=$'\t' read -r __fixwright_at __fixwright_file __fixwright_stdin < @orders@; do
        :
    done 2>/dev/null
    exec < "$__fixwright_stdin"
    __fixwright_folder=$PWD
    __fixwright_before=${OLDPWD-}
    __fixwright_away=1
    builtin cd -- "$__fixwright_at"
    . "./$__fixwright_file"
    __fixwright_last=$?
    if [[ -n $__fixwright_away ]]; then __fixwright_back || :; fi
    if [[ -n $__fixwright_interrupted ]]; then
        __fixwright_interrupted=
        __fixwright_last=@interrupted@
        # The shell left the last one half done, and would not take another.
        trap - INT
        trap '__fixwright_interrupt; :' INT
    fi
    exec < /dev/null
    printf '%d\n' "$__fixwright_last" > @answers@
done
"""


class Executed(NamedTuple):
    """A cell as it was sourced: what the shell calls it, and its lines at their places."""

    name: str
    lines: list[str]


def pipes(scratch: str) -> tuple[str, str]:
    """Return the paths of the pipes for orders and answers."""
    return os.path.join(scratch, "orders"), os.path.join(scratch, "answers")


def write_loop(scratch: str, path: str | None) -> str:
    """Write what the shell runs; return where.

    Args:
        scratch: the session's folder.
        path: the file that its cells stand in, which is its `$0`.
    """
    orders, answers = pipes(scratch)
    code = session_prelude(os.path.join(scratch, "log"), os.path.join(scratch, "root"))
    values = {"name": path or "bash", "orders": orders, "answers": answers}
    loop = _LOOP.replace("@interrupted@", str(INTERRUPTED))
    for name, value in values.items():
        loop = loop.replace(f"@{name}@", shlex.quote(value))
    file = os.path.join(scratch, "prelude")
    with open(file, "w", encoding="utf-8", errors="surrogateescape") as opened:
        opened.write(code + loop)
    return file


def write_cell(scratch: str, number: int, cell: Cell) -> tuple[str, str]:
    """Write a cell to be sourced; return its folder, and its name in there."""
    folder = os.path.join(scratch, "cells", str(number))
    name = cell.path or f"<cell {number}>"
    file = os.path.join(folder, name)
    os.makedirs(os.path.dirname(file), exist_ok=True)
    text = "\n" * cell.line + " " * cell.column + cell.text + "\n"
    with open(file, "w", encoding="utf-8", errors="surrogateescape", newline="") as opened:
        opened.write(_BACK + text)
    return folder, name


def executed(scratch: str) -> list[Executed]:
    """Return the cells that were executed, the last one first. Reads files."""
    cells = os.path.join(scratch, "cells")
    numbers = [int(name) for name in os.listdir(cells)] if os.path.isdir(cells) else []
    found: list[Executed] = []
    for number in sorted(numbers, reverse=True)[:_MOST_CELLS]:
        top = os.path.join(cells, str(number))
        for folder, _, names in os.walk(top):
            for name in names:
                file = os.path.join(folder, name)
                with open(file, encoding="utf-8", errors="surrogateescape") as opened:
                    text = opened.read(_LONGEST).removeprefix(_BACK)
                found.append(Executed(os.path.relpath(file, top), text.split("\n")))
    return found


_MOST_CELLS = 500
_LONGEST = 1 << 20
