"""Run pieces of a file so that every line and column is the file's own.

A piece is compiled as a text of its own in which it stands where it stands in the file: after
as many empty lines, and as many bytes from the left. Code that is indented in the file goes
under an `if 1:` on the line before it; the tree is unwrapped again, so nothing of it runs.
"""

from __future__ import annotations
import __future__

import ast
import contextlib
import inspect
import os
from collections.abc import Coroutine, Iterator
from types import CodeType
from typing import Any, NamedTuple, cast

from fixwright_sandbox.guest.sources import Sources

FUTURE = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
"""The compiler's flags that a `from __future__ import` sets."""


class _Placed(NamedTuple):
    """A piece as the compiler gets it."""

    source: str
    indented: bool
    line: int  # one-based, of the piece's first line
    shift: int  # how many code points further right that line begins than in the file


def run_chunks(
    path: str, chunks: list[dict[str, Any]], main: dict[str, Any], sources: Sources
) -> None:
    """Execute the pieces in order in one namespace, the last one's value shown as in a REPL.

    Coroutines that they await at their top level run in one event loop.

    Raises:
        BaseException: whatever the pieces raise, a SyntaxError of theirs included.
    """
    filename = os.path.abspath(path)
    first_lines = [sources.line(filename, int(chunk["line"])) or "" for chunk in chunks]
    flags = 0
    with contextlib.closing(Loop()) as loop:
        for number, chunk in enumerate(chunks):
            placed = place(
                str(chunk["text"]), int(chunk["line"]), int(chunk["column"]), first_lines[number]
            )
            shown = number == len(chunks) - 1
            for code in compile_piece(placed, filename, flags, shown=shown):
                flags |= code.co_flags & FUTURE
                loop.run(code, main)


def place(text: str, line: int, column: int, first_line: str) -> _Placed:
    """Set a piece where it stands in its file.

    Args:
        text: the piece.
        line: the zero-based line where it begins.
        column: the column there, in code points.
        first_line: that whole line of the file.
    """
    before = first_line[:column]
    lead = first_line[: len(first_line) - len(first_line.lstrip(" \t\f"))]
    if not before.strip(" \t\f"):
        padding = before if len(before) == column else " " * column
        indentation = padding + text[: len(text) - len(text.lstrip(" \t\f"))]
    else:
        # In the middle of a line. A form feed sets the indentation back to nothing, and what
        # is before it still counts as columns.
        indentation = lead if line else ""
        width = len(before.encode("utf-8", "surrogatepass"))
        padding = " " * (width - len(indentation) - 1) + "\f" + indentation
    indented = bool(indentation.rpartition("\f")[2]) and line > 0
    above = "\n" * (line - 1) + "if 1:\n" if indented else "\n" * line
    return _Placed(above + padding + text + "\n", indented, line + 1, len(padding) - column)


def compile_piece(placed: _Placed, filename: str, flags: int, *, shown: bool) -> Iterator[CodeType]:
    """Compile a piece, its last expression, when it is to be shown, for `sys.displayhook`."""
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        parsed = compile(
            placed.source, filename, "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True
        )
        body = cast("ast.Module", parsed).body
        if placed.indented:
            body = [*cast("ast.If", body[0]).body, *body[1:]]
        last: list[ast.stmt] = (
            [body.pop()] if shown and body and isinstance(body[-1], ast.Expr) else []
        )
        codes: list[CodeType] = []
        if body:
            module = ast.Module(body=body, type_ignores=[])
            codes.append(compile(module, filename, "exec", flags, dont_inherit=True))
            flags |= codes[0].co_flags & FUTURE
        if last:
            interactive = ast.Interactive(body=last)
            codes.append(compile(interactive, filename, "single", flags, dont_inherit=True))
    except SyntaxError as error:
        raise _moved_back(error, placed) from None
    except ValueError as error:  # null bytes
        raise SyntaxError(str(error), (filename, placed.line, None, None)) from None
    return iter(codes)


def _moved_back(error: SyntaxError, placed: _Placed) -> SyntaxError:
    # The parser counts columns in the file's own line; what reads the tokens, in ours.
    if placed.shift and "\f" in (error.text or ""):
        if error.lineno == placed.line and error.offset:
            error.offset = max(error.offset - placed.shift, 1)
        end = getattr(error, "end_offset", None)
        if getattr(error, "end_lineno", None) == placed.line and end:
            error.end_offset = max(end - placed.shift, 1)
    return error.with_traceback(None)


class Loop:
    """Runs code, in an event loop from the first piece on that awaits something."""

    def __init__(self) -> None:
        self._loop: Any = None

    def close(self) -> None:
        """End the event loop, if there is one."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the code has closed it itself
                self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def run(self, code: CodeType, namespace: dict[str, Any], *, inside: bool = False) -> None:
        """Execute a piece; in the loop if it awaits something, or has to be `inside`."""
        awaits = code.co_flags & inspect.CO_COROUTINE
        if not awaits and not inside:
            exec(code, namespace)  # noqa: S102 - running the user's code is what this is for
            return
        work = eval(code, namespace) if awaits else _executed(code, namespace)  # noqa: S307 - as above
        coroutine = cast("Coroutine[Any, Any, object]", work)
        if self._loop is None:
            import asyncio  # here: it is slow to import, and few selections await

            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        task = self._loop.create_task(coroutine)
        try:
            self._loop.run_until_complete(task)
        except BaseException:
            if not task.done():  # interrupted; the next piece would go on with it
                task.cancel()
                with contextlib.suppress(BaseException):
                    self._loop.run_until_complete(task)
            raise


async def _executed(code: CodeType, namespace: dict[str, Any]) -> None:
    exec(code, namespace)  # noqa: S102 - as above
