"""Tools from elsewhere: what is installed, what a repository wishes for, and their life."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fixwright.agent.desk import Ask, nobody
from fixwright.agent.plugins.life import Found, found_plugins, joined
from fixwright.agent.plugins.servers import users_servers
from fixwright.agent.plugins.wishes import LEAVE, TRUST, trusted_servers, wishes_of
from fixwright.agent.policy.policy import Policy
from fixwright.agent.policy.rules import Rule
from fixwright.agent.session import tools_for
from fixwright.agent.tools.registry import Registry, Tool, installed_plugins
from fixwright.agent.tools.spec import Action
from fixwright.agent_config import AgentConfig, ServerConfig

STRANGER = """
from pathlib import Path

Path(__file__).with_name("imported").touch()


class Tool:
    description = "Looks something up."
    schema = {"type": "object", "properties": {}}

    def __init__(self, name, effect):
        self.name, self.effect = name, effect

    def action(self, arguments, desk):
        raise NotImplementedError

    async def call(self, arguments, desk):
        raise NotImplementedError


class Stranger:
    name = "stranger"

    def __init__(self):
        self.log = Path(__file__).with_name("log")

    async def enable(self):
        self.log.open("a").write("enabled ")
        tools = [("z_act", "outside"), ("a_look", "read"), ("bad name!", "read"), ("rm", "draft")]
        return tuple(Tool(*each) for each in tools)

    async def disable(self):
        self.log.open("a").write("disabled ")


class Clash(Stranger):
    name = "clash"

    async def enable(self):
        return (Tool("read", "read"),)


class Broken(Stranger):
    name = "broken"

    async def enable(self):
        raise RuntimeError("no licence")

    async def disable(self):
        raise RuntimeError("nor an end")


def unloadable():
    raise RuntimeError("not today")
"""
ENTRIES = ["Stranger stranger", "Clash clash", "Broken broken", "unloadable unloadable"]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for packages in which one is installed."""
    where = tmp_path / "site"
    info = where / "stranger-1.0.dist-info"
    info.mkdir(parents=True)
    (where / "stranger_tools.py").write_text(STRANGER)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    lines = (f"{name} = stranger_tools:{kind}\n" for kind, name in map(str.split, ENTRIES))
    (info / "entry_points.txt").write_text("[fixwright.tools]\n" + "".join(lines))
    monkeypatch.syspath_prepend(str(where))
    monkeypatch.delitem(sys.modules, "stranger_tools", raising=False)
    return where


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, and a data folder that is nobody's."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


def agent(**values: object) -> AgentConfig:
    return AgentConfig.model_validate(values)


async def none_but(site: Path, *names: str) -> Found:
    return await found_plugins(agent(plugins=dict.fromkeys(names, True)), [], nobody)


def answering(answer: str, asked: list[str]) -> Ask:
    async def ask(question: str, answers: Sequence[str]) -> str | None:
        asked.append(question)
        return answer if answer in answers else None

    return ask


# ---- what is installed -------------------------------------------------------------------


async def test_an_installed_plugin_joins_the_tools_and_is_stopped_at_the_end(site: Path) -> None:
    tools = tools_for("propose")
    own = list(tools)
    async with joined(tools, await none_but(site, "stranger"), "propose") as remarks:
        assert list(tools) == [*own, "a_look", "z_act"]
        assert len(remarks) == 2
        assert "“bad name!”" in remarks[0] or "bad name!" in remarks[0]
        assert "its effect is draft" in remarks[1]
    assert list(tools) == own
    assert set((site / "log").read_text().split()) == {"enabled", "disabled"}


@pytest.mark.parametrize("plugins", [{}, {"stranger": False}, "stranger=off"])
async def test_what_is_not_switched_on_is_not_even_imported(site: Path, plugins: object) -> None:
    found = await found_plugins(agent(plugins=plugins), [], nobody)
    assert found == Found(())
    assert not (site / "imported").exists()


async def test_a_mode_that_only_looks_takes_tools_that_only_look(site: Path) -> None:
    tools = tools_for("plan")
    own = list(tools)
    async with joined(tools, await none_but(site, "stranger"), "plan"):
        assert list(tools) == [*own, "a_look"]


async def test_the_failure_of_a_plugin_is_named_and_spares_the_others(site: Path) -> None:
    found = await none_but(site, "broken", "clash", "not-there", "stranger", "unloadable")
    missing = [each for each in found.remarks if "is not installed, or can't be loaded" in each]
    assert [each.split()[2] for each in missing] == ["not-there", "unloadable"]
    tools = tools_for("propose")
    own = tools["read"]
    async with joined(tools, found, "propose") as remarks:
        assert tools["read"] is own
        assert "a_look" in tools
        assert any("broken is left out: no licence" in each for each in remarks)
        assert any("brings a tool read, which is there already" in each for each in remarks)


@dataclass
class Part:
    """A plugin that starts at once, or never; how often it was stopped is counted."""

    name: str
    never: bool = False
    started: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: int = 0

    async def enable(self) -> tuple[Tool, ...]:
        self.started.set()
        if self.never:
            await asyncio.Event().wait()
        return ()

    async def disable(self) -> None:
        self.stopped += 1


async def test_a_start_that_is_cancelled_stops_what_runs_already() -> None:
    quick, slow = Part("quick"), Part("slow", never=True)

    async def session() -> None:
        async with joined(Registry(), Found((quick, slow)), "propose"):
            raise AssertionError("one of them never starts")

    task = asyncio.create_task(session())
    async with asyncio.timeout(10):
        await slow.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (quick.stopped, slow.stopped) == (1, 1)


async def test_a_server_that_can_not_be_started_is_named(tmp_path: Path) -> None:
    servers = users_servers({"gone": ServerConfig(command=(str(tmp_path / "gone"),))})
    tools = Registry()
    async with joined(tools, Found(tuple(servers)), "propose") as remarks:
        assert not tools
        (remark,) = remarks
        assert remark.startswith("The MCP server gone is left out: there is no program")


async def test_without_the_sdk_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    servers = users_servers({"a": ServerConfig(command=("true",))})
    async with joined(Registry(), Found(tuple(servers)), "propose") as (remark,):
        assert "pip install 'fixwright[mcp]'" in remark


async def test_a_server_of_no_use_is_not_started(tmp_path: Path) -> None:
    servers = users_servers({"gone": ServerConfig(command=(str(tmp_path / "gone"),))})
    async with joined(Registry(), Found(tuple(servers)), "plan") as remarks:
        assert remarks == ()


def test_what_is_installed_is_found_by_name(site: Path) -> None:
    assert list(installed_plugins(["stranger"])) == ["stranger"]


# ---- what a repository wishes for --------------------------------------------------------


def wished(folder: Path, name: str = "tracker", **entry: object) -> None:
    told = entry or {"command": "python", "args": ["tools/server.py"], "env": {"MODE": "x"}}
    (folder / ".mcp.json").write_text(json.dumps({"mcpServers": {name: told}}))


async def test_a_repositorys_server_is_text_until_it_is_trusted(repository: Path) -> None:
    wished(repository)
    servers, remarks = await trusted_servers([repository], (), nobody)
    assert servers == []
    assert remarks == ["The MCP server tracker of .mcp.json is not trusted, so it is not started."]


async def test_trust_holds_until_a_byte_of_it_changes(repository: Path) -> None:
    (repository / "tools").mkdir()
    (repository / "tools/server.py").write_text("1")
    wished(repository)
    asked: list[str] = []
    yes = answering(TRUST, asked)

    async def names() -> list[str]:
        servers, _ = await trusted_servers([repository], (), yes)
        return [each.name for each in servers]

    assert await names() == ["tracker"]
    assert len(asked) == 1
    assert "MODE=x python tools/server.py" in asked[0]
    assert "outside of the sandbox" in asked[0]
    assert await names() == ["tracker"]
    assert len(asked) == 1, "it was trusted"
    (repository / "tools/server.py").write_text("2")
    assert await names() == ["tracker"]
    assert len(asked) == 2, "its script became another"
    wished(repository, command="python", args=["tools/server.py", "--all"])
    assert await names() == ["tracker"]
    assert len(asked) == 3, "its command became another"


async def test_a_no_is_a_no(repository: Path) -> None:
    wished(repository)
    servers, remarks = await trusted_servers([repository], (), answering(LEAVE, []))
    assert servers == []
    assert len(remarks) == 1


async def test_a_repository_can_not_take_the_name_of_the_users_server(repository: Path) -> None:
    wished(repository)
    asked: list[str] = []
    servers, remarks = await trusted_servers([repository], ["tracker"], answering(TRUST, asked))
    assert servers == []
    assert asked == []
    assert "your own settings have one of that name" in remarks[0]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"command": "x", "env": {"A": "${HOME}"}}, "asks for HOME of your environment"),
        ({"url": "https://h/mcp", "headers": {"A": "${KEY}"}}, "asks for KEY of your environment"),
        ({"command": "x", "url": "https://h"}, "must have a command or a url, and not both"),
        ({"url": "file:///etc/passwd"}, "url must begin with http"),
        ({"args": ["x"]}, "must have a command or a url"),
    ],
)
async def test_a_wish_that_is_wrong_is_not_asked_about(
    repository: Path, entry: dict[str, Any], told: str
) -> None:
    wished(repository, **entry)
    asked: list[str] = []
    servers, (remark,) = await trusted_servers([repository], (), answering(TRUST, asked))
    assert (servers, asked) == ([], [])
    assert told in remark


def test_a_name_that_moves_letters_about_is_shown_as_it_is(repository: Path) -> None:
    wished(repository, "a\u202eb")
    (wish,) = wishes_of([repository])
    assert wish.problem is not None


def test_a_repositorys_settings_wish_too_and_are_not_believed(repository: Path) -> None:
    text = '[agent.mcp.own]\ncommand = ["x"]\nreadOnly = true\n'
    (repository / "fixwright.toml").write_text(text)
    (wish,) = wishes_of([repository])
    assert (wish.name, wish.file) == ("own", "fixwright.toml")
    assert not wish.server().may_look


def test_files_that_are_broken_wish_for_nothing(repository: Path) -> None:
    (repository / ".mcp.json").write_text('{"mcpServers": [1')
    (repository / "fixwright.toml").write_text("[agent")
    assert wishes_of([repository]) == []


# ---- permission --------------------------------------------------------------------------


def test_a_servers_tools_are_asked_about_unless_a_rule_names_them() -> None:
    action = Action("mcp__tracker__close", "outside")
    assert Policy().judge(action).judgement.decision == "ask"
    rules = (Rule("allow", "mcp__tracker__*"), Rule("deny", "mcp__tracker__delete"))
    assert Policy(rules=rules).judge(action).judgement.decision == "allow"
    assert Policy("plan", rules=rules).judge(action).judgement.decision == "deny"
    delete = Action("mcp__tracker__delete", "outside")
    assert Policy(rules=rules).judge(delete).judgement.decision == "deny"
