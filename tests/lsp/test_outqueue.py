"""Writing to an editor that is slow, takes little at a time, or has gone."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixwright.lsp.transport import OutQueue

PATIENCE = 10.0


class Editor:
    """A sink that a test opens and shuts; it takes `sizes` bytes in turn, for ever the last."""

    def __init__(self, *sizes: int | None, shut: bool = False) -> None:
        self.taken = bytearray()
        self.reached = threading.Event()
        self.gate = threading.Event()
        self.error: Exception | None = None
        self._sizes = list(sizes) or [1 << 20]
        if not shut:
            self.gate.set()

    def write(self, data: memoryview, /) -> int | None:
        self.reached.set()
        assert self.gate.wait(PATIENCE)
        if self.error is not None:
            raise self.error
        size = self._sizes.pop(0) if len(self._sizes) > 1 else self._sizes[0]
        self.taken += data[: size or 0]
        return size if size is None else min(size, len(data))


def until(condition: Callable[[], bool]) -> None:
    """The writer's own thread says nothing when it gives up."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.001)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.binary(max_size=40), max_size=20),
    st.lists(st.none() | st.integers(0, 5), max_size=9),
)
def test_everything_arrives_in_order_however_little_is_taken(
    messages: list[bytes], sizes: list[int | None]
) -> None:
    editor = Editor(*sizes, 3)
    queue = OutQueue(editor)
    for message in messages:
        queue.write(message)
    queue.close(PATIENCE)
    assert editor.taken == b"".join(messages)


def test_messages_of_many_threads_stay_whole() -> None:
    editor = Editor(7)
    queue = OutQueue(editor)

    def talk(name: bytes) -> None:
        for number in range(50):
            queue.write(b"<%s%d>" % (name, number))

    threads = [threading.Thread(target=talk, args=(name,)) for name in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    queue.close(PATIENCE)
    said = bytes(editor.taken)[1:-1].split(b"><")
    for name in (b"a", b"b", b"c"):
        own = [each for each in said if each.startswith(name)]
        assert own == [b"%s%d" % (name, number) for number in range(50)]
    assert len(said) == 150


def test_an_editor_that_does_not_read_holds_nobody_up() -> None:
    editor = Editor(shut=True)
    queue = OutQueue(editor)
    for number in range(1000):
        queue.write(b"%d\n" % number)  # returns, though nothing is taken
    assert editor.reached.wait(PATIENCE)
    assert not queue.broken
    assert not editor.taken
    editor.gate.set()
    queue.close(PATIENCE)
    assert editor.taken == b"".join(b"%d\n" % number for number in range(1000))


def test_close_waits_no_longer_than_it_was_told_to() -> None:
    editor = Editor(shut=True)
    queue = OutQueue(editor)
    queue.write(b"a")
    assert editor.reached.wait(PATIENCE)
    queue.write(b"b")
    queue.close(0.01)
    assert queue.broken
    queue.write(b"too late")
    editor.gate.set()
    until(lambda: bytes(editor.taken) == b"ab")  # what was accepted is still written
    queue.close(PATIENCE)
    assert editor.taken == b"ab"


def test_beyond_the_limit_the_editor_counts_as_gone() -> None:
    editor = Editor(shut=True)
    queue = OutQueue(editor, limit=10)
    queue.write(b"in hand")
    assert editor.reached.wait(PATIENCE)  # what is being written waits no more
    queue.write(b"0123456789")
    assert not queue.broken
    queue.write(b"x")
    assert queue.broken
    editor.gate.set()
    queue.close(PATIENCE)
    assert editor.taken == b"in hand"


def test_what_has_been_written_makes_room() -> None:
    editor = Editor()
    queue = OutQueue(editor, limit=10)
    for number in range(1, 20):
        queue.write(b"12345678")
        until(lambda: len(editor.taken) == 8 * number)  # noqa: B023 - called at once
    assert not queue.broken
    queue.close(PATIENCE)


@pytest.mark.parametrize(
    "error", [BrokenPipeError(), OSError(5, "lost"), ValueError("closed file")]
)
def test_an_editor_that_has_gone(error: Exception) -> None:
    editor = Editor(shut=True)
    editor.error = error
    queue = OutQueue(editor)
    queue.write(b"a")
    queue.write(b"b")
    editor.gate.set()
    until(lambda: queue.broken)
    queue.write(b"c")
    queue.close(PATIENCE)
    assert not editor.taken


def test_a_closed_queue_that_was_never_used_ends() -> None:
    queue = OutQueue(Editor())
    queue.close(PATIENCE)
    queue.close(PATIENCE)
    assert not any(thread is queue._thread for thread in threading.enumerate())


def test_a_real_pipe_whose_reader_goes() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb", 0) as raw:
        queue = OutQueue(raw)
        queue.write(b"hello")
        assert os.read(reader, 100) == b"hello"
        queue.write(b"x" * (1 << 20))  # more than a pipe holds
        os.close(reader)
        until(lambda: queue.broken)
        queue.close(PATIENCE)
