"""Estimates of tokens, and what tokens cost."""

from __future__ import annotations

import base64
import tomllib
from importlib import resources

import pytest

from fixwright.models import Usage, estimate_tokens
from fixwright.models.catalogue import known_model, load_catalogue
from fixwright.models.factory import ANTHROPIC_MODEL, OPENAI_MODEL


def test_estimates():
    assert estimate_tokens("") == 0
    assert estimate_tokens("a") == 1
    assert estimate_tokens("x = 1\n" * 600) == 1000
    assert estimate_tokens("é" * 18) == 10
    assert estimate_tokens("\ud800") == 1  # a lone surrogate, as editors can send
    blob = base64.b64encode(bytes(300)).decode()
    assert estimate_tokens(blob) == 267
    assert estimate_tokens(f"data = '{blob}'") > estimate_tokens("data = ''") + 250


MILLION = 1_000_000


def cost_usd(model: str, usage: Usage) -> float:
    known = known_model(model)
    assert known is not None
    return known.price.cost(usage)


def test_costs():
    assert cost_usd("claude-opus-5-5", Usage(input=MILLION)) == pytest.approx(4.0)
    assert cost_usd("claude-opus-5-5", Usage(output=MILLION)) == pytest.approx(20.0)
    every = Usage(input=1000, output=1000, cache_read=1000, cache_write=1000, reasoning=500)
    assert cost_usd("claude-sonnet-5-5", every) == pytest.approx(0.0146)
    assert known_model("no-such-model") is None


def test_a_dated_snapshot_costs_what_the_model_costs():
    usage = Usage(input=MILLION)
    assert cost_usd("claude-haiku-4-5-20251001", usage) == pytest.approx(1.0)
    assert cost_usd("gpt-5.4-2026-03-05", Usage(input=1000)) == pytest.approx(0.0025)


def test_a_long_request_has_its_own_tariff():
    short = Usage(input=50_000, output=1000, cache_read=50_000)
    long = Usage(input=50_001, output=1000, cache_read=50_000)
    assert cost_usd("claude-haiku-5-5", short) == pytest.approx(0.006)
    assert cost_usd("claude-haiku-5-5", long) == pytest.approx(0.03, rel=1e-3)
    assert cost_usd("gpt-6-sol", Usage(input=MILLION, output=MILLION)) == pytest.approx(19.0)


def test_the_catalogue_is_whole():
    text = resources.files("fixwright.models").joinpath("catalogue.toml").read_text("utf-8")
    for name in tomllib.loads(text)["models"]:
        known = known_model(name)
        assert known is not None
        price = known.price
        assert 0 < price.cache_read < price.input <= price.cache_write < price.output
        assert known.context >= 100_000
        assert 1 <= known.density < 2
    small = load_catalogue().small
    assert set(small) == {"anthropic", "openai"}
    for default in (ANTHROPIC_MODEL, OPENAI_MODEL, *small.values()):
        assert known_model(default) is not None
