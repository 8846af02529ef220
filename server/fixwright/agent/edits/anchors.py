r"""Names for lines, which a model reads and gives back: ``12:k4fz|    return total``.

The number is the line's, counted from 1. The four characters are a checksum of the text *down to
and with* that line. So an anchor holds exactly as long as nothing above its line or in it has
changed, and one glance at the present text tells whether the line is still the one that was read,
however often the same words stand elsewhere. A checksum of the line alone could not: every ``}``
would be every other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from fixwright.agent.edits.model import NotApplicable
from fixwright.agent.edits.page import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.workspace.text import Text

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 that are not mistaken for one another
_LENGTH = 4
_VERSION_LENGTH = 8
SEPARATOR = "|"
GLUED = re.compile(rf"\s*(\d{{1,7}}):([{_ALPHABET}]{{{_LENGTH}}})\|")
_ANCHOR = re.compile(rf"\s*\[?(\d{{1,7}}):([{_ALPHABET}]{{{_LENGTH}}})\]?(?:\|(.*))?\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A line as it was named: its number from 1, its checksum, and its text if that came along."""

    number: int
    check: str
    text: str | None = None

    def __str__(self) -> str:
        return f"{self.number}:{self.check}"


def version_of(text: Text) -> str:
    """A short name for exactly this content, 40 bits of its checksum."""
    return _spelled(blake2b(_bytes(text.value), digest_size=8).digest(), _VERSION_LENGTH)


def shown(text: Text, first: int, last: int) -> str:
    """Lines ``[first, last)``, zero-based, each behind its anchor, as a model reads them."""
    page = Page(text)
    return "\n".join(
        f"{number + 1}:{check}{SEPARATOR}{page.lines[number]}"
        for number, check in _checks(page, first, last)
    )


def anchor(page: Page, line: int) -> str:
    """The anchor of a line, counted from 0."""
    return next(f"{number + 1}:{check}" for number, check in _checks(page, line, line + 1))


def holds(page: Page, named: Anchor) -> bool:
    """Whether an anchor is one of this text."""
    line = named.number - 1
    return any(check == named.check for _, check in _checks(page, line, line + 1))


def parse_anchor(named: str) -> Anchor:
    """Read an anchor as a model gives it, with or without the line that stood behind it.

    Raises:
        NotApplicable: It is none.
    """
    found = _ANCHOR.fullmatch(named.lower() if SEPARATOR not in named else named)
    if found is None:
        raise NotApplicable(
            "invalid",
            f"{named[:60]!r} is no line anchor. An anchor is what `read` shows before the"
            " separator of a line, such as 12:k4fz.",
        )
    return Anchor(int(found[1]), found[2], found[3])


def _checks(page: Page, first: int, last: int) -> Iterator[tuple[int, str]]:
    first, last = max(first, 0), min(last, len(page.lines))
    if first >= last:
        return
    digest = blake2b(digest_size=8)
    digest.update(_bytes("".join(f"{line}\n" for line in page.lines[:first])))
    for number in range(first, last):
        digest.update(_bytes(f"{page.lines[number]}\n"))
        yield number, _spelled(digest.digest(), _LENGTH)


def _spelled(digest: bytes, length: int) -> str:
    number = int.from_bytes(digest, "big")
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in range(length))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
