"""What says that a layer is complete: a small file for each, written last and at once.

A layer without its record is one that is being filled, or the leftover of one that was not filled.
Everything here blocks.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
import tomllib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs

from . import reading

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Release:
    """A package as it was installed."""

    name: str
    version: str


@dataclass(frozen=True)
class Record:
    """A complete layer.

    Attributes:
        backend: what made it and can use it.
        runtime: whose packages these are.
        place: what the backend knows it by.
        key: of what was wanted, see `Wanted.key`.
        releases: what is in it.
        size: bytes.
        made_at: seconds since the epoch.
        file: where this is written.
    """

    backend: str
    runtime: str
    place: str
    key: str
    releases: tuple[Release, ...]
    size: int
    made_at: float
    file: Path

    @property
    def used_at(self) -> float:
        """When it was used last, in seconds since the epoch."""
        try:
            return self.file.stat().st_mtime
        except OSError:
            return self.made_at


class Records:
    """The records of a user."""

    def __init__(self, folder: Path | None = None) -> None:
        cache = Path(platformdirs.user_cache_dir("fixwright", appauthor=False))
        self.folder = folder or cache / "layers"

    def file(self, backend: str, runtime: str, ground: str, key: str) -> Path:
        """Where the record of such a layer is, or will be."""
        told = json.dumps([_FORMAT, backend, runtime, ground, key])
        return self.folder / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.json"

    def find(self, file: Path) -> Record | None:
        """The record there; None where there is none, or none that can be read."""
        try:
            told: object = json.loads(file.read_bytes())
        except (OSError, ValueError):
            return None
        values = reading.table(told)
        texts = [reading.string(values.get(name)) for name in ("backend", "runtime", "place")]
        size, made_at = values.get("size"), values.get("made_at")
        if not all(texts) or not isinstance(size, int) or not isinstance(made_at, float):
            return None
        releases = [reading.table(each) for each in reading.items(values.get("releases"))]
        named = ((each.get("name"), each.get("version")) for each in releases)
        return Record(
            *texts,
            key=reading.string(values.get("key")),
            releases=tuple(Release(reading.string(a), reading.string(b)) for a, b in named),
            size=size,
            made_at=made_at,
            file=file,
        )

    def publish(self, record: Record) -> bool:
        """Make a layer usable; false where another process has made the same one before."""
        values = {**asdict(record), "file": None}
        draft = record.file.with_name(f"{record.file.stem}.{uuid.uuid4().hex}.draft")
        record.file.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_text(json.dumps(values), encoding="utf-8")
            os.link(draft, record.file)  # fails where there is one; what is there is whole
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        return True

    def touch(self, record: Record) -> None:
        """Note that it is used now."""
        with contextlib.suppress(OSError):
            os.utime(record.file)

    def forget(self, record: Record) -> None:
        """Let nobody take it any more."""
        record.file.unlink(missing_ok=True)

    def __iter__(self) -> Iterator[Record]:
        with contextlib.suppress(OSError):
            for file in sorted(self.folder.glob("*.json")):
                record = self.find(file)
                if record is not None:
                    yield record


@dataclass(frozen=True, slots=True)
class Keep:
    """Which layers stay.

    Attributes:
        seconds: since they were used last.
        size: bytes of all of them together.
        young: seconds in which one is in use, whatever the rest says.
    """

    seconds: float = 30 * 86_400.0
    size: int = 20 << 30
    young: float = 3_600.0


def surplus(records: Sequence[Record], keep: Keep, now: float | None = None) -> list[Record]:
    """Those to remove: unused for too long, and the least recently used of what is too much."""
    now = time.time() if now is None else now
    used = {id(each): each.used_at for each in records}
    going: list[Record] = []
    size = 0
    for each in sorted(records, key=lambda each: used[id(each)], reverse=True):
        unused = now - used[id(each)]
        size += each.size
        if unused > keep.young and (unused > keep.seconds or size > keep.size):
            going.append(each)
    return going


def releases_of(report: bytes) -> tuple[Release, ...]:
    """The packages in a report of pip's (`--report`), in npm's list, Go's, or a Cargo.lock.

    Empty where it is none of them.
    """
    text = report.decode("utf-8", "replace")
    told = list(_objects(text))
    named = [(each.get("Path"), each.get("Version")) for each in told]
    named += [(each.get("name"), each.get("version")) for each in _crates(text)]
    for each in told:
        tables = (
            reading.table(reading.table(one).get("metadata"))
            for one in reading.items(each.get("install"))
        )
        named += [(one.get("name"), one.get("version")) for one in tables]
        for path, one in reading.table(each.get("packages")).items():
            name = path.rpartition("node_modules/")[2]
            named.append((name, reading.table(one).get("version")))
    releases = {(a, b) for a, b in named if isinstance(a, str) and isinstance(b, str) and a}
    return tuple(Release(*each) for each in sorted(releases, key=lambda each: each[0].lower()))


def _crates(report: str) -> Iterator[reading.Table]:
    """What a Cargo.lock has from elsewhere."""
    try:
        told = tomllib.loads(report)
    except tomllib.TOMLDecodeError:
        return
    for each in map(reading.table, reading.items(told.get("package"))):
        if "source" in each:
            yield each


def _objects(report: str) -> Iterator[reading.Table]:
    """The JSON objects that stand one after the other, as Go tells them."""
    decoder = json.JSONDecoder()
    rest = report.strip()
    while rest:
        try:
            told, end = decoder.raw_decode(rest)
        except ValueError:
            return
        yield reading.table(told)
        rest = rest[end:].lstrip()
