"""No secret gets through: canaries in every encoding, split anywhere; and code is left alone."""

from __future__ import annotations

import base64
import html
import json
import sysconfig
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixwright import log
from fixwright.secrets import (
    MARK,
    Redactor,
    StreamRedactor,
    redactor_for,
    secrets_in_dotenv,
    secrets_of,
)

CANARY = 'Kx7"pQ/+ä9 zR=w&<2'
KNOWN = Redactor({"provider": CANARY, "other": "plainsecretvalue"})
RAW = CANARY.encode()

FOUND = {
    "model key": "sk-ant-api03-Zq8rT2mN5bV7cX1aS4dF6gH9",
    "GitHub token": "ghp_Zq8rT2mN5bV7cX1aS4dF6gH9jK0lPoIu3Y2t",
    "GitLab token": "glpat-Zq8rT2mN5bV7cX1aS4dF",
    "Slack token": "xoxb-123456789012-Zq8rT2mN5bV7",
    "AWS key id": "AKIAZQ8RT2MN5BV7CX1A",
    "Google key": "AIzaSyZq8rT2mN5bV7cX1aS4dF6gH9jK0lPoIu3",
    "Stripe key": "sk_live_Zq8rT2mN5bV7cX1aS4dF6gH9",
    "npm token": "npm_Zq8rT2mN5bV7cX1aS4dF6gH9jK0lPoIu3Y2t",
    "PyPI token": "pypi-AgEIcHlwaS5vcmcCJDZq8rT2mN5bV7cX1aS4dF6gH9jK0lPoIu3Y2t",
    "Hugging Face token": "hf_Zq8rT2mN5bV7cX1aS4dF6gH9jK0lPoIu3Y",
    "DigitalOcean token": "dop_v1_" + "0123456789abcdef" * 4,
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
}
LEAD_IN = {
    "AWS secret key": ("aws_secret_access_key = ", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzq8rT2mN5b"),
    "password": ("postgres://me:", "hunter2Zq8"),
    "authorization": ("Authorization: Bearer ", "Zq8rT2mN5bV7cX1a"),
    "value": ('client_secret: "', "Zq8rT2mN5bV7cX1a"),
    "Slack webhook": ("https://hooks.slack.com/services/", "T0ZQ8RT2M/B5V7CX1A4/dF6gH9jK0lPoIu3Y"),
}
PEM = (
    "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n"
    + "MHcCAQEEIBkg4LVWM9nuwNSk3yByxZpYRTBnVJk5GkMcXZ8wzRZqoAoGCCqGSM49\n" * 3
    + "-----END EC PRIVATE KEY-----"
)


def encodings() -> dict[str, str]:
    return {
        "plain": CANARY,
        "JSON": json.dumps({"k": CANARY}),
        "JSON, not ASCII": json.dumps({"k": CANARY}, ensure_ascii=False),
        "JSON in JSON": json.dumps(json.dumps(CANARY)),
        "repr": repr(["x", CANARY]),
        "HTML": html.escape(CANARY),
        "URL": quote(CANARY, safe=""),
        "URL path": quote(CANARY),
        "form": quote_plus(CANARY),
        "hex": RAW.hex(),
        **{
            f"base64 behind {before}": base64.b64encode(b"u" * before + b":" + RAW + b":x").decode()
            for before in range(4)
        },
        "base64url": base64.urlsafe_b64encode(RAW).decode(),
    }


@pytest.mark.parametrize("how", encodings())
def test_a_known_secret_is_found_in_every_encoding(how: str) -> None:
    text = f"before {encodings()[how]} after"
    shown = KNOWN.redact(text)
    assert "[secret: provider]" in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    inside = MARK.sub("", shown)
    assert all(part not in inside for part in ("Kx7", "zR", RAW.hex()[4:12], "eDci"))


@pytest.mark.parametrize("kind", FOUND)
def test_well_known_forms_are_found(kind: str) -> None:
    for text in (FOUND[kind], f"x = '{FOUND[kind]}'\n", f'{{"a":"{FOUND[kind]}"}}'):
        shown = Redactor().redact(text)
        assert FOUND[kind] not in shown
        assert MARK.search(shown)
        assert FOUND[kind][-6:] not in shown
    assert Redactor().redact(FOUND[kind]) == f"[secret: {kind}]"


@pytest.mark.parametrize("kind", LEAD_IN)
def test_what_stands_before_a_secret_tells_it(kind: str) -> None:
    before, secret = LEAD_IN[kind]
    after = "@host/db" if kind == "password" else '" ' if before.endswith('"') else " "
    assert Redactor().redact(before + secret + after) == f"{before}[secret: {kind}]{after}"


@pytest.mark.parametrize("written", [PEM, json.dumps(PEM), PEM.replace("\n", "\r\n"), PEM[:150]])
def test_a_key_block_goes_whole_and_takes_nothing_else(written: str) -> None:
    shown = Redactor().redact(f"a = 1\n{written} # done(b)")
    assert "MHcCAQEE" not in shown
    assert shown.startswith("a = 1\n")
    assert "(b)" in shown


@pytest.mark.parametrize(
    "text",
    [
        'HEADER = "-----BEGIN PRIVATE KEY-----"\ndef parse(text): ...\n',
        "token = tokens.next_token_of_the_sentence2()",
        'password = "correct horse"',
        'token = "aaaaaaaaaaaaaaa1"',
        "secret_key = os.environ['SECRET_KEY_OF_MY_APP']",
        'url = f"postgres://{user}:{password}@{host}/db"',
        "https://user:password@host/",
        "API_TOKEN=${{ secrets.API_TOKEN }}",
        "class TokenBucketRateLimiter2: ...",
        "sk-learn-contrib-packages-and-more",
        "commit 0123456789abcdef0123456789abcdef01234567",
        "Bearer authentication is described in the chapter",
        'integrity: "sha512-Zq8rT2mN5bV7cX1aS4dF6gH9jK0lPoIu3Y2tZq8rT2mN5bV7cX1aS4dF6gH9"',
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    ],
)
def test_ordinary_code_is_left_alone(text: str) -> None:
    assert Redactor().redact(text) == text


@pytest.mark.slow
def test_hardly_anything_of_the_standard_library_is_taken_for_a_secret() -> None:
    redactor, hits, characters = Redactor(), 0, 0
    for path in Path(sysconfig.get_path("stdlib")).rglob("*.py"):
        if "site-packages" not in path.parts:
            text = path.read_text("utf-8", "replace")
            characters += len(text)
            hits += len(redactor.spans(text))
    assert characters > 10_000_000
    assert hits <= 3


def test_nothing_of_our_own_code_is_taken_for_a_secret() -> None:
    redactor = Redactor()
    for folder in ("server", "sandbox"):
        for path in (Path(__file__).parents[2] / folder).rglob("*.py"):
            assert redactor.spans(path.read_text("utf-8")) == [], path


def test_redacting_again_changes_nothing() -> None:
    text = " ".join((*encodings().values(), *FOUND.values(), PEM))
    once = KNOWN.redact(text)
    assert KNOWN.redact(once) == once
    known_word = Redactor({"a name": "secret: other"})
    assert known_word.redact("[secret: other]") == "[secret: other]"


def test_json_is_redacted_within() -> None:
    value = {"a": [CANARY, 5, None, {"plainsecretvalue": True}]}
    assert KNOWN.redact_json(value) == {
        "a": ["[secret: provider]", 5, None, {"[secret: other]": True}]
    }


def test_the_environment_says_what_is_secret() -> None:
    environment = {
        "ANTHROPIC_API_KEY": "k" * 12,
        "GITHUB_TOKEN": "t" * 12,
        "DB_PASSWORD": "postgres",
        "MY_SECRET": "short",
        "SSH_KEY_FILE": "/home/me/key",
        "KEYBOARD": "qwertzuiop",
        "MONKEY": "bananabanana",
        "PWD": "/home/me/code",
        "INNOCENT": "i" * 12,
    }
    assert set(secrets_of(environment)) == {"ANTHROPIC_API_KEY", "GITHUB_TOKEN"}
    assert "INNOCENT" in secrets_of(environment, ["INNOCENT"])


def test_a_dotenv_file_says_what_is_secret() -> None:
    text = (
        "# A_TOKEN=no\nexport API_TOKEN='with # and = in it'\nDB_PASSWORD = plain-enough # x\n"
        'SECRET_KEY="quoted value"\nDEBUG=true\nHOST=database.example\nOTHER_KEY=\n'
    )
    assert secrets_in_dotenv(text) == {
        "API_TOKEN": "with # and = in it",
        "DB_PASSWORD": "plain-enough",
        "SECRET_KEY": "quoted value",
    }


def test_the_user_names_more() -> None:
    redactor = redactor_for(
        {"PLAIN": "innocentvalue"}, ["PLAIN", r"acme-(\d+)", "odd["], {"key": "fromacommand"}
    )
    shown = redactor.redact("innocentvalue acme-123 odd[ fromacommand")
    assert (
        shown == "[secret: PLAIN] acme-[secret: named by you] [secret: named by you] [secret: key]"
    )
    assert redactor.knowing({"more": "morevalue"}).redact("morevalue acme-9") == (
        "[secret: more] acme-[secret: named by you]"
    )


def test_a_log_hides_what_becomes_known_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_redactors", [Redactor()])
    assert log.redact("plainsecretvalue") == "plainsecretvalue"
    log.keep_out_of_logs(KNOWN)
    assert log.redact("plainsecretvalue") == "[secret: other]"


# ---- in pieces ------------------------------------------------------------------------------

WHOLE = "\n".join(
    (
        "Some words first, then what matters.",
        *encodings().values(),
        *FOUND.values(),
        *(f'{before}{secret}@x" done' for before, secret in LEAD_IN.values()),
        PEM,
        "and `code(with, words)` behind it",
    )
)


@settings(deadline=None)
@given(st.lists(st.integers(0, len(WHOLE)), max_size=60))
def test_a_split_secret_is_found_as_a_whole_one(cuts: list[int]) -> None:
    stream = StreamRedactor(KNOWN)
    pieces = [WHOLE[start:end] for start, end in pairwise([0, *sorted(cuts), len(WHOLE)])]
    shown = "".join([*(stream.feed(piece) for piece in pieces), stream.end()])
    assert shown == KNOWN.redact(WHOLE)


def test_letter_by_letter_no_canary_shows_at_any_time() -> None:
    stream, shown = StreamRedactor(KNOWN), ""
    for letter in WHOLE:
        shown += stream.feed(letter)
        assert CANARY not in shown
        assert "MHcCAQEE" not in shown
    assert shown + stream.end() == KNOWN.redact(WHOLE)


def test_words_are_shown_soon_and_a_long_token_is_not_kept_for_ever() -> None:
    stream = StreamRedactor(Redactor())
    assert stream.feed("one two three four five six seven eight ").startswith("one ")
    stream = StreamRedactor(Redactor())
    assert sum(len(stream.feed("x" * 1000)) for _ in range(20)) > 10_000


def test_an_endless_secret_does_not_fill_the_memory() -> None:
    stream = StreamRedactor(Redactor())
    out = stream.feed("ghp_") + "".join(stream.feed("a1" * 500) for _ in range(200)) + stream.end()
    assert out.startswith("[secret: GitHub token]")
    assert len(stream._held) == 0
