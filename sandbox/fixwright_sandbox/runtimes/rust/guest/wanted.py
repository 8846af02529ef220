"""Which tests a job asks for."""

from __future__ import annotations

import os
from typing import NamedTuple


class Wanted(NamedTuple):
    """A target of the job: a file or folder, relative to the tree, and what in it."""

    path: str
    name: str


def read_wanted(root: str, target: str) -> Wanted:
    """Read a target: `path`, or `path::name`, relative to the tree's root."""
    path, _, name = target.partition("::")
    while name and not os.path.exists(os.path.join(root, path)):
        more, _, name = name.partition("::")
        path = f"{path}::{more}"
    return Wanted("" if path == "." else os.path.normpath(path), name)
