"""Which interpreter an environment on this machine uses, and what of the machine it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .base import BackendError

_ASK = "import json,sys;print(json.dumps([sys.executable,sys.prefix,sys.base_prefix]))"

_MOST_LINKS = 40
"""As many as Linux follows."""


@dataclass(frozen=True)
class Interpreter:
    """A Python of this machine.

    Attributes:
        executable: its path, as it was named (a virtual environment's own).
        folders: what it is made of, outside /usr: prefixes, and where its links lead.
    """

    executable: str
    folders: tuple[Path, ...]


def find_interpreter(python: str | None) -> Interpreter:
    """Describe an interpreter; None is the running one. Blocks. Raises `BackendError`."""
    if python is None:
        return _describe(sys.executable, sys.prefix, sys.base_prefix)
    try:
        answer = subprocess.run(  # noqa: S603 (the user's own setting)
            [python, "-I", "-c", _ASK], capture_output=True, timeout=20, check=True
        ).stdout
        executable, prefix, base = json.loads(answer)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        message = f"{python} is not a Python that can be used: {error}."
        raise BackendError(message) from error
    return _describe(str(executable), str(prefix), str(base))


def _describe(executable: str, prefix: str, base: str) -> Interpreter:
    if ".." in Path(executable).parts:  # through a folder that would have to be there, too
        executable = str(Path(executable).parent.resolve() / Path(executable).name)
    folders: list[Path] = []
    for folder in (Path(prefix), Path(base), *_homes(Path(executable))):
        for path in (folder, folder.resolve()):
            if path not in folders and not path.is_relative_to("/usr") and path != Path("/"):
                folders.append(path)
    return Interpreter(executable, tuple(folders))


def _homes(executable: Path) -> list[Path]:
    """The folder above `bin` of every link between a virtual environment and its base."""
    homes: list[Path] = []
    path = executable
    while path.is_symlink() and len(homes) < _MOST_LINKS:
        path = path.parent / path.readlink()
        if path.parent.name == "bin":
            homes.append(path.parent.parent)
    return homes
