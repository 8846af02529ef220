"""What git says belongs to a folder, asked so that a hostile repository can make it run nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_SECONDS = 20.0
_HARDENING = (
    "core.fsmonitor=false",  # a program that git would ask what changed
    "core.hooksPath=/dev/null",
    # A partial clone fetches what it lacks (a .gitignore of a sparse checkout), by programs that
    # the repository names: uploadpack, ssh command, remote helpers, credential helpers.
    "protocol.allow=never",
    "core.sshCommand=false",
    "core.gitProxy=",
    "credential.helper=",
    "core.pager=cat",
    "core.quotePath=false",
)
_KEPT_VARIABLES = ("PATH", "HOME", "XDG_CONFIG_HOME", "LD_LIBRARY_PATH")


def git_names(directory: Path) -> list[str] | None:
    """Names below `directory`, tracked or not ignored, relative to it and with ``/``. I/O.

    Nested repositories end with ``/``; submodules are named like files.

    Returns:
        None when `directory` is in no work tree that git accepts, or git is missing or does not
        answer.
    """
    where = git(directory, "rev-parse", "--show-toplevel")
    if where is None or not _holds(os.fsdecode(where.removesuffix(b"\n")), directory):
        return None
    options = ("--cached", "--others", "--exclude-standard", "--deduplicate", "-z")
    listing = git(directory, "ls-files", *options)
    if listing is None:
        return None
    return [os.fsdecode(name) for name in listing.split(b"\0") if name]


def _holds(work_tree: str, directory: Path) -> bool:
    """Whether a directory lies in the work tree: a repository may name another than its own."""
    real = os.path.realpath(directory)
    return os.path.commonpath((os.path.realpath(work_tree), real)) == os.path.realpath(work_tree)


def git(directory: Path, *arguments: str, stdin: bytes = b"") -> bytes | None:
    """What a git command says; None when it fails, is missing or does not answer. I/O."""
    settings = [part for setting in _HARDENING for part in ("-c", setting)]
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed argument vector, no shell
            ["git", "--no-pager", *settings, *arguments],  # noqa: S607 - the user's own git
            cwd=directory,
            env=_environment(),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout if answer.returncode == 0 else None


def _environment() -> dict[str, str]:
    """No GIT_* variable of ours decides which repository is read; no lazy fetch, lock or prompt."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | {
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",  # git 2.45 and later; the protocol settings say it to older ones
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "GIT_SSH_COMMAND": "false",
    }
