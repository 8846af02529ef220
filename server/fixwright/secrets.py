"""Secrets: found by value or by pattern, and replaced before a text is written, shown or sent.

A secret becomes `[secret: KIND]`, always the same for the same text. What is known (a provider's
key, the values of variables whose names say it) is found in every encoding that programs commonly
print; what is not known, by the forms that keys of well-known services have, and by assignments to
names that say it when the value looks random.
"""

from __future__ import annotations

import base64
import html
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote, quote_plus

SHORTEST = 8
"""Characters of a known secret: a shorter one would be found in words."""

MARK = re.compile(r"\[secret: [^\]\n]{1,60}\]")
"""What stands where a secret was."""

_SHORTEST_FORM = 11
_COMMON = re.compile(
    "changeme|password|passw0rd|postgres|postgresql|localhost|development|production|disabled"
    "|required|optional|undefined|anonymous|administrator"
)
"""Values that are in every text and keep nobody out."""

_SECRET_NAME = re.compile(
    "(?<![A-Z])(?:KEYS?|APIKEY|TOKENS?|SECRETS?|PASSWORD|PASSWD|PASSPHRASE|PWD|PASS|CREDENTIALS?|PAT)"
    "(?![A-Z])"
)
_DOTENV = re.compile(
    r"""(?m)^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_]\w*)[ \t]*=[ \t]*"""
    r"""(?P<value>"[^"\n]*"|'[^'\n]*'|[^\n#]*)"""
)
_NOT_SECRET = ("_FILE", "_PATH", "_DIR", "_URL", "_NAME", "_ID", "_SOCK", "OLDPWD", "_TYPE")


@dataclass(frozen=True, slots=True)
class _Pattern:
    """How secrets of a kind look.

    Attributes:
        kind: what it is called.
        regex: its last group, or all of it without groups, is the secret.
        hint: a piece of text without which it can't match, in lower case; "" where there is none.
        is_it: a closer look at the secret.
        start: how it begins, in lower case, where that is quicker to look for.
    """

    kind: str
    regex: re.Pattern[str]
    hint: str
    is_it: Callable[[str], bool]
    start: re.Pattern[str] | None

    def matches(self, text: str, lower: str) -> Iterator[re.Match[str]]:
        """Where it may be; `lower` is the text in lower case, place for place."""
        if self.start is None:
            yield from self.regex.finditer(text) if self.hint in lower else ()
            return
        for start in self.start.finditer(lower):
            if match := self.regex.match(text, start.start()):
                yield match


_ENTROPY = 3.0
_PLACEHOLDER = re.compile(r"(?i)example|placeholder|change.?me|your|dummy|x{4}|\*{3}|[<{$%\[(]")
_BARE_DIGITS = 3


def _looks_random(value: str) -> bool:
    """Whether a value is more likely drawn than written: letters and digits, few repeated."""
    if not any(each.isdigit() for each in value) or not any(each.isalpha() for each in value):
        return False
    if _PLACEHOLDER.search(value) or {":", "/"} <= set(value):
        return False
    counts = Counter(value).values()
    bits = -sum(each / len(value) * math.log2(each / len(value)) for each in counts)
    return bits >= _ENTROPY


def _bare_looks_random(value: str) -> bool:
    """The same without quotes, where it might be a name in a program."""
    return sum(each.isdigit() for each in value) >= _BARE_DIGITS and _looks_random(value)


def _is_token(value: str) -> bool:
    """Whether it is no word of a sentence."""
    if _PLACEHOLDER.search(value):
        return False
    if any(each.isdigit() for each in value):
        return True
    return re.search(r"[a-z][A-Z].*[a-z][A-Z]", value) is not None


def _is_password(value: str) -> bool:
    names = ("pass", "password", "passwd", "pwd", "secret", "pw", "token")
    return value.lower() not in names and _PLACEHOLDER.search(value) is None


_PEM = (
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
    r"(?=(?:[\s\"'+]|\\[nr]|[A-Z][A-Za-z-]+: [^\n\\]*)*[A-Za-z0-9+/]{16})"
    r"(?:[A-Za-z0-9+/=\s:,.\"'\\]|-(?!----))*(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)?"
)
_NAMES = re.compile(
    "secret|token|passw|passphrase|api.?key|access.?key|private.?key|auth.?key|account.?key"
    "|encryption.?key|signing.?key|credential|_pwd|authorization"
)
_ASSIGNED = r"[A-Za-z0-9_-]{3,40}\\?[\"']?\]?[ \t]{0,3}(?::=|=>|[:=])[ \t]{0,3}"
_SCHEME = r"(?i:bearer|basic|authorization\\?[\"']?[ \t]{0,3}[:=][ \t]{0,3}\\?[\"']?token)"
_HEADER = re.compile(r"\b(?:bearer|basic)\b|authorization")


def _any(_: str) -> bool:
    return True


def _pattern(
    kind: str,
    regex: str,
    hint: str,
    is_it: Callable[[str], bool] = _any,
    start: re.Pattern[str] | None = None,
) -> _Pattern:
    return _Pattern(kind, re.compile(regex), hint, is_it, start)


_PATTERNS = (
    _pattern("private key", _PEM, "private key"),
    _pattern("model key", r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{20,}", "sk-", _is_token),
    _pattern("GitHub token", r"(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{30,}", "gh"),
    _pattern("GitHub token", r"github_pat_[A-Za-z0-9_]{22,}", "github_pat_"),
    _pattern(
        "GitLab token", r"(?<![A-Za-z0-9])gl[a-z]{2,5}-[A-Za-z0-9_-]{20,}", "gl", _looks_random
    ),
    _pattern("Slack token", r"(?<![A-Za-z0-9])xox[a-z]-[A-Za-z0-9-]{10,}", "xox"),
    _pattern("Slack token", r"(?<![A-Za-z0-9])xapp-\d-[A-Za-z0-9-]{20,}", "xapp-"),
    _pattern("Slack webhook", r"hooks\.slack\.com/services/([A-Za-z0-9/_-]{20,})", "hooks.slack"),
    _pattern("AWS key id", r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[0-9A-Z]{16}(?![A-Za-z0-9])", "a"),
    _pattern(
        "AWS secret key",
        r"(?i:aws_?secret_?(?:access_?)?key)[\"']?\s{0,3}[:=]\s{0,3}[\"']?([A-Za-z0-9/+=]{40})",
        "secret",
    ),
    _pattern("Google key", r"(?<![A-Za-z0-9])AIza[0-9A-Za-z_-]{35}", "aiza"),
    _pattern("Google token", r"(?<![A-Za-z0-9])ya29\.[0-9A-Za-z_-]{20,}", "ya29."),
    _pattern("Google secret", r"GOCSPX-[A-Za-z0-9_-]{20,}", "gocspx-"),
    _pattern("Stripe key", r"(?<![A-Za-z0-9])[rs]k_(?:live|test)_[0-9A-Za-z]{16,}", "k_"),
    _pattern("Stripe secret", r"(?<![A-Za-z0-9])whsec_[A-Za-z0-9+/=]{24,}", "whsec_"),
    _pattern("npm token", r"(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}", "npm_"),
    _pattern("PyPI token", r"pypi-AgE[A-Za-z0-9_-]{40,}", "pypi-age"),
    _pattern("Hugging Face token", r"(?<![A-Za-z0-9])hf_[A-Za-z0-9]{30,}", "hf_"),
    _pattern("SendGrid key", r"(?<![A-Za-z0-9])SG\.[\w-]{20,24}\.[\w-]{40,48}", "sg."),
    _pattern("DigitalOcean token", r"(?<![A-Za-z0-9])do[opr]_v1_[a-f0-9]{64}", "_v1_"),
    _pattern("Telegram token", r"(?<![A-Za-z0-9])\d{8,10}:AA[\w-]{33}", ":aa"),
    _pattern(
        "JWT",
        r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        "eyj",
    ),
    _pattern("password", r"://[^\s/:@\"'<>]*:([^\s/@\"'<>]+)(?=@)", "://", _is_password),
    _pattern(
        "authorization",
        _SCHEME + r"[ \t]{1,3}([A-Za-z0-9._~+/=-]{11,}[A-Za-z0-9_~+/=-])",
        "",
        _is_token,
        _HEADER,
    ),
    _pattern(
        "value",
        _ASSIGNED + r"[rbuf]?\\?[\"']([^\"'\s\\]{12,})\\?[\"']",
        "",
        _looks_random,
        _NAMES,
    ),
    _pattern(
        "value",
        _ASSIGNED + r"([A-Za-z0-9_+/=~-]{16,})(?![\w.(\[])",
        "",
        _bare_looks_random,
        _NAMES,
    ),
)


@dataclass(frozen=True, slots=True)
class Span:
    """A secret in a text.

    Attributes:
        start: index of its first character.
        end: index behind its last.
        kind: what it is called.
        context: index where what tells it begins; `start` where the secret tells itself.
    """

    start: int
    end: int
    kind: str
    context: int

    @property
    def mark(self) -> str:
        """What takes its place."""
        return f"[secret: {self.kind}]"


class Redactor:
    """Finds and replaces secrets. Immutable."""

    def __init__(
        self, known: Mapping[str, str] | None = None, patterns: Iterable[str] = ()
    ) -> None:
        """Know secrets.

        Args:
            known: what a secret is called -> its value; shorter ones than `SHORTEST` are left out.
            patterns: the user's own regular expressions; one that is none is taken as a text. Its
                last group, or all of it without groups, is the secret.
        """
        self._known = {
            _kind(name): value
            for name, value in (known or {}).items()
            if len(value.strip()) >= SHORTEST
        }
        forms = {form: name for name, value in self._known.items() for form in _forms(value)}
        self._forms = dict(sorted(forms.items(), key=lambda each: (-len(each[0]), each[0])))
        self._own = tuple(
            _Pattern("named by you", _compiled(each), "", _any, None) for each in patterns
        )
        self.longest = max(map(len, self._forms), default=0)
        self.forms_with_blanks = tuple(form for form in self._forms if any(map(str.isspace, form)))

    def knowing(self, known: Mapping[str, str]) -> Redactor:
        """The same with more known secrets."""
        made = Redactor({**self._known, **known})
        made._own = self._own
        return made

    def redact(self, text: str) -> str:
        """The text with marks where secrets were."""
        return rendered(text, self.spans(text))

    def redact_json(self, value: object) -> object:
        """The same for all texts within JSON, keys included."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            pairs = cast("Mapping[str, object]", value).items()
            return {self.redact(key): self.redact_json(each) for key, each in pairs}
        if isinstance(value, list | tuple):
            return [self.redact_json(each) for each in cast("Sequence[object]", value)]
        return value

    def spans(self, text: str) -> list[Span]:
        """The secrets in a text, in its order, apart from each other."""
        found = [*self._known_spans(text), *self._pattern_spans(text)]
        found.sort(key=lambda each: (each.start, -each.end))
        marks = [(mark.start(), mark.end()) for mark in MARK.finditer(text)]
        apart: list[Span] = []
        for span in found:
            if any(start <= span.start < end for start, end in marks):
                continue
            if apart and span.start < apart[-1].end:
                last = apart[-1]
                context = min(last.context, span.context)
                apart[-1] = Span(last.start, max(last.end, span.end), last.kind, context)
            else:
                apart.append(span)
        return apart

    def _known_spans(self, text: str) -> Iterator[Span]:
        for form, name in self._forms.items():
            at = text.find(form)
            while at >= 0:
                yield Span(at, at + len(form), name, at)
                at = text.find(form, at + len(form))

    def _pattern_spans(self, text: str) -> Iterator[Span]:
        lower = text.lower()
        if len(lower) != len(text):  # a few letters become two
            lower = "".join(each.lower()[:1] for each in text)
        for pattern in (*_PATTERNS, *self._own):
            for match in pattern.matches(text, lower):
                group = match.lastindex or 0
                if match.end(group) > match.start(group) and pattern.is_it(match[group]):
                    start, end = match.span(group)
                    yield Span(start, end, pattern.kind, match.start())


def rendered(text: str, spans: Iterable[Span]) -> str:
    """The text with marks in place of the spans, which are in order and apart."""
    parts: list[str] = []
    at = 0
    for span in spans:
        parts += text[at : span.start], span.mark
        at = span.end
    return "".join((*parts, text[at:]))


def secrets_of(environment: Mapping[str, str], named: Iterable[str] = ()) -> dict[str, str]:
    """The values of variables whose names say that they are secret, and of those that are named."""
    chosen = set(named)
    return {
        name: value
        for name, value in environment.items()
        if len(value.strip()) >= SHORTEST and (name in chosen or _says_secret(name, value))
    }


def secrets_in_dotenv(text: str) -> dict[str, str]:
    """The secrets of a `.env` file, by the names of their variables.

    What a program of the workspace prints of them is found then, though the file is never shown.
    """
    found = {match["name"]: match["value"].strip() for match in _DOTENV.finditer(text)}
    bare = {
        name: value[1:-1] if value[:1] in "\"'" and value[-1:] == value[:1] else value
        for name, value in found.items()
    }
    return secrets_of(bare)


def redactor_for(
    environment: Mapping[str, str],
    named: Iterable[str] = (),
    known: Mapping[str, str] | None = None,
) -> Redactor:
    """All that is known: the environment's, what the settings name (`agent.redact`), and `known`.

    A name in capitals is that of a variable; everything else is a pattern.
    """
    names = list(named)
    variables = [each for each in names if re.fullmatch(r"[A-Z][A-Z0-9_]*", each)]
    patterns = [each for each in names if each not in variables]
    return Redactor({**secrets_of(environment, variables), **(known or {})}, patterns)


def _says_secret(name: str, value: str) -> bool:
    upper = name.upper()
    if upper.endswith(_NOT_SECRET) or upper == "PWD" or _COMMON.fullmatch(value.lower()):
        return False
    return _SECRET_NAME.search(upper) is not None


def _kind(name: str) -> str:
    return re.sub(r"[^\w .-]", "_", name)[:60] or "value"


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error:
        return re.compile(re.escape(pattern))


def _forms(value: str) -> set[str]:
    """How programs write a value: as it is, escaped, and encoded, also as a part of more."""
    raw = value.encode("utf-8", "surrogatepass")
    plain = value.strip()
    escaped = json.dumps(value)[1:-1]
    written = {
        value,
        plain,
        escaped,
        json.dumps(value, ensure_ascii=False)[1:-1],
        json.dumps(escaped)[1:-1],
        repr(value)[1:-1],
        html.escape(value),
        quote(raw, safe=""),
        quote(raw, safe="/"),
        quote_plus(raw),
        re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), quote(raw, safe="")),
    }
    encoded = {raw.hex(), raw.hex().upper(), *_base64_forms(raw)}
    if plain != value:
        encoded |= _base64_forms(plain.encode("utf-8", "surrogatepass"))
    return {form for form in written if len(form) >= SHORTEST} | {
        form for form in encoded if len(form) >= _SHORTEST_FORM or form in written
    }


def _base64_forms(raw: bytes) -> set[str]:
    """Base64 writes the same bytes in three ways, by where they begin in what is encoded."""
    found: set[str] = set()
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + raw).decode()
        start = -(-before * 8 // 6)
        last = (before + len(raw)) * 8 // 6
        found |= {whole[start:last], whole[start:last].replace("+", "-").replace("/", "_")}
    return found


class StreamRedactor:
    """Redacts a text that comes in pieces; a secret may be split between any two of them.

    What might be the beginning of a secret is kept back until more comes: a few words, or a key
    block until it ends.
    """

    _WORDS = 6
    """Kept back: no pattern has blanks in more places."""

    _WINDOW = 4096
    """Characters without a blank that are kept back at most, if no known secret is longer."""

    _BLOCK = 64 << 10
    """Characters of one secret: an open key block, or a token without an end."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take a piece; what is safe to show now."""
        self._held += piece
        return self._release(self._safe())

    def end(self) -> str:
        """The rest."""
        return self._release(len(self._held))

    def _release(self, upto: int) -> str:
        if upto <= 0:
            return ""
        text, spans = self._held, self._redactor.spans(self._held)
        if upto < len(text) < self._BLOCK:
            for span in reversed(spans):
                upto = span.context if span.context < upto <= span.end else upto
        upto = max([upto, *(each.end for each in spans if each.start < upto)])
        self._held = text[upto:]
        return rendered(text[:upto], [each for each in spans if each.start < upto])

    def _safe(self) -> int:
        """How much can't be a part of a secret that is not whole yet."""
        text = self._held
        window = max(self._WINDOW, 2 * self._redactor.longest)
        safe = max(_words_before(text, self._WORDS, window), len(text) - window)
        block = text.rfind("-----BEGIN ")
        if block >= 0 and "-----END " not in text[block:] and len(text) - block < self._BLOCK:
            safe = min(safe, block)
        for form in self._redactor.forms_with_blanks:
            safe = min(safe, _begun(text, form))
        return safe


def _words_before(text: str, count: int, window: int) -> int:
    """Where the last `count` words of a text begin; 0 when it has fewer within the window."""
    found = list(re.finditer(r"\S+", text[-window:]))
    if len(found) <= count:
        return 0
    return max(0, len(text) - window) + found[-count].start()


def _begun(text: str, form: str) -> int:
    """Where a text begins to end with the beginning of a form; its length when it does not."""
    for start in range(max(0, len(text) - len(form)), len(text)):
        if form.startswith(text[start:]):
            return start
    return len(text)
