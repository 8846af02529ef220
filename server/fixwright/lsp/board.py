"""The diagnostics of runs: placed, published, moved with the user's edits, taken back in time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from lsprotocol import types as lsp

from fixwright.failures.model import Failure
from fixwright.lsp import names
from fixwright.lsp.convert import to_lsp
from fixwright.lsp.editor import Editor
from fixwright.lsp.shift import Edit, edit_between, shifted
from fixwright.runs.run import Run
from fixwright.workspace.document import Document, UnknownDocument
from fixwright.workspace.paths import canonical, uri_to_path
from fixwright.workspace.position import Position, Range
from fixwright.workspace.store import SnapshotStore
from fixwright.workspace.text import Encoding, Text

_RUNS_KEPT = 32
_ERROR, _WARNING = lsp.DiagnosticSeverity.Error, lsp.DiagnosticSeverity.Warning


@dataclass(frozen=True)
class Note:
    """A place that explains a failure: a frame on the way, or a cause."""

    uri: str
    text: Text
    range: Range
    message: str


@dataclass(frozen=True)
class Entry:
    """One failure, or warning, at its present place; `text` is what `range` is measured in.

    `index` is that of the run's failure; None for a warning.
    """

    run: Run
    index: int | None
    failure: Failure
    uri: str
    text: Text
    range: Range
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Remark:
    """Information about a place, of no run; `text` is what `range` is measured in."""

    uri: str
    text: Text
    range: Range
    message: str
    code: str


@dataclass
class Board:
    """What is published, for every document."""

    editor: Editor
    store: SnapshotStore
    encoding: Encoding
    _entries: list[Entry] = field(default_factory=list[Entry])
    _remarks: list[Remark] = field(default_factory=list[Remark])
    _runs: OrderedDict[str, Run] = field(default_factory=OrderedDict[str, Run])

    async def show(self, run: Run, *, warnings: bool) -> None:
        """Publish a run's failures in place of those of earlier runs of the same target.

        With `warnings`, also what its tools warned of.
        """
        placed = await asyncio.to_thread(_placed, run, warnings=warnings)
        self._runs[run.id] = run
        while len(self._runs) > _RUNS_KEPT:
            self._runs.popitem(last=False)
        stale = {entry.uri for entry in self._entries if _replaces(run, entry)}
        self._entries = [entry for entry in self._entries if not _replaces(run, entry)]
        current = [now for entry in placed if (now := self._brought_up(entry)) is not None]
        self._entries += current
        self._publish(stale | {entry.uri for entry in current})

    def remark(self, uri: str, remarks: list[Remark]) -> None:
        """Publish information about a document in place of what was told about it before."""
        self._remarks = [each for each in self._remarks if each.uri != uri]
        document = self.store.now.documents.get(canonical(uri))
        for each in remarks:
            now = _moved_remark(each, document.text) if document is not None else each
            if now is not None:
                self._remarks.append(now)
        self._publish({uri})

    def document_changed(self, uri: str, new: Document | None) -> None:
        """Move what is shown in a document along with an edit of it; None: it was closed."""
        remarked = self._move_remarks(uri, new)
        mine = [entry for entry in self._entries if entry.uri == uri]
        if not mine:
            if remarked:
                self._publish({uri})
            return
        if new is None:
            if _ends_when_closed(uri):
                self.clear(uri)
            return
        kept = [now for entry in mine if (now := _moved(entry, new.text)) is not None]
        self._entries = [entry for entry in self._entries if entry.uri != uri] + kept
        if (
            remarked
            or len(kept) < len(mine)
            or any(a.range != b.range for a, b in zip(mine, kept, strict=True))
        ):
            self._publish({uri})

    def _move_remarks(self, uri: str, new: Document | None) -> bool:
        """Move remarks along, too; they end with their document. True when something changed."""
        mine = [each for each in self._remarks if each.uri == uri]
        if not mine:
            return False
        moved = [_moved_remark(each, new.text) for each in mine] if new is not None else []
        kept = [each for each in moved if each is not None]
        self._remarks = [each for each in self._remarks if each.uri != uri] + kept
        return [each.range for each in mine] != [each.range for each in kept]

    def clear(self, uri: str | None = None) -> None:
        """Take back what is shown, in one document or everywhere."""
        shown = (*self._entries, *self._remarks)
        gone = {each.uri for each in shown if uri is None or each.uri == uri}
        self._entries = [entry for entry in self._entries if entry.uri not in gone]
        self._remarks = [each for each in self._remarks if each.uri not in gone]
        self._publish(gone)

    def run(self, run_id: str) -> Run | None:
        """A recent run."""
        return self._runs.get(run_id)

    def entries_at(self, uri: str, place: Range) -> tuple[Entry, ...]:
        """Failures in a document where `place` touches them, nearest to its start first."""
        touching = [each for each in self.entries_of(uri) if _touches(each.range, place)]
        return tuple(
            sorted(touching, key=lambda entry: abs(entry.range.start.line - place.start.line))
        )

    def entries_of(self, uri: str) -> tuple[Entry, ...]:
        """All failures that are shown in a document."""
        return tuple(each for each in self._entries if each.uri == uri and each.index is not None)

    def _brought_up(self, entry: Entry) -> Entry | None:
        document = self.store.now.documents.get(canonical(entry.uri))
        if document is not None:
            return _moved(entry, document.text)
        return None if _ends_when_closed(entry.uri) else entry

    def _publish(self, uris: Iterable[str]) -> None:
        for uri in sorted(uris):
            document = self.store.now.documents.get(canonical(uri))
            shown = [self._diagnostic(entry) for entry in self._entries if entry.uri == uri]
            shown += [self._information(each) for each in self._remarks if each.uri == uri]
            self.editor.publish(uri, document.version if document else None, shown)

    def _information(self, remark: Remark) -> lsp.Diagnostic:
        return lsp.Diagnostic(
            range=to_lsp(remark.text, remark.range, self.encoding),
            message=remark.message,
            severity=lsp.DiagnosticSeverity.Information,
            code=remark.code,
            source=names.SOURCE,
        )

    def _diagnostic(self, entry: Entry) -> lsp.Diagnostic:
        failure = entry.failure
        related = [
            lsp.DiagnosticRelatedInformation(
                location=lsp.Location(
                    uri=note.uri, range=to_lsp(note.text, note.range, self.encoding)
                ),
                message=note.message,
            )
            for note in entry.notes
        ]
        return lsp.Diagnostic(
            range=to_lsp(entry.text, entry.range, self.encoding),
            message="\n".join((failure.title, *failure.notes)),
            severity=_WARNING if entry.index is None else _ERROR,
            code=failure.kind,
            source=names.SOURCE,
            related_information=related if self.editor.profile.related_information else None,
            data=None if entry.index is None else {"runId": entry.run.id, "failure": entry.index},
        )


def _ends_when_closed(uri: str) -> bool:
    """Whether the document is only in the editor: closed, nobody could look at it or clear it."""
    return uri_to_path(uri) is None


def _replaces(new: Run, entry: Entry) -> bool:
    """Whether a run says anew what is shown of an earlier one; a cell's speaks for itself only."""
    old = entry.run.target
    if new.target.uri is None:
        return old.kind == "tests"
    if new.target.uri != old.uri:
        return False
    cell = new.target.range
    if new.target.kind != "cell" or old.kind != "cell" or cell is None or old.range is None:
        return True
    inside = cell.start.line <= entry.range.start.line <= cell.end.line
    return old.range.start == cell.start or (entry.uri == old.uri and inside)


def _touches(one: Range, other: Range) -> bool:
    lines = one.start.line <= other.end.line and other.start.line <= one.end.line
    return lines and (
        (one.start <= other.end and other.start <= one.end) or one.start.line == other.start.line
    )


def _moved_remark(remark: Remark, text: Text) -> Remark | None:
    """The remark over a newer text; None when the edit touched what it points at."""
    if text is remark.text:
        return remark
    place = shifted(remark.range, edit_between(remark.text, text), remark.text, text)
    return replace(remark, text=text, range=place) if place is not None else None


def _moved(entry: Entry, text: Text) -> Entry | None:
    """The entry over a newer text; None when the edit touched what it points at."""
    if text is entry.text:
        return entry
    edit: Edit = edit_between(entry.text, text)
    place = shifted(entry.range, edit, entry.text, text)
    if place is None:
        return None
    notes = tuple(
        replace(note, text=text, range=moved)
        if note.uri == entry.uri and (moved := shifted(note.range, edit, note.text, text))
        else note
        for note in entry.notes
    )
    return replace(entry, text=text, range=place, notes=notes)


# ---- placing: reads documents, so it is done off the loop -----------------------------------


def _placed(run: Run, *, warnings: bool) -> list[Entry]:
    texts: dict[str, Text] = {}

    def text_of(uri: str) -> Text | None:
        if uri not in texts:
            try:
                document = run.draft.document(uri)
            except UnknownDocument:
                return None
            texts[uri] = document.text
        return texts[uri]

    told: list[tuple[int | None, Failure]] = [*enumerate(run.failures)]
    if warnings:
        told += [(None, each) for each in run.warnings if _is_of_the_tree(run, each)]
    entries: list[Entry] = []
    for index, failure in told:
        uri = run.uri_of(failure)
        text = text_of(uri) if uri is not None else None
        if uri is None or text is None:
            continue
        place = failure.range if failure.path is not None else None
        notes = tuple(
            Note(note_uri, note_text, note_range, message)
            for path, note_range, message in _explanations(failure)
            if note_range is not None
            and (note_uri := run.root.uri_of(path)) is not None
            and (note_text := text_of(note_uri)) is not None
        )
        entries.append(Entry(run, index, failure, uri, text, place or _first_line(text), notes))
    return entries


def _is_of_the_tree(run: Run, warning: Failure) -> bool:
    """Whether it is of the user's files: a failure elsewhere is theirs, a warning is not."""
    return warning.path is None or run.root.uri_of(warning.path) is not None


def _explanations(failure: Failure) -> list[tuple[str, Range | None, str]]:
    """Frames from the innermost outwards, then the causes."""
    found = [(frame.path, frame.range, f"in {frame.name}") for frame in reversed(failure.frames)]
    for other in failure.related:
        if other.path is not None:
            found.append((other.path, other.range, other.title))
        found += [(frame.path, frame.range, f"in {frame.name}") for frame in reversed(other.frames)]
    return found


def _first_line(text: Text) -> Range:
    return Range(Position(0, 0), Position(0, len(text.line(0))))
