"""Bash: misspelt names, tests and assignments with the wrong spaces, blocks left open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fixwright.fix.rules import complaint
from fixwright.fix.rules.edits import replacing
from fixwright.fix.rules.spelling import closest, slips
from fixwright.index.languages import language_for
from fixwright.index.source import Source
from fixwright.workspace.position import Position, Range
from fixwright.workspace.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    import tree_sitter

    from fixwright.fix.problem import Candidate, RuleContext

_NOT_FOUND = re.compile(r"(?P<name>\S+): command not found")
_UNBOUND = re.compile(r"(?P<name>\w+): (?:unbound variable|parameter (?:null or )?not set)")
_OPEN_TEST = re.compile(r"(?<![\w\[$])(\[\[?)(?=[^\s\[:])")
_CLOSED_TEST = re.compile(r"(?<=[^\s\]])(\]\]?)(?=\s*(?:;|&&|\|\||$))")
_SYNTAX = re.compile(r"syntax error|unexpected (?:EOF|end of file)|missing `\]'")
_COMMON = (
    "awk", "basename", "break", "case", "cat", "cd", "chmod", "chown", "continue", "cp", "curl",
    "cut", "date", "declare", "diff", "dirname", "do", "done", "echo", "elif", "else", "esac",
    "eval", "exec", "exit", "export", "false", "fi", "find", "for", "function", "getopts",
    "git", "grep", "gzip", "head", "if", "in", "kill", "let", "local", "ls", "make", "mapfile",
    "mkdir", "mktemp", "mv", "popd", "printf", "ps", "pushd", "python", "python3", "pwd",
    "read", "readonly", "return", "rm", "rmdir", "sed", "select", "seq", "set", "shift",
    "shopt", "sleep", "sort", "source", "ssh", "sudo", "tail", "tar", "tee", "test", "then",
    "time", "touch", "tr", "trap", "true", "type", "typeset", "umask", "uname", "uniq", "unset",
    "until", "wait", "wc", "wget", "which", "while", "xargs",
)  # fmt: skip
_MOST_TRIED = 60
_MOST = 4


def misspelt_command(context: RuleContext) -> Iterator[Candidate]:
    """What was meant by a command that is not found: a test, an assignment, or another name."""
    match = _NOT_FOUND.search(context.problem.message)
    name = complaint.fact(context.problem, "name") or (match["name"] if match else None)
    if match is None or name is None:
        return
    row = context.problem.range.start.line
    line = context.document.text.line(row)
    yield from _spaced_test(context, row, line)
    yield from _assignment(context, row, line, name)
    functions, commands = _names(context)
    known = [*functions, *_COMMON, *complaint.fact_names(context.problem, "candidates")]
    places = [place for text, place in commands if text == name]
    places = places or [context.problem.range]
    meant = closest(name, functions) + closest(name, _COMMON) + closest(name, known)
    for other in dict.fromkeys(meant):
        edits = [(place, other) for place in places]
        title, distance = f"Change '{name}' to '{other}'", slips(name, other)
        yield replacing(context, "misspelt-command", title, *edits, distance=distance)


def misspelt_variable(context: RuleContext) -> Iterator[Candidate]:
    """Puts the variable that was meant where one is not set."""
    match = _UNBOUND.search(context.problem.message)
    if match is None:
        return
    name = match["name"]
    row = context.problem.range.start.line
    line = context.document.text.line(row)
    known = complaint.fact_names(context.problem, "candidates")
    known = known or re.findall(r"(?m)(?:^|[\s;])([A-Za-z_]\w*)=", context.document.text.value)
    for other in closest(name, known):
        edits = [
            (_in_line(row, found.start(1), found.end(1)), other)
            for found in re.finditer(rf"\$\{{?[#!]?({re.escape(name)})\b", line)
        ]
        if edits:
            title, distance = f"Change '{name}' to '{other}'", slips(name, other)
            yield replacing(context, "misspelt-variable", title, *edits, distance=distance)


def syntax_repairs(context: RuleContext) -> Iterator[Candidate]:
    """Closes blocks and quotes, and adds `then`, `do` and spaces, where that makes a tree whole."""
    if not _SYNTAX.search(context.problem.message):
        return
    text = context.document.text
    row = min(context.problem.range.start.line, text.line_count - 1)
    given = 0
    before = _mistakes(text)
    for number, (rule, title, place, new) in enumerate(_repairs(text, row)):
        if number == _MOST_TRIED or given == _MOST:
            return
        edited = text.splice(text.offset(place.start), text.offset(place.end), new)
        if rule == "spaces-in-test" or _mistakes(edited) < before:
            given += 1
            yield replacing(context, rule, title, (place, new))


def _repairs(text: Text, row: int) -> Iterator[tuple[str, str, Range, str]]:
    for near in dict.fromkeys([row, max(row - 1, 0)]):
        line = text.line(near)
        changed = _spaced(line)
        if changed != line:
            whole = _in_line(near, 0, len(line))
            yield "spaces-in-test", "Put spaces around the brackets of the test", whole, changed
    rows = list(range(row, -1, -1))
    for near in rows[:40]:
        line = text.line(near)
        end = len(line.rstrip())
        here = _in_line(near, end, end)
        if (
            re.match(r"\s*(?:if|elif)\b", line)
            and "then" not in line
            and not _then_follows(text, near)
        ):
            yield "missing-then", "Add the missing 'then'", here, _after(line, "then")
        if re.match(r"\s*(?:for|while|until)\b", line) and not re.search(r"\bdo\b", line):
            yield "missing-do", "Add the missing 'do'", here, _after(line, "do")
    for near in rows:
        for quote in "\"'":
            line = text.line(near)
            if line.count(quote) % 2:
                end = len(line.rstrip())
                yield "missing-quote", f"Add the missing {quote}", _in_line(near, end, end), quote
    for word in ("fi", "done", "esac", "}", ";;", ")"):
        yield from _closings(text, word)


def _then_follows(text: Text, row: int) -> bool:
    return row + 1 < text.line_count and text.line(row + 1).strip().startswith("then")


def _after(line: str, word: str) -> str:
    return f" {word}" if line.rstrip().endswith(";") else f"; {word}"


def _closings(text: Text, word: str) -> Iterator[tuple[str, str, Range, str]]:
    """A closing word after the body that is further in, at the indentation of its opening line."""
    openers = {"fi": r"if\b", "done": r"(?:for|while|until)\b", "esac": r"case\b", "}": r".*\{\s*$"}
    opener = openers.get(word)
    title = f"Add the missing '{word}'"
    if opener is None:
        return
    for row in range(text.line_count - 1, -1, -1):
        line = text.line(row)
        if not re.match(rf"\s*{opener}", line):
            continue
        indent = line[: len(line) - len(line.lstrip())]
        last = row
        for below in range(row + 1, text.line_count):
            inner = text.line(below)
            if not inner.strip():
                continue
            level = inner[: len(inner) - len(inner.lstrip())]
            continues = re.match(r"\s*(?:then|do|else|elif)\b", inner)
            if len(level) <= len(indent) and not (continues and level == indent):
                break
            last = below
        end = len(text.line(last))
        yield "missing-end", title, _in_line(last, end, end), f"\n{indent}{word}"


def _spaced_test(context: RuleContext, row: int, line: str) -> Iterator[Candidate]:
    changed = _spaced(line)
    if changed != line:
        title = "Put spaces around the brackets of the test"
        place = _in_line(row, 0, len(line))
        yield replacing(context, "spaces-in-test", title, (place, changed))


def _spaced(line: str) -> str:
    return _CLOSED_TEST.sub(r" \1", _OPEN_TEST.sub(r"\1 ", line)) if "[" in line else line


def _assignment(context: RuleContext, row: int, line: str, name: str) -> Iterator[Candidate]:
    """`x = 1` and `$x=1` are no assignments."""
    title = "Assign without spaces and without '$'"
    for match in re.finditer(r"(?<![\w$])\$?([A-Za-z_]\w*)(\s*=\s*)(?=\S|$)", line):
        of_name = match[1] == name and match[2] != "="
        dollar = match[0].startswith("$") and (
            name.startswith("=") or f"{match[1]}=" in name or "=" in name
        )
        if of_name or dollar:
            place = _in_line(row, match.start(), match.end())
            yield replacing(context, "assignment", title, (place, f"{match[1]}="))
            return


def _names(context: RuleContext) -> tuple[list[str], list[tuple[str, Range]]]:
    """The script's functions, and its commands with their places."""
    source, tree = _parsed(context.document.text)
    functions: list[str] = []
    commands: list[tuple[str, Range]] = []
    pending = [tree.root_node]
    while pending:
        node = pending.pop()
        name = node.child_by_field_name("name")
        if name is not None and node.type == "function_definition":
            functions.append(source.of(name))
        elif name is not None and node.type == "command":
            commands.append((source.of(name), source.range(name)))
        pending.extend(node.named_children)
    return functions, commands


def _parsed(text: Text) -> tuple[Source, tree_sitter.Tree]:
    language = language_for("shellscript")
    assert language is not None, "Bash is one of the index's languages"
    source = Source(text)
    return source, source.parse(language)


def _mistakes(text: Text) -> int:
    """How many bytes of a script the grammar makes no sense of, and tokens that it misses."""
    _, tree = _parsed(text)
    count = 0
    pending = [tree.root_node]
    while pending:
        node = pending.pop()
        if node.is_missing:
            count += 1
        elif node.is_error:
            count += 1 + node.end_byte - node.start_byte
        elif node.has_error:
            pending.extend(node.children)
    return count


def _in_line(row: int, start: int, end: int) -> Range:
    return Range(Position(row, start), Position(row, end))
