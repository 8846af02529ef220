"""How an error is named, how long it asks to wait, and the sentence that the user reads."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from fixwright.models import errors
from fixwright.models.connection import is_loopback
from fixwright.models.errors import Endpoint, kind_of, retry_after_seconds

ENDPOINT = Endpoint("Anthropic", "https://api.anthropic.com", "claude", "ANTHROPIC_API_KEY")


@pytest.mark.parametrize(
    ("status", "codes", "kind"),
    [
        (429, ("rate_limit_error",), "rate_limit"),
        (429, ("enforced_spend_limit_reached", "rate_limit_error"), "billing"),
        (400, ("invalid_request_error",), "bad_request"),
        (400, ("context_length_exceeded", "invalid_request_error"), "too_large"),
        (418, (), "bad_request"),
        (599, (), "server"),
        (200, ("overloaded_error",), "overloaded"),
        (None, (None, "authentication_error"), "auth"),
        (None, (429, None), "rate_limit"),
        (None, ("502", "upstream"), "server"),
        (None, (), "server"),
        (None, ("a new one",), "server"),
    ],
)
def test_kinds(status: int | None, codes: tuple[object, ...], kind: str):
    assert kind_of(status, codes) == kind


NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after": "7", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None):
    assert retry_after_seconds(headers, NOW) == seconds


def sentence(status: int | None, code: str = "", detail: str = "bad key") -> str:
    return str(errors.refused(ENDPOINT, status, (code,), detail, {}))


def test_the_sentences_say_what_happened_and_what_to_do():
    assert sentence(401) == (
        "Anthropic refused the key from ANTHROPIC_API_KEY (401): bad key. "
        "Set a valid key in ANTHROPIC_API_KEY and try again."
    )
    assert sentence(404, detail="no such model") == (
        "Anthropic has no model claude at https://api.anthropic.com (404): no such model. "
        "Check model.name and model.baseUrl."
    )
    assert sentence(None, "overloaded_error", "busy!") == (
        "Anthropic is overloaded: busy! Wait a little, then try again."
    )


def test_every_refusal_is_a_bounded_sentence():
    statuses = (None, 200, 400, 401, 402, 403, 404, 413, 429, 500, 529)
    codes = ("", "billing_error", "overloaded_error", "context_length_exceeded")
    for status, code, detail in product(statuses, codes, ("", "x " * 5000, "two\nlines")):
        text = sentence(status, code, detail)
        assert text.startswith("Anthropic ")
        assert text.endswith(".")
        assert "\n" not in text
        assert len(text) < errors.LONGEST_DETAIL + 250


def test_a_full_context_window_is_not_a_malformed_request():
    error = errors.refused(
        ENDPOINT, 400, ("invalid_request_error",), "prompt is too long: 9 tokens > 8 maximum", {}
    )
    assert error.kind == "too_large"


def test_a_key_is_hidden_but_a_placeholder_is_not_looked_for():
    assert errors.hidden("sk-123456789", "wrong: sk-123456789") == "wrong: …"
    assert errors.hidden("none", "none of these models") == "none of these models"


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:80/v1", True),
        ("http://localhost:11434", True),
        ("http://[::1]:1", True),
        ("https://localhost.example.com", False),
        ("https://10.0.0.1", False),
    ],
)
def test_loopback(url: str, loopback: bool):
    assert is_loopback(url) is loopback
