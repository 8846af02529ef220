"""The section `model`: what may be written, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixwright import config
from fixwright.config import Layer, configure
from fixwright.fix.services import model_settings
from fixwright.model_config import FallbackConfig
from fixwright.models.prices import Price

TABLES = [
    {"provider": "anthropic", "name": "claude-haiku-5-5"},
    {"provider": "openai", "baseUrl": "http://localhost:11434/v1", "name": "qwen", "maxTokens": 5},
]


def trusted(model: dict[str, object]) -> Layer:
    return Layer("your file", {"model": model})


def test_fallbacks_as_tables_words_and_json() -> None:
    tables = configure(trusted({"fallback": TABLES}))
    assert tables.problems == ()
    first, second = tables.settings.model.fallback
    assert first == FallbackConfig(provider="anthropic", name="claude-haiku-5-5")
    assert (second.base_url, second.max_tokens) == ("http://localhost:11434/v1", 5)
    words = {"FIXWRIGHT_MODEL_FALLBACK": "anthropic/claude-haiku-5-5, openai/meta/llama,openai"}
    named = configure(config.environment_layer(words)).settings.model.fallback
    assert [each.provider for each in named] == ["anthropic", "openai", "openai"]
    assert [each.name for each in named] == ["claude-haiku-5-5", "meta/llama", None]
    json = {"FIXWRIGHT_MODEL_FALLBACK": '[{"provider": "openai", "name": "x"}]'}
    [only] = configure(config.environment_layer(json)).settings.model.fallback
    assert only == FallbackConfig(provider="openai", name="x")


def test_prices_in_a_file_and_in_the_environment() -> None:
    own = {"qwen": {"input": 0, "output": 0}, "m": {"input": 2, "output": 8, "cacheRead": 0.5}}
    found = configure(trusted({"prices": own}))
    assert found.problems == ()
    prices = model_settings(found.settings.model).prices
    assert prices == {"qwen": Price(0, 0, 0, 0), "m": Price(2, 8, 0.5, 2)}
    json = {"FIXWRIGHT_MODEL_PRICES": '{"m": {"input": 1, "output": 2, "cacheWrite": 3}}'}
    found = configure(config.environment_layer(json))
    assert model_settings(found.settings.model).prices == {"m": Price(1, 2, 1, 3)}


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"fallback": [{"name": "x"}]}, "model.fallback in your file is wrong: 0.provider: "),
        ({"fallback": [{"provider": "none"}]}, "model.fallback in your file is wrong: "),
        ({"fallback": [{"provider": "openai", "key": "s"}]}, "wrong: 0.key: Extra inputs"),
        ({"fallback": "gemini/x"}, "'anthropic', 'openai' or 'scripted'"),
        ({"prices": {"m": {"input": 1}}}, "model.prices in your file is wrong: m.output: "),
        ({"prices": {"m": {"input": -1, "output": 1}}}, "wrong: m.input: "),
        ({"prices": "cheap"}, "model.prices in your file is wrong: "),
        ({"contextTokens": 100}, "model.contextTokens in your file is wrong: "),
    ],
)
def test_what_is_wrong_is_named(model: dict[str, object], said: str) -> None:
    found = configure(trusted(model))
    [problem] = found.problems
    assert said in problem
    assert found.settings == config.Settings()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fallback", TABLES),
        ("small", "their-model"),
        ("prices", {"m": {"input": 0, "output": 0}}),
        ("contextTokens", 1 << 20),
    ],
)
def test_a_workspace_chooses_no_model(key: str, value: object) -> None:
    layer = Layer("fixwright.toml", {"model": {key: value}}, trusted=False)
    found = configure(layer)
    assert found.settings == config.Settings()
    assert "a workspace can't set it" in found.problems[0]


def test_all_of_it_reaches_the_models() -> None:
    found = configure(
        trusted(
            {
                "maxTokens": 1000,
                "contextTokens": 32_768,
                "small": "tiny",
                "fallback": [*TABLES, {"provider": "scripted", "script": "~/a.toml"}],
            }
        )
    )
    assert found.problems == ()
    settings = model_settings(found.settings.model)
    assert (settings.context_tokens, settings.small) == (32_768, "tiny")
    first, second, third = settings.fallback
    assert (first.max_tokens, second.max_tokens) == (1000, 5)
    assert first.context_tokens is None, "another model has another size"
    assert second.base_url == "http://localhost:11434/v1"
    assert third.script == Path.home() / "a.toml"
