"""What is told while images are made, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

ImageStatus = Literal["built", "loaded", "current", "failed"]


class ImageError(Exception):
    """An image can't be made, looked at or used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Began:
    """Work on an image began."""

    image: str


@dataclass(frozen=True, slots=True)
class Step:
    """A step of an image's making began.

    Attributes:
        image: the image's tag.
        what: what the step does, one line.
        number: which step of its Dockerfile, from 1; 0 outside of it.
        of: how many steps the Dockerfile has; 0 outside of it.
    """

    image: str
    what: str
    number: int = 0
    of: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """A line of output of a step."""

    image: str
    line: str


@dataclass(frozen=True, slots=True)
class ImageResult:
    """What came of an image.

    Attributes:
        image: its tag.
        status: `built` now, `loaded` from the cache, `current` before already, or `failed`.
        seconds: how long it took.
        size: bytes of all its layers, the shared ones included; 0 where it failed.
        reason: why it failed, and in which step; empty otherwise.
    """

    image: str
    status: ImageStatus
    seconds: float
    size: int = 0
    reason: str = ""


BuildEvent = Began | Step | Said | ImageResult
Report = Callable[[BuildEvent], None]
"""Called for every event, from several threads but never by two at once."""


def silent(event: BuildEvent) -> None:
    """Report nothing."""
    del event
