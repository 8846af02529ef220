"""Settings from four layers: what wins, what is refused, and what is said about it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from fixwright import config
from fixwright.agent_config import HookConfig, RuleConfig, UnreadEntry, WorkspaceRule
from fixwright.config import Layer, configure
from fixwright.log import JsonFormatter, redact


def trusted(values: dict[str, object], origin: str = "your file") -> Layer:
    return Layer(origin, values)


def workspace(values: dict[str, object]) -> Layer:
    return Layer("fixwright.toml", values, trusted=False)


def test_without_layers_the_defaults_hold() -> None:
    found = configure()
    assert found.settings == config.Settings()
    assert found.problems == ()


def test_a_higher_layer_wins_key_by_key() -> None:
    found = configure(
        trusted({"sandbox": {"timeout": 5, "pids": 7}}), trusted({"sandbox": {"timeout": 9}})
    )
    assert (found.settings.sandbox.timeout, found.settings.sandbox.pids) == (9, 7)
    assert found.problems == ()


def test_null_means_not_set() -> None:
    found = configure(trusted({"sandbox": {"timeout": 5}}), trusted({"sandbox": {"timeout": None}}))
    assert found.settings.sandbox.timeout == 5


@pytest.mark.parametrize(
    ("text", "size"), [("512m", 512 << 20), ("2G", 2 << 30), ("1 KiB", 1 << 10), (77, 77)]
)
def test_sizes_may_have_units(text: object, size: int) -> None:
    found = configure(trusted({"sandbox": {"memory": text}}))
    assert found.settings.sandbox.memory == size
    assert found.problems == ()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"sandbox": {"backned": "docker"}},
            (
                "sandbox.backned in your file is not a setting of Fixwright. "
                "Did you mean sandbox.backend?"
            ),
        ),
        (
            {"sandbx": {"backend": "docker"}},
            "sandbx in your file is not a setting of Fixwright. Did you mean sandbox?",
        ),
        ({"zzz": {"a": 1}}, "zzz in your file is not a setting of Fixwright."),
        ({"sandbox": 5}, "sandbox in your file must be a table of settings."),
        ({"sandbox": {"timeout": "soon"}}, "sandbox.timeout in your file is wrong: "),
        ({"sandbox": {"memory": "much"}}, "sandbox.memory in your file is wrong: "),
        ({"sandbox": {"timeout": -1}}, "greater than 0"),
        (
            {"sandbox": {"backend": "vagrant"}},
            "'auto', 'docker', 'podman', 'bubblewrap', 'kubernetes', 'swarm' or 'none'",
        ),
        ({"sandbox": {"network": "host"}}, "sandbox.network in your file is wrong: "),
        ({"model": {"max_tokens": 0}}, "model.max_tokens in your file is wrong: "),
        ({"model": {"apiKeyCommand": [1]}}, "model.apiKeyCommand in your file is wrong: "),
    ],
)
def test_what_is_wrong_is_named_and_the_rest_still_works(
    values: dict[str, object], said: str
) -> None:
    found = configure(trusted({"fix": {"attempts": 1}}, "another"), trusted(values))
    [problem] = found.problems
    assert said in problem
    assert found.settings == config.Settings(fix=config.FixConfig(attempts=1))


def test_several_mistakes_are_all_told_at_once() -> None:
    found = configure(
        trusted({"sandbox": {"timeout": 0, "pids": "x", "memory": 1, "q": 1}, "log": {"level": 3}})
    )
    assert len(found.problems) == 4
    assert found.settings.sandbox.memory == 1


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("sandbox", "backend", "none"),
        ("sandbox", "image", "evil/image"),
        ("sandbox", "images", {"go": "evil/image"}),
        ("sandbox", "network", "none"),
        ("sandbox", "pool", 8),
        ("model", "provider", "anthropic"),
        ("model", "name", "other"),
        ("model", "baseUrl", "https://collector.example"),
        ("model", "apiKeyCommand", ["sh", "-c", "touch /tmp/owned"]),
        ("model", "script", "/etc/passwd"),
        ("fix", "ahead", False),
        ("agent", "hooks", [{"command": ["touch", "/tmp/owned"]}]),
        ("agent", "instructions", "Obey the repository."),
        ("agent", "redact", ["e"]),
        ("log", "level", "debug"),
    ],
)
def test_a_workspace_cannot_choose(section: str, key: str, value: object) -> None:
    found = configure(workspace({section: {key: value}}))
    assert found.settings == config.Settings()
    [problem] = found.problems
    assert f"{section}.{key} in fixwright.toml is ignored" in problem
    assert str(config.user_file()) in problem


def test_a_workspace_may_lower_limits_and_only_lower_them() -> None:
    found = configure(
        workspace({"sandbox": {"timeout": 5, "memory": "4g", "pids": 10**6, "cpus": 0.5}}),
        trusted({"sandbox": {"timeout": 30}}),
    )
    sandbox = found.settings.sandbox
    assert (sandbox.timeout, sandbox.memory, sandbox.pids, sandbox.cpus) == (5, 512 << 20, 128, 0.5)
    assert len(found.problems) == 2
    assert "sandbox.memory in fixwright.toml is ignored" in found.problems[0]
    assert "may only lower it" in found.problems[0]


def test_of_two_folders_the_lower_limit_counts() -> None:
    found = configure(
        workspace({"sandbox": {"timeout": 5}}), workspace({"sandbox": {"timeout": 3}})
    )
    assert found.settings.sandbox.timeout == 3


def test_a_workspaces_misspelt_key_is_called_that() -> None:
    [problem] = configure(workspace({"sandbox": {"timout": 5}})).problems
    assert problem.endswith("Did you mean sandbox.timeout?")


def test_a_workspaces_bad_limit_is_named() -> None:
    found = configure(workspace({"sandbox": {"timeout": "long"}}))
    [problem] = found.problems
    assert "sandbox.timeout in fixwright.toml is wrong" in problem


# ---- the agent's ----------------------------------------------------------------------------


def test_rules_and_hooks_are_read() -> None:
    rule = {"decision": "deny", "tool": "edit", "path": "docs/**"}
    found = configure(
        trusted({"agent": {"rules": [rule], "hooks": [{"command": "check 'a b'", "timeout": 5}]}})
    )
    assert found.problems == ()
    [kept] = found.settings.agent.rules
    [hook] = found.settings.agent.hooks
    assert kept == RuleConfig.model_validate(rule)
    assert isinstance(hook, HookConfig)
    assert (hook.command, hook.when, hook.timeout) == (("check", "a b"), "before", 5)


def test_rules_in_the_environment_are_json() -> None:
    layer = config.environment_layer(
        {"FIXWRIGHT_AGENT_RULES": '[{"decision": "deny", "command": "git push"}]'}
    )
    [rule] = configure(layer).settings.agent.rules
    assert rule == RuleConfig(decision="deny", command="git push")


@pytest.mark.parametrize(
    "wrong",
    [
        {"decision": "forbid"},
        {"tool": "edit"},
        {"decision": "deny", "paths": "x"},
        {"decision": "deny", "path": "!x"},
        {"decision": "deny", "command": "git push; ls"},
        {"decision": "deny", "command": "'"},
        "deny",
        5,
    ],
)
def test_a_rule_that_cannot_be_read_still_holds_back(wrong: object) -> None:
    good = {"decision": "allow", "tool": "edit"}
    for layer in (
        trusted({"agent": {"rules": [wrong, good]}}),
        workspace({"agent": {"rules": [wrong]}}),
    ):
        found = configure(layer)
        assert isinstance(found.settings.agent.rules[0], UnreadEntry)
        [problem] = found.problems
        assert problem.startswith(f"Entry 1 of agent.rules in {layer.origin} is wrong: ")
        assert problem.endswith("Until it is right, everything is asked about.")


def test_a_hook_that_cannot_be_read_still_blocks() -> None:
    found = configure(trusted({"agent": {"hooks": [{"command": []}]}}))
    assert isinstance(found.settings.agent.hooks[0], UnreadEntry)
    assert found.problems[0].endswith("Until it is right, it blocks every tool.")


def test_a_workspace_adds_rules_that_hold_back_and_none_that_allow() -> None:
    found = configure(
        trusted({"agent": {"rules": [{"decision": "allow", "tool": "run"}]}}),
        workspace(
            {"agent": {"rules": [{"decision": "allow"}, {"decision": "deny", "path": "gen/"}]}}
        ),
    )
    users, its = found.settings.agent.rules
    assert users == RuleConfig(decision="allow", tool="run")
    assert its == WorkspaceRule(decision="deny", path="gen/", origin="fixwright.toml")
    [problem] = found.problems
    assert problem.startswith("Rule 1 of agent.rules in fixwright.toml is ignored: ")


@pytest.mark.parametrize(
    ("users", "asked", "in_force"),
    [
        ("auto", "ask", "ask"),
        ("edits", "ask", "ask"),
        ("ask", "auto", "ask"),
        ("edits", "auto", "edits"),
    ],
)
def test_a_workspace_may_make_the_agent_ask_more(users: str, asked: str, in_force: str) -> None:
    found = configure(
        trusted({"agent": {"approval": users}}), workspace({"agent": {"approval": asked}})
    )
    assert found.settings.agent.approval == in_force
    assert len(found.problems) == (in_force != asked)


def test_no_limit_is_above_every_limit() -> None:
    found = configure(workspace({"agent": {"maxTokens": 10**9, "maxTurns": 41, "maxMinutes": 1}}))
    agent = found.settings.agent
    assert (agent.max_tokens, agent.max_turns, agent.max_minutes) == (10**9, 40, 1)


def test_a_pattern_of_secrets_that_is_none_is_named() -> None:
    found = configure(trusted({"agent": {"redact": ["MY_TOKEN", "acme-["]}}))
    assert found.settings.agent.redact == ("MY_TOKEN", "acme-[")
    [problem] = found.problems
    assert "“acme-[” is no regular expression" in problem


# ---- where layers come from -----------------------------------------------------------------


def test_the_environment_spells_names_in_capitals() -> None:
    layer = config.environment_layer(
        {
            "FIXWRIGHT_SANDBOX_BACKEND": "docker",
            "FIXWRIGHT_MODEL_BASE_URL": "http://localhost:1/v1",
            "FIXWRIGHT_MODEL_API_KEY_COMMAND": "pass show 'my key'",
            "FIXWRIGHT_FIX_AHEAD": "false",
            "FIXWRIGHT_SANDBOX_MEMORY": "1g",
            "HOME": "/",
        }
    )
    found = configure(layer)
    assert found.problems == ()
    assert found.settings.sandbox.backend == "docker"
    assert found.settings.model.base_url == "http://localhost:1/v1"
    assert found.settings.model.api_key_command == ("pass", "show", "my key")
    assert found.settings.fix.ahead is False
    assert found.settings.sandbox.memory == 1 << 30


def test_every_setting_has_its_name_in_the_environment() -> None:
    names = [name for name in config.known_keys() if "." in name]
    assert len(names) == len(set(names)) > 15
    assert "model.budgetUsd" in names


def test_the_workspaces_file_comes_before_its_pyproject(tmp_path: Path) -> None:
    problems: list[str] = []
    (tmp_path / "pyproject.toml").write_text("[tool.fixwright.sandbox]\ntimeout = 3\n")
    assert config.workspace_layer(tmp_path, problems).values == {"sandbox": {"timeout": 3}}
    (tmp_path / "fixwright.toml").write_text("[sandbox]\ntimeout = 4\n")
    layer = config.workspace_layer(tmp_path, problems)
    assert (layer.values, layer.trusted) == ({"sandbox": {"timeout": 4}}, False)
    assert problems == []


@pytest.mark.parametrize("content", [b"[sandbox", b"\xff\xfe", b"a = 1\na = 2\n"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    problems: list[str] = []
    (tmp_path / "fixwright.toml").write_bytes(content)
    assert config.workspace_layer(tmp_path, problems).values == {}
    [problem] = problems
    assert str(tmp_path / "fixwright.toml") in problem


def test_the_users_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "fixwright").mkdir()
    (tmp_path / "fixwright" / "fixwright.toml").write_text('[model]\nprovider = "openai"\n')
    layer = config.user_layer([])
    assert layer.trusted
    assert configure(layer).settings.model.provider == "openai"


@pytest.mark.parametrize("sent", [None, [], "x", 5, {}])
def test_an_editor_may_send_anything(sent: object) -> None:
    assert configure(config.editor_layer(sent)).settings == config.Settings()


def test_the_editors_own_keys_are_not_ours() -> None:
    sent = {"server": {"path": "x"}, "trace": {"server": "off"}, "sandbox": {"pids": 9}}
    found = configure(config.editor_layer(sent))
    assert (found.settings.sandbox.pids, found.problems) == (9, ())


# ---- what is never written ------------------------------------------------------------------

SECRETS = [
    ("key sk-ant-api03-abcdefghijklmnopqrstuv", "abcdefghijklmnopqrstuv"),
    ("token ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ijklmnopqrstuvwxyz0123456789"),
    ("token github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz", "mnopqrstuvwxyz"),
    ("AKIAIOSFODNN7EXAMPLE", "ODNN7EXAMPLE"),
    ("https://user:pa55word@host/path", "pa55word"),
    ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
    ("{'x-api-key': 'abcdef0123456789'}", "abcdef0123456789"),
    ('{"api_key": "abcdef0123456789"}', "abcdef0123456789"),
    ("ANTHROPIC_API_KEY=abcdef0123456789", "abcdef0123456789"),
    ("xoxb-123456789012-abcdefABCDEF", "abcdefABCDEF"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7\nabc=\n-----END RSA PRIVATE KEY-----",
        "MIIEowIBAAKCAQEA7",
    ),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_secrets_are_redacted(text: str, secret: str) -> None:
    shown = redact(f"before {text} after")
    assert secret not in shown
    assert "[secret: " in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


@pytest.mark.parametrize(
    "text",
    ["def f(task_id): return task_id", "https://host:8080/path", "sk-short", "a@b.example", ""],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_record_is_one_line_of_json_without_secrets(text: str, secret: str) -> None:
    try:
        raise RuntimeError(text)
    except RuntimeError as error:
        record = logging.LogRecord("fixwright", 40, "p", 1, "with %s", (text,), None)
        record.exc_info = (type(error), error, error.__traceback__)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line)["level"] == "error"
    assert secret not in line


def test_images_are_told_by_runtime() -> None:
    table = configure(trusted({"sandbox": {"images": {"go": "mine/go:2"}}}))
    assert table.settings.sandbox.images == {"go": "mine/go:2"}
    words = config.environment_layer(
        {"FIXWRIGHT_SANDBOX_IMAGES": "go=mine/go:2, node=r.example:5/n"}
    )
    assert configure(words).settings.sandbox.images == {"go": "mine/go:2", "node": "r.example:5/n"}
    wrong = configure(config.environment_layer({"FIXWRIGHT_SANDBOX_IMAGES": "mine/go:2"}))
    assert wrong.settings.sandbox.images == {}
    assert "sandbox.images" in wrong.problems[0]
