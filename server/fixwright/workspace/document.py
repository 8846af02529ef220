"""One document: its text, and how that text is encoded in a file."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path

from fixwright.workspace.language import guess_language
from fixwright.workspace.paths import uri_to_path
from fixwright.workspace.text import Text

SIZE_LIMIT = 20 << 20
"""Bytes; a larger file is not read as a document."""

_BINARY_PROBE = 8 << 10
_BOM = b"\xef\xbb\xbf"
_FIRST_ESCAPE, _LAST_ESCAPE = "\udc80", "\udcff"


class UnknownDocument(LookupError):
    """There is no document of this URI; the message is a sentence for the user."""


class UnreadableDocument(UnknownDocument):
    """The document exists but isn't text that can be worked with; the message says why."""


@dataclass(frozen=True, eq=False)
class Document:
    """A text under a name, at one moment.

    Attributes:
        uri: The client's own spelling where a client named it.
        language: LSP language id.
        text: Without a byte order mark.
        version: The editor's; None when it isn't open there.
        bom: Whether its file begins with a UTF-8 byte order mark.
        writable: False when the file isn't valid UTF-8: it can be read (each bad byte is one lone
            surrogate) and run, but nothing rewrites it.
    """

    uri: str
    language: str
    text: Text
    version: int | None = None
    bom: bool = False
    writable: bool = True

    @property
    def is_open(self) -> bool:
        """Whether the editor has it open."""
        return self.version is not None

    def with_text(self, text: Text) -> Document:
        """The same document with another text."""
        return replace(self, text=text)

    def encode(self) -> bytes:
        """What a file with this text holds, byte for byte.

        A lone surrogate that an editor sent becomes U+FFFD, which is what editors save for it.
        """
        errors = "strict" if self.writable else "surrogateescape"
        try:
            data = self.text.value.encode("utf-8", errors)
        except UnicodeEncodeError:
            data = _without_surrogates(self.text.value, keep_bytes=not self.writable)
        return _BOM + data if self.bom else data


def decode(uri: str, data: bytes, language: str | None = None) -> Document:
    """The document in a file's bytes.

    Args:
        uri: Its name.
        data: All bytes of the file.
        language: LSP language id; guessed from the name and the first line when None.

    Raises:
        UnreadableDocument: It is binary.
    """
    if b"\0" in data[:_BINARY_PROBE]:
        raise UnreadableDocument(
            f"{_place(uri)} is not a text file: it holds zero bytes. Only text can be worked on"
            " (a file in UTF-16 must be saved as UTF-8 first)."
        )
    bom = data.startswith(_BOM)
    body = data[len(_BOM) :] if bom else data
    try:
        value, writable = body.decode("utf-8"), True
    except UnicodeDecodeError:
        value, writable = body.decode("utf-8", "surrogateescape"), False
    language = language or guess_language(uri_to_path(uri), value[:200])
    return Document(uri, language, Text(value), None, bom, writable)


def read_document(uri: str, limit: int = SIZE_LIMIT) -> Document:
    """Read a document from disk now, wherever it lies. I/O: call it off the loop.

    Raises:
        UnknownDocument: There is no such file, or the URI names none.
        UnreadableDocument: It is binary, larger than `limit` bytes, no file, or may not be read.
    """
    path = uri_to_path(uri)
    if path is None:
        raise UnknownDocument(f"{uri} is not open in the editor and is no file on this machine.")
    return decode(uri, read_bytes(path, limit))


def read_bytes(path: Path, limit: int = SIZE_LIMIT) -> bytes:
    """All bytes of a regular file.

    Raises:
        UnknownDocument: There is no such file.
        UnreadableDocument: It is larger than `limit` bytes, no regular file, or may not be read.
    """
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableDocument(f"{path} is not a regular file.")
            data = file.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise UnknownDocument(f"There is no file {path}.") from None
    except OSError as error:
        raise UnreadableDocument(f"{path} can't be read: {error.strerror}.") from error
    if len(data) > limit:
        raise UnreadableDocument(
            f"{path} holds {status.st_size / (1 << 20):.1f} MiB;"
            f" files over {limit / (1 << 20):g} MiB are not read as text."
        )
    return data


def _open_without_waiting(path: str, flags: int) -> int:
    """Open for `open`; a named pipe without a writer would hold a plain open for ever."""
    return os.open(path, flags | os.O_NONBLOCK)


def _without_surrogates(value: str, *, keep_bytes: bool) -> bytes:
    parts = list[bytes]()
    for char in value:
        if keep_bytes and _FIRST_ESCAPE <= char <= _LAST_ESCAPE:
            parts.append(char.encode("utf-8", "surrogateescape"))
        elif "\ud800" <= char <= "\udfff":
            parts.append("\ufffd".encode())
        else:
            parts.append(char.encode())
    return b"".join(parts)


def _place(uri: str) -> str:
    path = uri_to_path(uri)
    return uri if path is None else str(path)
