"""What code needs that its runtime has not, and how that gets into a sandbox without network."""

from .model import Conflict, Package, Unknown, Wanted
from .wanted import wanted

__all__ = ["Conflict", "Package", "Unknown", "Wanted", "wanted"]
