"""The container images of the runtimes: made, looked through, and taken from a project."""

from .build import build, default_cache
from .events import Began, BuildEvent, ImageError, ImageResult, Said, Step
from .halt import Halt, HaltedError

__all__ = [
    "Began",
    "BuildEvent",
    "Halt",
    "HaltedError",
    "ImageError",
    "ImageResult",
    "Said",
    "Step",
    "build",
    "default_cache",
]
