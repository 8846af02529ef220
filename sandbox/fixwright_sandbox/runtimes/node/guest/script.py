"""The text of a JavaScript or TypeScript file: what stands at a place, what it names and imports.

Nothing is parsed. Comments and the insides of literals are blanked out, regular expressions and
templates among them, and what is left is read by its brackets and words.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from fixwright_sandbox.guest.spans import Code, Span

_WORD = re.compile(r"[#@]?[\w$]+")
_NUMBER = re.compile(r"\.?\d(?:[eE][+-]|[\w.])*")
_OPERATOR = re.compile(
    r">>>=|\.\.\.|===|!==|\*\*=|<<=|>>=|>>>|&&=|\|\|=|\?\?=|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.(?!\d)"
    r"|\+\+|--|[-+*/%&|^]=|\*\*|<<|>>|\S"
)
_STRING = re.compile(r"\"(?:\\(?:\r\n|.)|[^\"\\\n])*\"|'(?:\\(?:\r\n|.)|[^'\\\n])*'", re.DOTALL)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)|^#![^\n]*", re.DOTALL)
_EXPRESSION = re.compile(r"/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/[a-z]*")
_PLAIN = re.compile(r"[^/\"'`{}]+")
_BEFORE_EXPRESSION = re.compile(
    r"(?:^|[(,=:\[!&|?{};+\-*%<>~^]|=>|\b(?:return|typeof|case|in|of|do|else|void|delete|throw"
    r"|new|await|yield))\s*$"
)
_IMPORT = re.compile(
    r"\b(?:import|export)\b[^;()\"']{0,4000}?\bfrom\s*(?=[\"'])"
    r"|\bimport\s*(?=[\"'])|\b(?:import|require)\s*\(\s*(?=[\"'])"
)
_STATEMENT = re.compile(r"(?:^|[;{}\n])[ \t]*(?:import\b(?!\s*[(.])|export\b(?!\s*=))")
_COMMON = re.compile(
    r"(?<![\w$.])(?:require\s*\(|module\.exports\b|exports\.[\w$]|__dirname\b|__filename\b"
    r"|export\s*=)"
)
_TYPES_ONLY = re.compile(r"(?:import|export)\s+type\b(?!\s*from)")
_ABOUT = re.compile(
    r"^([\w$]+) is not defined$|^Cannot access '([\w$]+)' before"
    r"|\((?:reading|setting) '([\w$#]+)'\)$"
)
_KEYWORDS = frozenset(
    [
        "as",
        "async",
        "await",
        "break",
        "case",
        "catch",
        "class",
        "const",
        "continue",
        "debugger",
        "default",
        "delete",
        "do",
        "else",
        "enum",
        "export",
        "extends",
        "false",
        "finally",
        "for",
        "from",
        "function",
        "get",
        "if",
        "implements",
        "import",
        "in",
        "instanceof",
        "interface",
        "let",
        "new",
        "null",
        "of",
        "private",
        "protected",
        "public",
        "readonly",
        "return",
        "set",
        "static",
        "super",
        "switch",
        "this",
        "throw",
        "true",
        "try",
        "type",
        "typeof",
        "var",
        "void",
        "while",
        "with",
        "yield",
    ]
)
_INSIDE = "\x01"


class Import(NamedTuple):
    """A module that a file names: as it is written, and where the literal stands."""

    specifier: str
    span: Span


class Script(Code):
    """The text of one file."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(lines)
        self.bare = blanked(self.text)

    def column_of(self, line: int, units: int) -> int:
        """Return the column of a number of UTF-16 units into a line."""
        if not 0 <= line < len(self.lines):
            return max(units, 0)
        data = self.lines[line].encode("utf-16-le", "surrogatepass")[: 2 * max(units, 0)]
        return len(data.decode("utf-16-le", "ignore"))

    def token(self, line: int, column: int) -> Span:
        """Return the word, literal or operator that begins at a place; never an empty one."""
        if not 0 <= line < len(self.lines):
            return self.line_span(line)
        at = self.offset(line, column)
        if at >= len(self.text) or self.text[at] in "\n ":
            return self._last_of_line(line, column)
        match = _STRING.match(self.text, at)
        if match is None and self.text[at] == "`":
            return self.span(at, _template_end(self.text, at))
        for pattern in (_NUMBER, _WORD, _OPERATOR):
            match = match or pattern.match(self.text, at)
        return self.span(at, match.end() if match else at + 1)

    def blamed(self, line: int, column: int, message: str = "") -> Span:
        """Return what an error of the engine's own is about: it may point at the operator only."""
        span = self.token(line, column)
        at, end = self.offset(span.line, span.column), self.offset(span.end_line, span.end_column)
        named = _ABOUT.search(message)
        if named is not None:
            return self._named(named[1] or named[2] or named[3], at) or span
        if message.startswith("Assignment to constant") and not self.text[at].isidentifier():
            return self._operand(at, end) or span
        if message.startswith("Cannot mix BigInt"):
            return self._operation(at, end)
        if self.text[at:end] in (".", "?."):
            return self.token(span.end_line, span.end_column)
        return span

    def _named(self, name: str, at: int) -> Span | None:
        """Return the next place where a name stands on the line, else the last one before."""
        start = self.text.rfind("\n", 0, at) + 1
        stop = self.text.find("\n", at)
        word = re.compile(rf"(?<![\w$#]){re.escape(name)}(?![\w$])")
        found = list(word.finditer(self.bare, start, stop if stop >= 0 else len(self.text)))
        after = [match for match in found if match.end() > at]
        match = after[0] if after else found[-1] if found else None
        return self.span(*match.span()) if match is not None else None

    def _operand(self, at: int, end: int) -> Span | None:
        before = re.search(r"[\w$]+\s*$", self.bare[:at])
        after = re.compile(r"\s*([\w$]+)").match(self.bare, end)
        if before is not None:
            return self.span(before.start(), before.start() + len(before[0].rstrip()))
        return self.span(after.start(1), after.end(1)) if after is not None else None

    def _operation(self, at: int, end: int) -> Span:
        if self.text[at:end] == "return":
            start = end + len(self.text[end:]) - len(self.text[end:].lstrip())
            return self._statement(start)
        if self.text[at].isidentifier():
            operation = re.compile(r"[\w$.()]+\s*[-+*/%&|^]+=?\s*[\w$.]+").match(self.bare, at)
            return self.span(at, operation.end() if operation is not None else end)
        before = re.search(r"[\w$.]+(?:\([^()]*\))?\s*$", self.bare[:at])
        after = re.compile(r"\s*[\w$.]+(?:\([^()]*\))?").match(self.bare, end)
        start = before.start() if before is not None else at
        return self.span(start, after.end() if after is not None else end)

    def _last_of_line(self, line: int, column: int) -> Span:
        whole = self.line_span(line)
        text = self.lines[line]
        before = text[:column].rstrip()
        words = list(re.finditer(r"[#@]?[\w$]+|\S", before))
        if words:
            return Span(line, words[-1].start(), line, words[-1].end())
        return Span(line, column, line, column + 1) if column < len(text) else whole

    def called(self, line: int, column: int) -> Span:
        """Return what runs at a place: `new X(…)`, a call with its arguments, else the token."""
        start = self.offset(line, column)
        at = start
        keyword = re.compile(r"(?:new|await|throw|yield|import)\b\s*").match(self.bare, at)
        if keyword is not None and keyword[0].strip() == "throw":
            return self._statement(start)
        if keyword is not None and keyword[0].strip() != "import":
            at = keyword.end()
        chain = re.compile(r"[#\w$]+(?:\s*\??\.\s*[#\w$]+)*").match(self.bare, at)
        if chain is None:
            return self.token(line, column)
        at = chain.end()
        generics = re.compile(r"<[\w\s,.\[\]|&<>{}:;$'\"]{0,200}>(?=\()").match(self.bare, at)
        at = generics.end() if generics else at
        if at < len(self.bare) and self.bare[at] == "(":
            end = self.closing(at)
            if end is not None:
                return self.span(start, end)
        return self.span(start, chain.end()) if keyword else self.token(line, column)

    def _statement(self, start: int) -> Span:
        at = start
        while at < len(self.bare) and self.bare[at] not in ";\n}":
            end = self.closing(at) if self.bare[at] in "([{" else None
            at = at + 1 if end is None else end
        return self.span(start, start + len(self.text[start:at].rstrip()))

    def owner(self, line: int, column: int) -> str:
        """Return the expression that a property at a place is asked of, or nothing."""
        before = self.bare[: self.offset(line, column)]
        match = re.search(
            r"([\w$#\])]*(?:[\w$#]+|\([^()\n]*\)|\[[^\[\]\n]*\]|\??\.)+)\s*(?:\?\.|\.|\[)\s*$",
            before,
        )
        if match is None:
            return ""
        return self.text[match.start(1) : match.end(1)].strip(" .?")

    def words(self) -> list[str]:
        """Return the names that the file uses, once each, in their order."""
        found = dict.fromkeys(re.findall(r"(?<![\w$#])[A-Za-z_$][\w$]*", self.bare))
        return [word for word in found if word not in _KEYWORDS]

    def imports(self) -> list[Import]:
        """Return the modules that the file names literally, types' own imports left out."""
        found: list[Import] = []
        for match in _IMPORT.finditer(self.bare):
            literal = _STRING.match(self.text, match.end())
            if literal is not None and not _TYPES_ONLY.match(match[0]):
                found.append(Import(literal[0][1:-1], self.span(*literal.span())))
        return found

    def exports(self) -> list[str]:
        """Return the names that an ES module exports by name."""
        names = re.findall(
            r"\bexport\s+(?:async\s+)?(?:const|let|var|function\*?|class|enum"
            r"|abstract\s+class)\s+([\w$]+)",
            self.bare,
        )
        for listed in re.findall(r"\bexport\s*\{([^}]*)\}", self.bare):
            names += [part.split(" as ")[-1].strip() for part in listed.split(",") if part.strip()]
        if re.search(r"\bexport\s+default\b", self.bare):
            names.append("default")
        return list(dict.fromkeys(names))

    @property
    def is_module(self) -> bool:
        """Whether the syntax is that of an ES module: import, export, `import.meta`, await."""
        if _STATEMENT.search(self.bare) or re.search(r"\bimport\s*\.\s*meta\b", self.bare):
            return True
        return any(_depth(self.bare, m.start()) == 0 for m in re.finditer(r"\bawait\b", self.bare))

    @property
    def is_commonjs(self) -> bool:
        """Whether it uses what only CommonJS has."""
        return _COMMON.search(self.bare) is not None


def _depth(bare: str, end: int) -> int:
    before = bare[:end]
    return sum(before.count(c) for c in "{") - sum(before.count(c) for c in "}")


def blanked(text: str) -> str:
    """Return the text without comments and without what literals hold, each at its place."""
    parts: list[str] = []
    at = 0
    while at < len(text):
        plain = _PLAIN.match(text, at)
        if plain is not None:
            parts.append(plain[0])
            at = plain.end()
            continue
        end = _literal_end(text, at, "".join(parts[-4:])[-60:])
        parts.append(_hidden(text[at:end]) if end > at + 1 else text[at])
        at = max(end, at + 1)
    return "".join(parts)


def _literal_end(text: str, at: int, before: str) -> int:
    character = text[at]
    if character == "`":
        return _template_end(text, at)
    if character in "\"'":
        match = _STRING.match(text, at)
    elif character == "/":
        match = _COMMENT.match(text, at)
        if match is None and _BEFORE_EXPRESSION.search(before):
            match = _EXPRESSION.match(text, at)
    else:
        match = None
    return at if match is None else match.end()


def _template_end(text: str, at: int) -> int:
    """Return where a template ends, templates within its `${…}` included."""
    at += 1
    depth = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif depth == 0 and text[at] == "`":
            return at + 1
        elif depth == 0 and text.startswith("${", at):
            depth, at = 1, at + 1
        elif depth and text[at] == "`":
            at = _template_end(text, at) - 1
        elif depth and text[at] in "{}":
            depth += 1 if text[at] == "{" else -1
        at += 1
    return len(text)


def _hidden(text: str) -> str:
    if text.startswith(("//", "/*", "#!")):
        return re.sub(r"[^\n]", " ", text)
    return text[0] + re.sub(r"[^\n]", _INSIDE, text[1:-1]) + text[-1]
