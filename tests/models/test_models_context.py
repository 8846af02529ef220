"""What a server of one's own holds, and that nothing is sent which it would cut."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from fixwright.models.context import Context, ContextFinder
from fixwright.models.errors import Endpoint
from fixwright.models.factory import ModelSettings, open_model
from fixwright.models.json_reading import as_object
from fixwright.models.scripted import ScriptedServer, parse_script
from fixwright.models.scripted.anthropic_wire import AnthropicWire
from fixwright.models.scripted.openai_wire import OpenAIWire
from fixwright.models.scripted.replies import Reply
from fixwright.models.scripted.script import Turn
from fixwright.models.types import Done, Message, ModelError, Request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from fixwright.models.model import Model

TEXT = "x = 1\n" * 600  # a thousand tokens
ANSWER = {"/v1/chat/completions": OpenAIWire(), "/v1/messages": AnthropicWire()}


class Machine:
    """A model server: answers questions, and says of itself what `pages` hold, by path."""

    def __init__(self, pages: Mapping[str, object]) -> None:
        self.pages = dict(pages)
        self.loads: object = None
        self.asked: list[str] = []
        self.questions: list[dict[str, object]] = []
        self.url = ""
        self.down = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.down:
            writer.close()
            return
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split()[1].decode()
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
             if line.startswith(b"content-length")), 0,
        )  # fmt: skip
        body = as_object(json.loads(await reader.readexactly(length) or b"{}"))
        self.asked.append(path)
        kind, status = "application/json", 200
        if path in ANSWER:
            self.questions.append(body)
            reply = Reply(Turn(text="Yes."), "m", 1)
            kind, said = "text/event-stream", b"".join(ANSWER[path].events(reply))
        elif path == "/api/generate":
            assert "prompt" not in body
            self.pages["/api/ps"] = self.loads
            said = b'{"done": true, "done_reason": "load"}'
        elif path in self.pages:
            said = json.dumps(self.pages[path]).encode()
        else:
            status, said = 404, b"404 page not found"
        writer.write(
            f"HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\ncontent-length: {len(said)}\r\n"
            "connection: close\r\n\r\n".encode()
            + said
        )
        await writer.drain()
        writer.close()


@asynccontextmanager
async def machine(pages: Mapping[str, object]) -> AsyncGenerator[Machine]:
    made = Machine(pages)
    server = await asyncio.start_server(made._serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()


def running(size: int, name: str = "m:latest") -> dict[str, Any]:
    others = {"name": "else:1", "context_length": 1}
    return {"models": [others, {"name": name, "context_length": size}]}


SERVERS = [
    pytest.param({"/api/ps": running(4096)}, "ollama", True, id="ollama"),
    pytest.param(
        {"/props": {"default_generation_settings": {"n_ctx": 4096}},
         "/v1/models": {"data": [{"id": "m", "meta": {"n_ctx_train": 131072}}]}},
        "llama.cpp", False, id="llama.cpp",
    ),
    pytest.param(
        {"/api/v0/models": {"data": [
            {"id": "m", "loaded_context_length": 4096, "max_context_length": 131072}]},
         "/v1/models": {"data": [{"id": "m"}]}},
        "lmstudio", True, id="lmstudio",
    ),
    pytest.param(
        {"/v1/models": {"data": [
            {"id": "n", "max_model_len": 9}, {"id": "m", "max_model_len": 4096}]}},
        "other", False, id="vllm",
    ),
    pytest.param(
        {"/v1/models": {"data": [{"id": "m", "context_length": 4096}]}},
        "other", False, id="openrouter",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("pages", "server", "cuts"), SERVERS)
@pytest.mark.parametrize("path", ["/v1", ""])
async def test_each_kind_of_server_is_asked_in_its_way(
    pages: dict[str, object], server: str, cuts: bool, path: str
):
    async with machine(pages) as made:
        endpoint = Endpoint("it", f"{made.url}{path}", "m", "nothing")
        finder = ContextFinder(endpoint, "none", ask=True)
        found = await finder.find()
        assert found is not None
        assert (found.tokens, found.source, found.server, found.cuts) == (
            4096, "server", server, cuts,
        )  # fmt: skip
        before = len(made.asked)
        assert await finder.find() == found
        assert (len(made.asked) > before) == (server == "ollama"), "only Ollama reloads by itself"
        await finder.close()


async def test_ollama_loads_the_model_first_as_the_question_would():
    async with machine({"/api/ps": {"models": []}}) as made:
        made.loads = running(8192)
        finder = ContextFinder(Endpoint("it", f"{made.url}/v1", "m", ""), "none", ask=True)
        found = await finder.find()
        assert found == Context(8192, "server", "ollama", cuts=True)
        assert made.asked[-2:] == ["/api/generate", "/api/ps"]
        await finder.close()


@pytest.mark.parametrize(
    ("stated", "known", "expected"),
    [
        (2048, None, Context(2048, "settings", "ollama", cuts=True)),
        (9999, None, Context(4096, "server", "ollama", cuts=True)),
        (None, 1_000_000, Context(4096, "server", "ollama", cuts=True)),
    ],
)
async def test_the_smaller_of_what_is_said_counts(
    stated: int | None, known: int | None, expected: Context
):
    async with machine({"/api/ps": running(4096)}) as made:
        endpoint = Endpoint("it", f"{made.url}/v1", "m", "")
        finder = ContextFinder(endpoint, "none", stated=stated, known=known, ask=True)
        assert await finder.find() == expected
        await finder.close()


@pytest.mark.parametrize("pages", [{}, {"/v1/models": [1]}, {"/props": {"a": "b"}}])
async def test_a_server_that_does_not_tell_is_not_asked_again(pages: dict[str, object]):
    async with machine(pages) as made:
        finder = ContextFinder(Endpoint("it", f"{made.url}/v1", "m", ""), "none", ask=True)
        assert await finder.find() is None
        asked = len(made.asked)
        assert await finder.find() is None
        assert len(made.asked) == asked
        await finder.close()


async def test_who_could_not_tell_yet_is_asked_again():
    async with machine({"/api/ps": {"models": [{"name": 5}]}}) as made:
        made.loads = {"models": []}  # the model is not there to be loaded
        finder = ContextFinder(Endpoint("it", f"{made.url}/v1", "m", ""), "none", ask=True)
        assert await finder.find() is None
        made.loads = running(8192)
        assert await finder.find() == Context(8192, "server", "ollama", cuts=True)
        made.down = True
        assert await finder.find() is None, "it is starting anew"
        made.down = False
        assert await finder.find() is not None
        await finder.close()


async def test_a_vendor_is_not_asked():
    endpoint = Endpoint("Anthropic", "http://127.0.0.1:9", "m", "")
    assert await ContextFinder(endpoint, "k", known=5000).find() == Context(5000, "catalogue")
    stated = ContextFinder(endpoint, "k", stated=3000, known=5000)
    assert await stated.find() == Context(3000, "settings")
    assert await ContextFinder(endpoint, "k").find() is None


def settings(made: Machine, protocol: str = "openai", **more: Any) -> ModelSettings:
    url = f"{made.url}/v1" if protocol == "openai" else made.url
    provider = "openai" if protocol == "openai" else "anthropic"
    return ModelSettings(provider, "m", base_url=url, **more)


async def told(model: Model, request: Request) -> Done:
    """The end of an answer."""
    *_, done = [item async for item in model.stream(request)]
    assert isinstance(done, Done)
    return done


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
async def test_what_would_be_cut_is_refused_and_not_sent(protocol: str):
    async with machine({"/api/ps": running(4096)}) as made:
        model = await open_model(settings(made, protocol, max_tokens=500), {})
        assert model is not None
        with pytest.raises(ModelError, match="holds 4,096") as caught:
            await told(model, Request((TEXT,), (Message("user", TEXT * 2),)))
        assert (caught.value.kind, caught.value.retryable) == ("too_large", False)
        said = str(caught.value)
        assert "about 3,00" in said
        assert "drop a part unseen" in said
        assert "OLLAMA_CONTEXT_LENGTH" in said
        assert "new session" in said
        assert made.questions == []
        await told(model, Request((), (Message("user", TEXT),)))
        assert made.questions[0]["max_tokens"] == 500
        await model.close()


async def test_the_answers_limit_is_lowered_to_the_room_that_is_left():
    async with machine({"/v1/models": {"data": [{"id": "m", "max_model_len": 4096}]}}) as made:
        model = await open_model(settings(made, max_tokens=8192), {})
        assert model is not None
        assert await model.room() == 3072
        await told(model, Request((), (Message("user", TEXT),)))
        limit = made.questions[0]["max_tokens"]
        assert isinstance(limit, int)
        assert 2700 < limit < 3000
        await model.close()


async def test_a_server_without_usage_is_counted_by_the_estimate():
    turns = [{"text": TEXT, "usage": {"input": 0, "output": 0}}]
    async with ScriptedServer(parse_script({"protocol": "openai", "turns": turns})) as server:
        model = await open_model(ModelSettings("openai", "m", base_url=f"{server.url}/v1"), {})
        assert model is not None
        done = await told(model, Request((), (Message("user", TEXT),)))
        assert done.usage.input == pytest.approx(1000, rel=0.05)
        assert done.usage.output == pytest.approx(1000, rel=0.2)
        assert model.gauge.ratio(model.key) == 1, "an estimate teaches nothing"
        await model.close()


async def test_answers_teach_what_the_next_question_takes():
    turns = [{"text": "a", "usage": {"input": 1000, "cache_read": 6000, "cache_write": 500}}] * 3
    async with ScriptedServer(parse_script({"turns": turns})) as server:
        model = await open_model(ModelSettings("anthropic", "m", base_url=server.url), {})
        assert model is not None
        question = Request((), (Message("user", TEXT * 5),))
        before = model.estimate(question)
        for _ in range(3):
            await told(model, question)
        assert before == pytest.approx(5000, rel=0.01)
        assert model.estimate(question) == pytest.approx(7200, rel=0.03)
        reserve = model.reserve(question)
        assert reserve.usd is None, "no price is known for it"
        assert reserve.tokens > 7200 + model.max_tokens
        await model.close()
