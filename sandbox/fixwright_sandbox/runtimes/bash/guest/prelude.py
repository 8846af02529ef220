"""The shell code that makes a Bash script say where it failed.

`BASH_ENV` names it, so the shell reads it before the script. It appends records to a log: one for
each command that fails where the script's own rules let it fail (the ERR trap), for each `exit`,
and one when the shell ends. What a script can see of it: names that begin with `__fixwright`,
the two traps until it sets its own, `exit` as a function, and, unless it traps ERR itself,
`set -E`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

_OWN_TRAP = re.compile(r"^[^#\n]*\btrap\b[^\n]*\bERR\b", re.MULTILINE)

_CODE = r"""
unset BASH_ENV
__fixwright_log=@log@
__fixwright_records=0
__fixwright_root=$PWD
printf '%s' "$PWD" >| @root@

# kind, status, command, its length as a pipeline; the stack is that of the caller
__fixwright_record() {
    local -a lines=("${BASH_LINENO[@]:1}") names=("${FUNCNAME[@]:2}")
    local -a sources=("${BASH_SOURCE[@]:2}")
    if (( ++__fixwright_records > 500 )); then
        __fixwright_records=0
        : >| "$__fixwright_log"
    fi
    printf '%s\0' "$@" "$BASH_SUBSHELL" "$PWD" "${#lines[@]}" "${#names[@]}" \
        "${lines[@]}" "${names[@]}" "${sources[@]}" >> "$__fixwright_log"
}
__fixwright_on() {
    __fixwright_record "$@" || :
}
__fixwright_status() {
    return "$1"
}
exit() {
    local __fixwright_code=$?
    { __fixwright_on exit "${1-$__fixwright_code}" "exit $*" 1; } 2>/dev/null
    if (( $# )); then
        builtin exit "$@"
    fi
    __fixwright_status "$__fixwright_code" && builtin exit || builtin exit
}
"""

_EXIT = r"""
trap '{ __fixwright_on end "$?" "$BASH_COMMAND" "${#PIPESTATUS[@]}"; } 2>/dev/null' EXIT
"""

_ERR = r"""
set -o errtrace
trap '{ __fixwright_on command "$?" "$BASH_COMMAND" "${#PIPESTATUS[@]}"; } 2>/dev/null' ERR
"""

BACK = "__fixwright_back"
"""Takes the shell from the folder of a selection back to where it was started."""

_BACK = r"""
__fixwright_back() {
    cd -- "$__fixwright_root"
    unset OLDPWD
    unset -f __fixwright_back
}
"""

# Bash opens its script after the prelude: relative to where that has gone, under the script's name.
_GO = r"""
cd -- @folder@
"""

_SOURCE = r"""
PATH=. . @file@
"""


def prelude(log: str, root: str, script: str, path: str = "", folders: Sequence[str] = ()) -> str:
    """Return the shell code.

    Args:
        log: the file that records are appended to.
        root: the file that gets the folder where the script began.
        script: the script's text: one that traps ERR is left to do so.
        path: of a selection, its file's path.
        folders: of a selection, those that hold pieces of it under that path: the last one what
            Bash runs, which has to call `BACK` first; the others what is sourced before.
    """
    parts = [_filled(_CODE, log=log, root=root), _EXIT]
    if folders:
        parts.append(_BACK)
        for folder in folders[:-1]:
            parts += [_filled(_GO, folder=folder), _filled(_SOURCE, file=path)]
        parts.append(_filled(_GO, folder=folders[-1]))
    if not _OWN_TRAP.search(script):
        parts.append(_ERR)
    return "".join(parts)


def session_prelude(log: str, root: str) -> str:
    """Return the shell code for a shell that is kept: every cell's failures are written down."""
    return "".join((_filled(_CODE, log=log, root=root), _EXIT, _ERR))


def _filled(code: str, **values: str) -> str:
    for name, value in values.items():
        code = code.replace(f"@{name}@", shlex.quote(value))
    return code
