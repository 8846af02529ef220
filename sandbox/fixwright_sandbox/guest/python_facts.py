"""What the interpreter knew when an exception was raised, for those who want to fix it."""

from __future__ import annotations

from typing import Any

from .python_frames import Entry
from .python_sources import Sources


def facts_of(exception: BaseException, found: list[Entry], sources: Sources) -> dict[str, Any]:
    """Return nothing as yet known of the exception."""
    del exception, found, sources
    return {}
