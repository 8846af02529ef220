"""How an edit makes a run pass: what of it would silence a failure rather than mend its cause."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from fixwright.failures.model import Failure
from fixwright.fix.verify import followed
from fixwright.runs.run import Run
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.draft import Draft

_DECIDES_TESTS = frozenset(
    {"conftest.py", "pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "sitecustomize.py"}
)
_CHECKS = frozenset({"AssertionError", "Failed"})
_LONGEST = 80
"""Characters of a check that are shown."""
_HANDLES = "It catches an exception, which may hide the failure and leave its cause."
_LEAVES = "It ends the program, or a part of it, early."
_SKIPS = "It keeps tests from being run, or from counting."
_CALLS = {
    "suppress": _HANDLES, "filterwarnings": _HANDLES, "excepthook": _HANDLES,
    "exit": _LEAVES, "quit": _LEAVES, "_exit": _LEAVES, "abort": _LEAVES, "kill": _LEAVES,
    "execv": _LEAVES, "SystemExit": _LEAVES,
    "skip": _SKIPS, "skipif": _SKIPS, "skipIf": _SKIPS, "skipUnless": _SKIPS, "skipTest": _SKIPS,
    "SkipTest": _SKIPS, "xfail": _SKIPS, "expectedFailure": _SKIPS, "importorskip": _SKIPS,
    "__test__": _SKIPS, "pytestmark": _SKIPS,
}  # fmt: skip
_SHELL = {
    r"\|\|\s*(?:true|:)(?!\S)": _HANDLES, r"\bset\s+\+[eu]": _HANDLES, r"\btrap\b": _HANDLES,
    r"\bexit\b(?:\s+0)?\s*(?:$|[;}&|)])": _LEAVES, r"\bexec\b": _LEAVES,
}  # fmt: skip
_SILENCES = "It tells the compiler or a checker to be silent."
_ELSEWHERE = {
    r"\bcatch\b|\brecover\(|\bcatch_unwind\b": _HANDLES,
    r"\bprocess\.exit\(|\bos\.Exit\(|\bprocess::exit\(|\bSystem\.exit\(|\b_?exit\(": _LEAVES,
    r"\.skip\(|\.todo\(|\bt\.Skip|#\[ignore|@Disabled|@Ignore|\bGTEST_SKIP\b|\bxit\(": _SKIPS,
    r"@ts-(?:ignore|expect-error|nocheck)|\bas any\b|eslint-disable|#!?\[allow\(": _SILENCES,
    r"@SuppressWarnings|#pragma\s+GCC\s+diagnostic|//nolint|-fpermissive": _SILENCES,
}  # fmt: skip
"""In languages with braces."""
_CHECK = re.compile(r"\b(?:assert\w*|expect|require\.\w+|t\.(?:Error|Errorf|Fatal|Fatalf))\b!?")
_EMPTY = re.compile(r"(?:\s|#.*|\b(?:pass|return|continue|break|None)\b|\.\.\.|:(?=\s)|;)*")


def doubt(before: Run, failure: Failure, draft: Draft) -> str | None:
    """Why the passing of such an edit proves little, as a sentence; None where nothing speaks so.

    It compares what the changed files hold before and after: their checks, their tests, what they
    catch and where they leave. An edit that does such a thing may still be right, which a person
    has to say. Reads closed documents: call it off the loop.
    """
    for change in draft.changed.values():
        try:
            old = draft.base.document(change.uri).text.value
            new = draft.text(change.uri)
        except UnknownDocument:
            return "It creates, renames or deletes a file."
        path = before.root.path_of(change.uri) or change.uri
        said = (
            _of_tests(before, failure, path)
            or _of_failing_line(before, failure, change.uri, draft)
            or _of_change(failure, path, old, new)
        )
        if said is not None:
            return said
    return None


def _of_tests(before: Run, failure: Failure, path: str) -> str | None:
    """The edit is in what decides whether the tests pass."""
    if before.target.kind != "tests":
        return None
    if PurePosixPath(path).name in _DECIDES_TESTS:
        return f"It changes {path}, which decides how tests are run."
    own = failure.path == path or (failure.test_id or "").startswith(f"{path}::")
    if own and failure.kind in _CHECKS:
        return f"It changes {path}, which holds the test that fails, not the code that is tested."
    return None


def _of_failing_line(before: Run, failure: Failure, uri: str, draft: Draft) -> str | None:
    """The edit takes the failing statement out and puts nothing in its place."""
    place = failure.range
    if place is None or before.uri_of(failure) != uri or place.start.line != place.end.line:
        return None
    line = draft.base.document(uri).text.line(place.start.line).strip()
    text = draft.document(uri).text
    now = text.line(min(followed(place, uri, draft).start.line, text.line_count - 1))
    gone = not any(text.line(row).strip() == line for row in range(text.line_count))
    if gone and not _EMPTY.fullmatch(line) and _EMPTY.fullmatch(now):
        return "It takes out the statement that failed."
    return None


def _of_change(failure: Failure, path: str, old: str, new: str) -> str | None:
    """What the edit does to checks, tests, handlers and ends, by the file's language."""
    if path.endswith((".py", ".pyw")):
        return _of_python(failure, old, new)
    if path.endswith((".sh", ".bash")) or "." not in path:
        return _of_patterns(_SHELL, old, new)
    if len(_CHECK.findall(new)) < len(_CHECK.findall(old)):
        return "It takes out a check."
    return _of_patterns(_ELSEWHERE, old, new)


def _of_python(failure: Failure, old: str, new: str) -> str | None:
    try:
        after = ast.parse(new)
        before = ast.parse(old)
    except (SyntaxError, ValueError, RecursionError):  # what did not parse can't be compared
        return _of_words(old, new)
    lost = _checks(before) - _checks(after)
    if lost and (
        failure.kind in _CHECKS or lost.total() > (_checks(after) - _checks(before)).total()
    ):
        return f"It takes out or changes a check: {_shortened(next(iter(lost)))}"
    if missing := _tests(before) - _tests(after):
        return f"It takes out the test {min(missing)}."
    return _first_more(_marks(before), _marks(after))


def _of_words(old: str, new: str) -> str | None:
    words = [Counter(re.findall(r"\w+", text)) for text in (old, new)]
    if words[1]["assert"] < words[0]["assert"]:
        return "It takes out a check."
    if words[1]["except"] > words[0]["except"]:
        return _HANDLES
    known = [
        Counter({_CALLS[word]: count for word, count in each.items() if word in _CALLS})
        for each in words
    ]
    return _first_more(*known)


def _of_patterns(patterns: Mapping[str, str], old: str, new: str) -> str | None:
    for pattern, said in patterns.items():
        find = re.compile(pattern, re.MULTILINE)
        if len(find.findall(new)) > len(find.findall(old)):
            return said
    return None


def _checks(tree: ast.AST) -> Counter[str]:
    """What the code asserts, by its own words."""
    return Counter(
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
        or (
            isinstance(node, ast.Call) and _name(node.func).startswith(("assert", "raises", "fail"))
        )
    )


def _tests(tree: ast.AST) -> set[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, kinds) and node.name.lower().startswith("test")
    }


def _marks(tree: ast.AST) -> Counter[str]:
    """How often the code does what silences failures, by the sentence about it."""
    return Counter(_marks_in(tree))


def _marks_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if _handles(node):
            yield _HANDLES
        elif isinstance(node, ast.Name | ast.Attribute) and _name(node) in _CALLS:
            yield _CALLS[_name(node)]
        elif isinstance(node, ast.If | ast.While) and _never(node.test):
            yield "It makes a part of the code unreachable."


def _handles(node: ast.AST) -> bool:
    """Whether exceptions end here; a `return` in `finally` swallows them, too."""
    match node:
        case ast.ExceptHandler() | ast.keyword(arg="return_exceptions"):
            return True
        case ast.Try(finalbody=body):
            return _leaves(body)
        case _:
            return False


def _leaves(body: list[ast.stmt]) -> bool:
    return any(isinstance(each, ast.Return | ast.Break | ast.Continue) for each in body)


def _never(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) and not test.value


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _first_more(old: Counter[str], new: Counter[str]) -> str | None:
    return next(iter(new - old), None)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
