"""The exit codes of every command."""

from __future__ import annotations

DONE, FAILED, USAGE, REFUSED, COULD_NOT = 0, 1, 2, 3, 4
