"""A segment in a file, mapped into memory: ready at once, and shared between processes.

One line of JSON says where each array lies; the arrays follow as they are in memory. Files are
written under another name, forced to disk and renamed, so that no half of one is ever seen.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fixwright.index.catalog.alphabet import Bits
from fixwright.index.catalog.segment import Segment

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[Any]]

_ALIGNED = 64
_MAGIC = f"fixwright-segment-1-{sys.byteorder}"


class BadSegment(Exception):
    """A file is no segment, or only a part of one."""


def save(segment: Segment, path: Path) -> None:
    """Writes a segment with the bits of its search. I/O."""
    arrays: Arrays = {item.name: getattr(segment, item.name) for item in fields(segment)}
    for number, bits in enumerate(segment.bits):
        arrays |= {f"bits{number}.{item.name}": getattr(bits, item.name) for item in fields(bits)}
    header = [_MAGIC, {name: [array.dtype.str, array.shape] for name, array in arrays.items()}]
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            file.write(json.dumps(header).encode() + b"\n")
            for array in arrays.values():
                file.write(bytes(-file.tell() % _ALIGNED))
                array.tofile(file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            unfinished.unlink()


def load(path: Path) -> Segment:
    """Maps a segment. I/O, but hardly any.

    Raises:
        BadSegment: it is none, or not whole.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.readline(1 << 16)
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            arrays = _arrays(mapped, head)
            plain = {item.name: arrays[item.name] for item in fields(Segment)}
            groups = tuple(
                Bits(*(arrays[f"bits{number}.{item.name}"] for item in fields(Bits)))
                for number in range(2)
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BadSegment(f"{path}: {error}") from error
    segment = Segment(**plain)
    segment.__dict__["bits"] = groups  # the cached property, as it was when it was written
    return segment


def _arrays(mapped: mmap.mmap, head: bytes) -> Arrays:
    magic, described = cast("tuple[str, dict[str, tuple[str, list[int]]]]", json.loads(head))
    if magic != _MAGIC:
        raise ValueError("written by another version")
    found: Arrays = {}
    at = len(head)
    for name, (kind, shape) in described.items():
        at += -at % _ALIGNED
        count = int(np.prod(shape))
        array = np.frombuffer(mapped, np.dtype(kind), count, at) if count else np.empty(0, kind)
        found[name] = array.reshape(shape)
        at += array.nbytes
    return found
