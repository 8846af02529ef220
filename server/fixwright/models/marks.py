"""Where a request tells the provider's cache what to keep.

Requests of a session begin alike, so a cache saves most of what they cost. Providers take up to
four marks, each the end of something worth keeping: here the end of the system's first part, which
sessions share, the end of its last part, which a session's requests share, and the last two
messages of the user: the older of them was the newest when the request before was sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fixwright.models.types import Request

MARKED_MESSAGES = 2


def marked_parts(request: Request) -> frozenset[int]:
    """Indices of the parts of `system` that end with a mark; at most two."""
    if not request.cache or not request.system:
        return frozenset()
    return frozenset({0, len(request.system) - 1})


def marked_messages(request: Request) -> frozenset[int]:
    """Indices of the messages that end with a mark; at most two."""
    if not request.cache:
        return frozenset()
    said = [
        n
        for n, message in enumerate(request.messages)
        if message.role == "user" and (message.text.strip() or message.results)
    ]
    return frozenset(said[-MARKED_MESSAGES:])


def joined(system: Iterable[str]) -> str:
    """The system's parts as one text, for protocols without parts."""
    return "\n\n".join(system)
