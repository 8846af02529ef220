"""Which model does which task, what it costs, and that each is opened once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from fixwright.fix.services import ModelCell
from fixwright.models.factory import ModelSettings, open_model, small_settings
from fixwright.models.prices import Price
from fixwright.models.types import Message, ModelError, Request, Usage

if TYPE_CHECKING:
    from pathlib import Path

    from fixwright.models.model import Model

KEYS = {"ANTHROPIC_API_KEY": "sk-ant-1", "OPENAI_API_KEY": "sk-oai-1"}
LOCAL = "http://localhost:11434/v1"


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (ModelSettings(), "claude-haiku-5-5"),
        (ModelSettings("openai", "gpt-6-astra"), "gpt-6-luna"),
        (ModelSettings("openai", small="gpt-5.4-mini"), "gpt-5.4-mini"),
        (ModelSettings("openai", "big", LOCAL, small="tiny"), "tiny"),
    ],
)
def test_titles_are_written_by_a_cheap_model(settings: ModelSettings, name: str):
    small = small_settings(settings, KEYS)
    assert small.name == name
    assert small.provider == (settings.provider or "anthropic")
    assert (small.base_url, small.api_key_command) == (settings.base_url, settings.api_key_command)


@pytest.mark.parametrize(
    "settings",
    [
        ModelSettings("openai", "big", LOCAL),
        ModelSettings("anthropic", "claude-haiku-5-5"),
        ModelSettings("openai", "m", small="m"),
        ModelSettings("none"),
    ],
)
def test_or_by_the_same_one(settings: ModelSettings):
    assert small_settings(settings, KEYS) is settings


def test_the_size_of_a_model_is_not_that_of_its_vendors_small_one():
    stated = ModelSettings("anthropic", "claude-opus-5-5", context_tokens=50_000)
    assert small_settings(stated, KEYS).context_tokens is None
    own = ModelSettings("openai", "big", LOCAL, small="tiny", context_tokens=50_000)
    assert small_settings(own, KEYS).context_tokens == 50_000


async def opened(settings: ModelSettings) -> Model:
    model = await open_model(settings, KEYS)
    assert model is not None
    await model.close()
    return model


async def test_the_users_prices_come_first():
    usage = Usage(input=1_000_000)
    assert (await opened(ModelSettings())).cost(usage) == pytest.approx(2.0)
    cheap = ModelSettings(prices={"claude-sonnet-5-5": Price(1.5, 7, 0.1, 2)})
    assert (await opened(cheap)).cost(usage) == pytest.approx(1.5)
    local = ModelSettings("openai", "qwen", LOCAL)
    assert (await opened(local)).cost(usage) is None
    free = ModelSettings("openai", "qwen", LOCAL, prices={"qwen": Price(0, 0, 0, 0)})
    assert (await opened(free)).cost(usage) == 0


async def test_what_is_known_of_a_model_is_used():
    model = await opened(ModelSettings(max_tokens=1000))
    context = await model.context()
    assert context is not None
    assert (context.tokens, context.source) == (1_000_000, "catalogue")
    assert await model.room() == 999_000
    question = Request((), (Message("user", "x = 1\n" * 60_000),))  # a hundred thousand, estimated
    assert model.estimate(question) == pytest.approx(130_000, rel=0.01), "a denser tokenizer"
    reserve = model.reserve(question)
    assert reserve.tokens == pytest.approx(163_500, rel=0.01)
    assert reserve.usd == pytest.approx((162_500 * 2.5 + 1000 * 10) / 1e6, rel=0.01)


def scripted(folder: Path, name: str, text: str) -> ModelSettings:
    path = folder / f"{name}.toml"
    turns = f'[[turns]]\ntext = "{text}"\n' * 3
    path.write_text(f'model = "{name}"\n{turns}', "utf-8")
    return ModelSettings("scripted", script=path)


async def test_each_model_is_opened_once_and_all_are_closed(tmp_path: Path):
    second = scripted(tmp_path, "second", "b")
    first = scripted(tmp_path, "first", "a")
    settings = ModelSettings("scripted", script=first.script, fallback=(second,))
    cell = ModelCell(settings)

    async def agree(_from: object, _to: object, _error: ModelError) -> bool:
        return True

    models = await asyncio.gather(cell.open(), cell.open(), cell.small())
    assert len({id(model) for model in models}) == 1
    fallback = cell.fallback(agree)
    assert await fallback.model() is models[0]
    assert cell.fallback(agree) is not fallback, "each session has its own"
    await cell.close()
    with pytest.raises(ModelError):
        async for _ in models[0].stream(Request((), (Message("user", "a"),))):
            pass
    assert await cell.open() is not models[0]
    await cell.close()


async def test_no_model_is_said_in_a_sentence():
    with pytest.raises(ModelError, match=r"Set model\.provider"):
        await ModelCell(ModelSettings("none")).open()
