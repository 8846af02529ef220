"""Which files a TypeScript import means: as JavaScript's, whose rules know TypeScript's."""

from __future__ import annotations

from fixwright.index.languages.javascript.resolve import resolve

__all__ = ["resolve"]
