"""Turn what an endpoint says about a failed request into one sentence for the user."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from fixwright.models.types import RETRYABLE_KINDS, ErrorKind, ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST_DETAIL = 300
"""Characters of an endpoint's own error text that are shown."""

SHORTEST_SECRET = 8
"""Characters; a shorter "key" is a placeholder, such as Ollama's, that may be part of any word."""

_KIND_OF_STATUS: dict[int, ErrorKind] = {
    401: "auth",
    402: "billing",
    403: "auth",
    408: "timeout",
    409: "server",
    413: "too_large",
    429: "rate_limit",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}

_KIND_OF_CODE: dict[str, ErrorKind] = {
    "authentication_error": "auth",
    "permission_error": "auth",
    "invalid_api_key": "auth",
    "billing_error": "billing",
    "insufficient_quota": "billing",
    "contract_spend_limit_reached": "billing",
    "enforced_spend_limit_reached": "billing",
    "rate_limit_error": "rate_limit",
    "rate_limit_exceeded": "rate_limit",
    "overloaded_error": "overloaded",
    "timeout_error": "timeout",
    "request_too_large": "too_large",
    "context_length_exceeded": "too_large",
    "exceed_context_size_error": "too_large",
    "invalid_request_error": "bad_request",
}

_PROMPT_TOO_LONG = re.compile(r"prompt is too long|context (?:length|size|window)", re.IGNORECASE)
"""What servers say, under a plain status and code, when the context is full: Anthropic the first,
vLLM, llama.cpp, Ollama and LM Studio one of the others."""

_DECISIVE: frozenset[ErrorKind] = frozenset({"billing", "too_large"})
"""Kinds that an endpoint names under a more general status (429, 400): the code wins."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go and with which key, as the user would say it; never the key itself."""

    name: str
    url: str
    model: str
    key_source: str


def kind_of(status: int | None, codes: Iterable[object]) -> ErrorKind:
    """What went wrong, from the HTTP status and the codes inside the error's body.

    Args:
        status: the HTTP status; 200 or None for an error inside a stream.
        codes: `code`, `type` and the like, most telling first; some servers put a number there.
    """
    codes = tuple(codes)
    named: list[ErrorKind] = [
        _KIND_OF_CODE[code] for code in codes if isinstance(code, str) and code in _KIND_OF_CODE
    ]
    for kind in named:
        if kind in _DECISIVE:
            return kind
    if status is not None and status >= HTTPStatus.BAD_REQUEST:
        return _kind_of_status(status)
    for code in codes:
        if isinstance(code, int | str) and str(code).isdecimal():
            return _kind_of_status(int(code))
    return named[0] if named else _kind_of_status(HTTPStatus.INTERNAL_SERVER_ERROR)


def _kind_of_status(status: int) -> ErrorKind:
    if status in _KIND_OF_STATUS:
        return _KIND_OF_STATUS[status]
    return "server" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "bad_request"


def retry_after_seconds(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The wait that a response asks for, in seconds: `retry-after-ms`, seconds, or a date."""
    milliseconds = headers.get("retry-after-ms", "")
    if _is_number(milliseconds):
        return float(milliseconds) / 1000
    value = headers.get("retry-after", "").strip()
    if _is_number(value):
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def _is_number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdigit()


def refused(
    endpoint: Endpoint,
    status: int | None,
    codes: Iterable[object],
    detail: str,
    headers: Mapping[str, str],
) -> ModelError:
    """The error for a request that the endpoint answered with an error.

    Args:
        endpoint: who answered.
        status: the HTTP status; 200 or None for an error inside a stream.
        codes: the codes in the error's body, most telling first.
        detail: the endpoint's own words.
        headers: of the response; `retry-after` and `x-should-retry` are read.
    """
    kind = kind_of(status, codes)
    if kind in ("bad_request", "server") and _PROMPT_TOO_LONG.search(detail):
        kind = "too_large"
    retryable = {"true": True, "false": False}.get(headers.get("x-should-retry", ""))
    return ModelError(
        kind,
        _sentence(endpoint, kind, status, _shortened(detail), retryable=retryable is not False),
        retry_after=retry_after_seconds(headers),
        status=status,
        retryable=retryable if kind in RETRYABLE_KINDS else None,
    )


def hidden(secret: str, text: str) -> str:
    """`text` without the key, which some servers repeat when they refuse it."""
    return text.replace(secret, "…") if len(secret) >= SHORTEST_SECRET else text


def unreachable(endpoint: Endpoint, cause: BaseException) -> ModelError:
    """The connection could not be made, or broke before or during the answer."""
    return ModelError(
        "network",
        f"The connection to {endpoint.name} at {endpoint.url} failed: {_cause(cause)}. "
        "Check the network, the proxy settings and model.baseUrl, then try again.",
    )


def timed_out(endpoint: Endpoint) -> ModelError:
    """Nothing arrived for as long as the client waits."""
    return ModelError(
        "timeout",
        f"{_capitalised(endpoint.name)} at {endpoint.url} stayed silent for too long. Try again; "
        "if it keeps happening, check the network or choose another model in model.name.",
    )


def truncated(endpoint: Endpoint) -> ModelError:
    """The stream ended cleanly, but before its end marker."""
    return ModelError(
        "truncated",
        f"{_capitalised(endpoint.name)} broke off in the middle of its answer. "
        "Nothing of that answer was used; try again.",
    )


def not_a_model(endpoint: Endpoint, content_type: str) -> ModelError:
    """The endpoint answered 200 with something that is no event stream, such as a web page."""
    what = "a web page" if "html" in content_type else f"'{content_type or 'untyped'}' data"
    return ModelError(
        "server",
        f"{_capitalised(endpoint.name)} at {endpoint.url} answered with {what} "
        "instead of a model's answer. Check that model.baseUrl names a model server "
        "and that no login page or proxy stands in between.",
        status=HTTPStatus.OK,
        retryable=False,
    )


def malformed(endpoint: Endpoint) -> ModelError:
    """An event of the stream is not JSON."""
    return ModelError(
        "server",
        f"{_capitalised(endpoint.name)} sent an event that is not valid JSON. "
        "Nothing of that answer was used; try again.",
    )


def _sentence(
    endpoint: Endpoint, kind: ErrorKind, status: int | None, detail: str, *, retryable: bool
) -> str:
    name, source = _capitalised(endpoint.name), endpoint.key_source
    code = f" ({status})" if status is not None and status >= HTTPStatus.BAD_REQUEST else ""
    if status == HTTPStatus.FORBIDDEN and kind == "auth":
        return (
            f"{name} does not allow the key from {source} to use {endpoint.model}{code}: {detail} "
            "Use a key with access to it, or choose another model in model.name."
        )
    if status == HTTPStatus.NOT_FOUND:
        return (
            f"{name} has no model {endpoint.model} at {endpoint.url}{code}: {detail} "
            "Check model.name and model.baseUrl."
        )
    happened, to_do = {
        "auth": (f"refused the key from {source}", f"Set a valid key in {source} and try again."),
        "billing": (
            "will not serve this account any further",
            "Check its plan, credit and spend limit, or choose another model.provider.",
        ),
        "rate_limit": ("limits the rate of requests", "Wait a little, then try again."),
        "overloaded": ("is overloaded", "Wait a little, then try again."),
        "timeout": ("took too long", "Try again, or choose a faster model in model.name."),
        "too_large": (
            "cannot take a request this large",
            "Start a new session, or select less code.",
        ),
        "server": (
            "failed on its side",
            "Try again; if it keeps failing, see its status page."
            if retryable
            else "Trying again will not help.",
        ),
    }.get(kind, ("rejected the request", "Check model.name and the other model settings."))
    return f"{name} {happened}{code}: {detail} {to_do}"


def _capitalised(name: str) -> str:
    return name[:1].upper() + name[1:]


def _shortened(detail: str) -> str:
    """The endpoint's words on one line, bounded, ending like a sentence."""
    text = " ".join(detail.split()) or "no reason given"
    if len(text) > LONGEST_DETAIL:
        text = text[: LONGEST_DETAIL - 1] + "…"
    return text if text[-1] in ".!?…" else text + "."


def _cause(error: BaseException) -> str:
    """The innermost explanation: the SDKs wrap the socket's error in a bare 'Connection error.'."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__
