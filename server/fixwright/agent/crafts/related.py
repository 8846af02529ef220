"""The tests that a project has for some code, and how it writes tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.index.languages import language_for
from fixwright.index.tests import tests_in
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixwright.agent.crafts.subject import Subject
    from fixwright.workspace.draft import Draft
    from fixwright.workspace.files import FileEntry

_LARGEST = 200_000
"""Bytes of a file that is looked into."""
_MOST_READ = 3000
"""Files that are looked into."""
_MOST = 20
"""Files with tests that are run for one piece of code."""
_TESTLIKE = re.compile(r"test|spec", re.IGNORECASE)
_FRIENDS = {
    "typescript": frozenset(("javascript", "tsx", "typescript")),
    "tsx": frozenset(("javascript", "tsx", "typescript")),
    "javascript": frozenset(("javascript", "tsx", "typescript")),
    "c": frozenset(("c", "cpp")),
    "cpp": frozenset(("c", "cpp")),
}


@dataclass(frozen=True)
class Related:
    """Tests of a project.

    Attributes:
        files: those with tests that name the code; paths in the tree of a run.
        example: a file with tests, best one of these; None where the project has none.
    """

    files: tuple[str, ...]
    example: str | None


def related_tests(
    draft: Draft, subject: Subject, readable: Callable[[str], bool] = lambda _: True
) -> Related:
    """The tests of the folder that the code lies in. Reads the disk and parses.

    Args:
        draft: the texts.
        subject: the code.
        readable: whether a file may be looked into, by its path.
    """
    named = _named(subject)
    files: list[str] = []
    others: list[str] = []
    for path, text in _test_files(draft, subject, readable):
        if named is not None and named.search(text) and len(files) < _MOST:
            files.append(path)
        elif not others:
            others.append(path)
    return Related(tuple(files), next(iter((*files, *others)), None))


def _test_files(
    draft: Draft, subject: Subject, readable: Callable[[str], bool]
) -> Iterator[tuple[str, str]]:
    """Paths and texts of the files that hold tests in the code's language."""
    folder = draft.folder_of(subject.uri)
    if folder is None:
        return
    friends = _FRIENDS.get(subject.language.name, frozenset((subject.language.name,)))
    read = 0
    for entry in draft.files(folder):
        language = language_for(None, entry.path)
        if language is None or language.name not in friends or read >= _MOST_READ:
            continue
        own = path_to_uri(folder.path / entry.path) == subject.uri
        if not (own or _TESTLIKE.search(entry.path)) or not readable(entry.path):
            continue
        read += 1
        text = _text(entry)
        if text is not None and tests_in(Text(text), language):
            yield entry.path, text


def _text(entry: FileEntry) -> str | None:
    if entry.document is not None:
        return entry.document.text.value
    if entry.size > _LARGEST:
        return None
    try:
        return entry.source.read_bytes().decode("utf-8", "replace")
    except OSError:  # gone since
        return None


def _named(subject: Subject) -> re.Pattern[str] | None:
    names = [re.escape(name) for name in subject.names if name]
    return re.compile(rf"(?<!\w)(?:{'|'.join(names)})(?!\w)") if names else None
