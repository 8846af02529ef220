"""Documents from disk: what is kept byte for byte, and what is refused with which sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from texts import texts

from fixwright.workspace.document import (
    Document,
    UnknownDocument,
    UnreadableDocument,
    decode,
    read_document,
)
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.text import Text

URI = "file:///project/main.py"
BOM = b"\xef\xbb\xbf"


@settings(deadline=None, max_examples=500)
@given(
    st.binary(max_size=200) | texts.map(str.encode) | texts.map(lambda text: BOM + text.encode())
)
@example(b"\xed\xa0\xbd\xed\xb8\x80")  # a surrogate pair in bytes: invalid UTF-8
@example(BOM + BOM)
@example("\ufffe".encode())
def test_bytes_come_back_as_they_were(data: bytes) -> None:
    try:
        document = decode(URI, data)
    except UnreadableDocument:
        assert b"\0" in data
        return
    assert document.encode() == data
    assert document.writable == is_utf8(data)


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_the_byte_order_mark_is_no_text() -> None:
    document = decode(URI, BOM + b"x = 1\r\n")
    assert document.text.value == "x = 1\r\n"
    assert document.bom
    assert document.with_text(Text("y")).encode() == BOM + b"y"


def test_half_a_character_from_an_editor_is_saved_as_editors_save_it() -> None:
    document = Document(URI, "python", Text("a\ud83db\udc80"), 1)
    assert document.encode() == "a\ufffdb\ufffd".encode()
    # Not a byte that it stands for in a file that isn't valid UTF-8.
    assert document.with_text(Text("\udc80")).encode() == "\ufffd".encode()


def test_invalid_utf8_is_read_but_not_writable() -> None:
    document = decode(URI, b"# caf\xe9\n")
    assert not document.writable
    assert document.text.value == "# caf\udce9\n"


@pytest.mark.parametrize("data", [b"\x7fELF\0\0", b"\xff\xfea\0b\0", b"a" * 8191 + b"\0"])
def test_binary_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match=r"main\.py is not a text file: it holds zero"):
        decode(URI, data)


def test_what_is_no_readable_file(tmp_path: Path) -> None:
    big = tmp_path / "big.txt"
    with big.open("wb") as file:
        file.truncate(100 << 20)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    cases = {
        "big.txt": r"big\.txt holds 100\.0 MiB; files over 20 MiB are not read",
        "pipe": "pipe is not a regular file",
        ".": "can't be read: Is a directory",
        "loop": "can't be read: Too many levels of symbolic links",
    }
    for name, sentence in cases.items():
        with pytest.raises(UnreadableDocument, match=sentence):
            read_document(path_to_uri(tmp_path / name))


@pytest.mark.parametrize("uri", ["file:///no/such/file", "untitled:1", "file://host/share/x"])
def test_what_is_not_there(uri: str) -> None:
    with pytest.raises(UnknownDocument) as caught:
        read_document(uri)
    assert not isinstance(caught.value, UnreadableDocument)


def test_a_file_of_the_size_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"1234")
    assert read_document(path_to_uri(tmp_path / "a.txt"), limit=4).text.value == "1234"
    with pytest.raises(UnreadableDocument):
        read_document(path_to_uri(tmp_path / "a.txt"), limit=3)


@pytest.mark.parametrize(
    ("name", "head", "language"),
    [
        ("a.py", "", "python"),
        ("A.PYI", "", "python"),
        ("a.sh", "#!/usr/bin/python3", "shellscript"),
        ("tool", "#!/bin/bash\n", "shellscript"),
        ("tool", "#! /usr/bin/env -S python3 -u\n", "python"),
        ("tool", "#!/opt/python3.12/bin/python3.12", "python"),
        ("tool", "x = 1", "plaintext"),
        ("tool", "#!/usr/bin/env", "plaintext"),
    ],
)
def test_languages_are_guessed(name: str, head: str, language: str) -> None:
    assert decode(f"file:///project/{name}", head.encode()).language == language
