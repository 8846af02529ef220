"""The settings of the agent, and how a workspace's own may narrow them."""

from __future__ import annotations

import functools
import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Literal, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel


class Section(BaseModel):
    """A section of the settings: keys in camelCase, unknown ones are errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True
    )


def _words_of(value: object) -> object:
    """Accept a command line as the environment holds it, besides a list of its words."""
    return shlex.split(value) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_words_of)]


class UnreadEntry(Section):
    """Stands for an entry that is wrong: what it may have held back is still held back."""

    message: str


def _entries_of(value: object) -> object:
    """Accept JSON as the environment holds it, and one entry in place of a list of one."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return [value]
    return list(cast("list[object]", value)) if isinstance(value, list | tuple) else [value]


def _entry_of(kind: type[BaseModel], value: object) -> object:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return UnreadEntry(message=f"{where}: {first['msg']}" if where else first["msg"])


class RuleConfig(Section):
    """What is allowed, asked about or denied; `agent.policy.rules` says when a rule fits."""

    decision: Literal["allow", "ask", "deny"]
    tool: str | None = Field(default=None, min_length=1)
    path: str | None = Field(default=None, min_length=1, max_length=300)
    command: str | None = Field(default=None, min_length=1, max_length=300)

    @field_validator("path")
    @classmethod
    def _is_pattern(cls, path: str | None) -> str | None:
        if path is not None and (path.startswith("!") or not path.strip("/.")):
            raise ValueError("must be a pattern as in .gitignore, without “!”")
        return path

    @field_validator("command")
    @classmethod
    def _is_one_command(cls, command: str | None) -> str | None:
        if command is not None and (set(command) & set(";&|<>()$`\n") or not shlex.split(command)):
            raise ValueError("must be the first words of one command")
        return command


class WorkspaceRule(RuleConfig):
    """A rule that came from a workspace: never one that allows."""

    origin: str


class HookConfig(Section):
    """A program of the user's that is asked before a tool works, or told after it."""

    when: Literal["before", "after"] = "before"
    tool: str = Field(default="*", min_length=1)
    command: Words = Field(min_length=1)
    timeout: float = Field(default=30.0, gt=0, le=600)


class ServerConfig(Section):
    """A server of tools (MCP): a program, or an address. `timeout` is in seconds, for each call."""

    command: Words = ()
    env: dict[str, str] = Field(default_factory=dict)
    """What the program is given besides a bare environment; `${NAME}` is Fixwright's own."""
    url: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    """Of each request to `url`; `${NAME}` as in `env`."""
    read_only: bool = False
    """Believe the server where it says that a tool only looks."""
    tools: Annotated[tuple[str, ...], BeforeValidator(_words_of)] = ("*",)
    """Globs of the server's own names of its tools: what is offered to the model."""
    timeout: float = Field(default=60.0, gt=0, le=3600)

    @model_validator(mode="after")
    def _is_one_kind(self) -> ServerConfig:
        if bool(self.command) == (self.url is not None):
            raise ValueError("must have a command or a url, and not both")
        if self.url is not None and not re.match(r"https?://[^/\s]", self.url):
            raise ValueError("url must begin with http:// or https://")
        if self.headers and self.url is None:
            raise ValueError("headers belong to a url")
        if self.env and not self.command:
            raise ValueError("env belongs to a command")
        return self


SERVER_NAME = re.compile(r"[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*")
"""Of at most 32 characters; without `__`, so that two servers' tools can't share a name."""
_LONGEST_NAME = 32


def server_of(name: str, value: object) -> ServerConfig | UnreadEntry:
    """One server, or what is wrong with it."""
    if len(name) > _LONGEST_NAME or not SERVER_NAME.fullmatch(name):
        told = "its name may have 32 letters and digits, with single “_” or “-” between them"
        return UnreadEntry(message=told)
    return cast("ServerConfig | UnreadEntry", _entry_of(ServerConfig, value))


def _servers_of(value: object) -> object:
    """Accept JSON as the environment holds it; an entry that is wrong spares the others."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return value
    if not isinstance(value, Mapping):
        return value
    servers = cast("Mapping[object, object]", value)
    return {str(name): server_of(str(name), each) for name, each in servers.items()}


def _switches_of(value: object) -> object:
    """Accept `tracker=on,other=off` as the environment holds it, besides a table."""
    if not isinstance(value, str) or "=" not in value:
        return value
    words = {"on": True, "true": True, "off": False, "false": False}
    pairs = (pair.partition("=") for pair in value.split(","))
    return {name.strip(): words.get(word.strip(), word.strip()) for name, _, word in pairs}


_Entries = BeforeValidator(_entries_of)
_Rule = Annotated[
    RuleConfig | UnreadEntry, BeforeValidator(functools.partial(_entry_of, RuleConfig))
]
_Hook = Annotated[
    HookConfig | UnreadEntry, BeforeValidator(functools.partial(_entry_of, HookConfig))
]


class AgentConfig(Section):
    """What the agent may do by itself, and for how long."""

    approval: Literal["ask", "edits", "auto"] = "ask"
    rules: Annotated[tuple[_Rule, ...], _Entries] = ()
    hooks: Annotated[tuple[_Hook, ...], _Entries] = ()
    redact: Annotated[tuple[str, ...], _Entries] = ()
    """Regular expressions of secrets, and names of environment variables that hold one."""
    mcp: Annotated[dict[str, ServerConfig | UnreadEntry], BeforeValidator(_servers_of)] = Field(
        default_factory=dict
    )
    """Servers of tools, by name."""
    plugins: Annotated[dict[str, bool], BeforeValidator(_switches_of)] = Field(default_factory=dict)
    """Installed plugins, by the names of their entry points: those that are on are used."""
    max_turns: int = Field(default=40, gt=0)
    """How often a model is asked in one turn of the user's."""
    max_minutes: float = Field(default=15.0, gt=0)
    max_tokens: int | None = Field(default=None, gt=0)
    instructions: str = ""


def holding_back(
    rules: tuple[RuleConfig | UnreadEntry, ...], origin: str, problems: list[str]
) -> Iterator[RuleConfig | UnreadEntry]:
    """A workspace's rules without those that allow."""
    for number, rule in enumerate(rules, 1):
        if isinstance(rule, UnreadEntry):
            problems.append(_wrong_entry("rules", number, rule, origin))
            yield rule
        elif rule.decision == "allow":
            problems.append(
                f"Rule {number} of agent.rules in {origin} is ignored: a workspace can't allow "
                "anything. Put it into your own settings if you want it."
            )
        else:
            yield WorkspaceRule(**rule.model_dump(), origin=origin)


def wrong_entries(agent: AgentConfig, origin: Callable[[str], str]) -> Iterator[str]:
    """A sentence for each entry that can't be read; `origin` says where a key's value is from."""
    for key, entries in (("rules", agent.rules), ("hooks", agent.hooks)):
        for number, entry in enumerate(entries, 1):
            if isinstance(entry, UnreadEntry):
                yield _wrong_entry(key, number, entry, origin(key))
    for name, server in agent.mcp.items():
        if isinstance(server, UnreadEntry):
            said = server.message.rstrip(".").removeprefix("Value error, ")
            yield f"agent.mcp.{name} in {origin('mcp')} is wrong: {said}. It is not started."
    for pattern in agent.redact:
        try:
            re.compile(pattern)
        except re.error as error:
            yield (
                f"agent.redact: “{pattern}” is no regular expression ({error}). It is taken for a "
                "text that is secret as it stands."
            )


def _wrong_entry(key: str, number: int, entry: UnreadEntry, origin: str) -> str:
    held = {
        "rules": "Until it is right, everything is asked about.",
        "hooks": "Until it is right, it blocks every tool.",
    }
    message = entry.message.rstrip(".")
    return f"Entry {number} of agent.{key} in {origin} is wrong: {message}. {held[key]}"
