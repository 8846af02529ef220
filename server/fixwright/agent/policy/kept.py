"""What the user has decided, in files of the user's data folder: no workspace can write there."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import platformdirs

from fixwright.json_reading import as_object

if TYPE_CHECKING:
    from collections.abc import Iterable

Decided: TypeAlias = dict[str, object]


class DecisionsLost(Exception):
    """A decision can't be kept; the message says why."""


class KeptDecisions:
    """Decisions for one workspace, in one file for all. Safe between processes. Everything blocks.

    A workspace is its folders: with another folder added it is another one, because the names of
    files mean others then.
    """

    def __init__(self, name: str, folders: Sequence[Path], data: Path | None = None) -> None:
        """Over the file `name` in `data`; None is the user's data folder."""
        data = data or Path(platformdirs.user_data_dir("fixwright", appauthor=False))
        self._file = data / name
        self._workspace = "\n".join(sorted(os.path.realpath(folder) for folder in folders))
        self._inside = _is_below(self._file, folders)

    def read(self) -> Decided:
        """What is decided; nothing where the file can't be read, or lies in the workspace."""
        return {} if self._inside else as_object(self._all().get(self._workspace))

    @contextlib.contextmanager
    def changing(self) -> Generator[Decided]:
        """Change it: what stands in the object afterwards is kept, in one step.

        Raises:
            DecisionsLost: there is no folder to keep it for, or no place to keep it in.
        """
        if not self._workspace:
            raise DecisionsLost("No folder is open for which it could be kept.")
        if self._inside:
            raise DecisionsLost(
                f"{self._file} lies in the workspace, which could change it. Open a folder further"
                " down, or set XDG_DATA_HOME."
            )
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._file.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                told = self._all()
                mine = dict(as_object(told.get(self._workspace)))
                yield mine
                self._write({**told, self._workspace: mine})
        except OSError as error:
            raise DecisionsLost(f"{self._file} can't be written: {error}.") from error

    def _all(self) -> dict[str, object]:
        try:
            return dict(as_object(json.loads(self._file.read_bytes())))
        except (OSError, ValueError):
            return {}

    def _write(self, told: dict[str, object]) -> None:
        draft = self._file.with_suffix(".draft")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123 - the mode
            json.dump(told, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._file)


def _is_below(file: Path, folders: Iterable[Path]) -> bool:
    real = Path(os.path.realpath(file))
    return any(real.is_relative_to(os.path.realpath(folder)) for folder in folders)
