"""The container images of the runtimes: made, looked through, and taken from a project."""

from .build import build, default_cache
from .custom import PYTHON_LABEL, CustomImage, custom
from .engine import ImageEngine
from .events import Began, BuildEvent, ImageError, ImageResult, Report, Said, Step
from .halt import Halt, HaltedError
from .packages import Package
from .sbom import cyclonedx
from .scan import Finding, Scan, budget, scan

__all__ = [
    "PYTHON_LABEL",
    "Began",
    "BuildEvent",
    "CustomImage",
    "Finding",
    "Halt",
    "HaltedError",
    "ImageEngine",
    "ImageError",
    "ImageResult",
    "Package",
    "Report",
    "Said",
    "Scan",
    "Step",
    "budget",
    "build",
    "custom",
    "cyclonedx",
    "default_cache",
    "scan",
]
