"""Which provider the settings choose, where its key comes from, and what stays unloaded."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from fixwright.models import Model, ModelError, ModelSettings, open_model
from fixwright.models.credentials import ApiKey, find_key
from fixwright.models.factory import ANTHROPIC_MODEL, OPENAI_MODEL, OpenAIProtocol
from fixwright.models.scripted.provider import ScriptedProvider
from fixwright.models.types import Done
from models.model_stage import ASK

if TYPE_CHECKING:
    from pathlib import Path

BOTH = {"ANTHROPIC_API_KEY": "sk-ant-1", "OPENAI_API_KEY": "sk-oai-1"}
OPENAI_ONLY = {"OPENAI_API_KEY": "sk-oai-1", "ANTHROPIC_API_KEY": " "}


async def opened(settings: ModelSettings, environ: dict[str, str]) -> Model:
    provider = await open_model(settings, environ)
    assert provider is not None
    await provider.close()
    return provider


async def test_the_keys_in_the_environment_choose_the_provider():
    anthropic = await opened(ModelSettings(), BOTH)
    assert anthropic.key == f"anthropic:https://api.anthropic.com:{ANTHROPIC_MODEL}"
    openai = await opened(ModelSettings(), OPENAI_ONLY)
    assert openai.key == f"responses:https://api.openai.com/v1:{OPENAI_MODEL}"
    assert await open_model(ModelSettings(), {}) is None


async def test_the_settings_choose_before_the_environment_does():
    provider = await opened(ModelSettings(provider="openai", name="gpt-x"), BOTH)
    assert provider.model == "gpt-x"
    assert provider.key.startswith("responses:")
    assert await open_model(ModelSettings(provider="none"), BOTH) is None


@pytest.mark.parametrize(
    ("base_url", "protocol", "key"),
    [
        (None, "chat", "openai:"),
        ("http://localhost:1/v1", "auto", "openai:"),
        ("http://localhost:1/v1", "responses", "responses:"),
    ],
)
async def test_a_compatible_server_is_spoken_to_in_the_protocol_that_all_of_them_know(
    base_url: str | None, protocol: OpenAIProtocol, key: str
):
    settings = ModelSettings("openai", "m", base_url=base_url, protocol=protocol)
    assert (await opened(settings, BOTH)).key.startswith(key)


@pytest.mark.parametrize(
    ("provider", "variable"),
    [("anthropic", "ANTHROPIC_API_KEY"), ("openai", "OPENAI_API_KEY")],
)
async def test_a_missing_key_is_said_before_anything_is_sent(provider: str, variable: str):
    settings = ModelSettings(provider="openai" if provider == "openai" else "anthropic")
    with pytest.raises(ModelError, match=f"{variable} is not set") as caught:
        await open_model(settings, {})
    assert caught.value.kind == "auth"


async def test_a_server_of_ones_own_needs_no_key():
    settings = ModelSettings("openai", "llama", "http://localhost:11434/v1/")
    provider = await opened(settings, {})
    assert provider.key == "openai:http://localhost:11434/v1:llama"


@pytest.mark.parametrize(
    "settings",
    [
        ModelSettings("openai", "m", "localhost:11434"),
        ModelSettings("openai", "m", "file:///etc/passwd"),
        ModelSettings("openai", "m", "https://me:secret@host/v1"),
        ModelSettings("openai", None, "http://localhost:11434/v1"),
        ModelSettings(base_url="http://localhost:11434/v1"),
        ModelSettings(api_key_command=("print-key",)),
        ModelSettings("scripted"),
    ],
)
async def test_settings_that_cannot_work_are_refused(settings: ModelSettings):
    with pytest.raises(ModelError, match=r"model\.\w+") as caught:
        await open_model(settings, BOTH)
    assert caught.value.kind == "settings"


@pytest.mark.parametrize(
    "settings",
    [
        ModelSettings(name="m", base_url="http://127.0.0.1:9"),
        ModelSettings(api_key_command=(sys.executable, "-c", "print('sk-of-somebody')")),
    ],
)
async def test_whose_key_or_server_it_is_is_never_guessed(settings: ModelSettings):
    with pytest.raises(ModelError, match="not whose model it is for"):
        await open_model(settings, BOTH)


def printing(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


async def test_a_command_gives_the_key_before_the_environment_does():
    key = await find_key("K", printing("print('sk-from-command')"), {"K": "sk-env"})
    assert key == ApiKey("sk-from-command", "model.apiKeyCommand")
    assert "sk-from-command" not in repr(key)
    assert await find_key("K", (), {"K": " sk-env\n"}) == ApiKey("sk-env", "K")
    assert await find_key("K", (), {}) is None


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (("no-such-program-anywhere",), "cannot be started"),
        (
            printing("import sys; sys.exit('locked: unlock the vault')"),
            "exit code 1: locked: unlock the vault",
        ),
        (printing(""), "printed no key"),
        (printing("print('two words')"), "printed no key"),
    ],
)
async def test_a_command_that_gives_no_key_is_named(command: tuple[str, ...], complaint: str):
    with pytest.raises(ModelError, match=complaint) as caught:
        await find_key("K", command, {})
    assert caught.value.kind == "settings"
    assert command[0] in str(caught.value)


async def test_a_command_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fixwright.models.credentials.COMMAND_SECONDS", 0.2)
    with pytest.raises(ModelError, match="took longer"):
        await find_key("K", printing("import time; time.sleep(600)"), {})


@pytest.mark.parametrize("protocol", ["anthropic", "openai"])
async def test_the_scripted_provider_plays_its_file(tmp_path: Path, protocol: str):
    path = tmp_path / "script.toml"
    path.write_text(f'protocol = "{protocol}"\n[[turns]]\ntext = "Hello."\n', "utf-8")
    provider = await open_model(ModelSettings("scripted", script=path), {})
    assert provider is not None
    assert isinstance(provider.provider, ScriptedProvider)
    assert provider.key.startswith(f"{protocol}:http://127.0.0.1:")
    *_, done = [item async for item in provider.stream(ASK)]
    await provider.close()
    assert isinstance(done, Done)
    assert done.message.text == "Hello."


async def test_a_bad_script_is_a_matter_of_settings(tmp_path: Path):
    path = tmp_path / "script.toml"
    path.write_text("turns = 5\n", "utf-8")
    with pytest.raises(ModelError, match=r"script\.toml is not valid:\n- turns: ") as caught:
        await open_model(ModelSettings("scripted", script=path), {})
    assert caught.value.kind == "settings"


def in_a_fresh_interpreter(code: str) -> str:
    command = [sys.executable, "-c", code]
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONPATH": path}
    )
    return done.stdout.strip()


def test_importing_the_package_imports_no_sdk():
    heavy = "{'anthropic', 'openai', 'httpx2', 'pydantic', 'anyio'}"
    code = f"import sys, fixwright.models; print(sorted({heavy} & set(sys.modules)))"
    assert in_a_fresh_interpreter(code) == "[]"


def test_only_the_sdk_that_is_used_is_imported():
    code = """
import asyncio, sys
from fixwright.models import ModelSettings, open_model
asyncio.run(open_model(ModelSettings(), {"OPENAI_API_KEY": "k"}))
print(sorted({"anthropic", "openai"} & set(sys.modules)))
"""
    assert in_a_fresh_interpreter(code) == "['openai']"


def test_the_garbage_collector_never_looks_at_an_sdk_again():
    code = """
import asyncio, gc
from fixwright.models import ModelSettings, open_model
asyncio.run(open_model(ModelSettings(), {"OPENAI_API_KEY": "k"}))
print(gc.isenabled(), gc.get_freeze_count() > 50_000, len(gc.get_objects()) < 20_000)
"""
    assert in_a_fresh_interpreter(code) == "True True True"
