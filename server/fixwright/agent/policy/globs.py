"""Path patterns in the manner of gitignore, matched in time linear in the path.

| pattern | matches |
|---|---|
| `name` | a file or folder of this name anywhere, and all below it |
| `/name`, `a/name` | from the root |
| `name/`, `name/**` | all below the folder, not a file of this name |
| `*`, `?`, `[a-z]` | within one name |
| `**` | any folders, none too |

There is no `!`: rules have decisions instead.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote

_ANY = "**"


@dataclass(frozen=True, slots=True)
class PathGlob:
    """A pattern, read.

    Attributes:
        parts: one for each name on the way; `**` stands for any number of names.
        below: whether it matches only what lies below.
        folded: whether spellings that some file system takes for the same count as the same.
    """

    parts: tuple[str, ...]
    below: bool
    folded: bool = False

    @classmethod
    def read(cls, pattern: str, *, folded: bool = False) -> PathGlob:
        """Read a pattern.

        Raises:
            ValueError: it says nothing, or begins with `!`.
        """
        if pattern.startswith("!"):
            raise ValueError(f"The pattern {pattern} begins with “!”: give it a decision instead.")
        bare = pattern.strip("/").removeprefix("./")
        parts = [part for part in bare.split("/") if part not in ("", ".")]
        if not parts:
            raise ValueError("The pattern is empty. Use ** for all files.")
        below = pattern.endswith("/")
        if len(parts) > 1 and parts[-1] == _ANY:
            below = True
            parts.pop()
        if not pattern.startswith(("/", "./")) and len(parts) == 1 and "/" not in bare:
            parts.insert(0, _ANY)
        spelled = (fold(part) if folded else part for part in parts)
        return cls(tuple(re.sub(r"\\(.)", r"[\1]", part) for part in spelled), below, folded)

    def matches(self, path: str) -> bool:
        """Whether a file's path, as `clean` gives it, is meant."""
        names = path.strip("/").split("/")
        if self.folded:
            names = [fold(name) for name in names]
        reached = {0}
        for part in self.parts:
            if part == _ANY:
                reached = set(range(min(reached), len(names) + 1))
            else:
                reached = {
                    at + 1
                    for at in reached
                    if at < len(names) and fnmatch.fnmatchcase(names[at], part)
                }
            if not reached:
                return False
        return min(reached) < len(names) if self.below else True


def clean(name: str) -> str:
    """A file's name without `.`, `..`, doubled slashes, and the scheme of a file's URI."""
    if name[:7].lower() == "file://":
        name = "/" + unquote(name[7:]).partition("/")[2]
    path = posixpath.normpath(name or ".")
    return "/" + path.lstrip("/") if path.startswith("/") else path


def fold(name: str) -> str:
    r"""One spelling for all that some file system takes for the same name.

    Case, compatibility characters, characters that are not seen, and what Windows leaves off at the
    end: `.GIT`, `.g\u200cit` and `.git.` are all `.git` somewhere.
    """
    plain = unicodedata.normalize("NFKC", name).casefold()
    seen = "".join(each for each in plain if unicodedata.category(each) not in ("Cf", "Cc"))
    return seen.rstrip(". ") or seen
