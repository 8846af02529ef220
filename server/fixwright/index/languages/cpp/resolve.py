"""Which files a C++ include means: as C's."""

from __future__ import annotations

from fixwright.index.languages.c.resolve import resolve

__all__ = ["resolve"]
