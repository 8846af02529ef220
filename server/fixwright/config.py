"""Configuration: four layers, one validated result, and a sentence for everything wrong in them.

Lowest first: the workspace (`fixwright.toml`, or `[tool.fixwright]` in `pyproject.toml`), the
user's file, the environment (`FIXWRIGHT_SECTION_KEY`), the editor's settings (section `fixwright`).
A bad value is reported and left out; the rest still works. The workspace layer is not trusted: it
may narrow what is allowed, never widen it.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, cast

import platformdirs
from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from fixwright.agent_config import AgentConfig, Section, holding_back, wrong_entries
from fixwright.json_reading import as_object
from fixwright.model_config import ModelConfig

Values = dict[str, object]
"""One layer: section -> key -> value, keys as they are written (camelCase)."""


def _bytes_of(value: object) -> object:
    """Accept `512m`, `2g` and the like besides a number of bytes."""
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+)\s*([kmg]?)i?b?", value.lower())):
        return int(match[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[match[2]]
    return value


def _pairs_of(value: object) -> object:
    """Accept `go=image,node=image` as the environment holds it, besides a table."""
    pairs = value.split(",") if isinstance(value, str) else []
    if not pairs or not all("=" in pair for pair in pairs):
        return value
    return {name.strip(): image.strip() for name, _, image in (p.partition("=") for p in pairs)}


def _features_of(value: object) -> object:
    """Accept `hover=off,calls=on` as the environment holds it, besides a table."""
    if not isinstance(value, str) or "=" not in value:
        return value
    words = {"on": True, "true": True, "off": False, "false": False}
    pairs = (pair.partition("=") for pair in value.split(","))
    return {name.strip(): words.get(word.strip(), word.strip()) for name, _, word in pairs}


FeatureName = Literal[
    "symbols", "definition", "references", "highlight", "hover", "folding", "selection", "calls"
]
"""What the index gives an editor."""

Features = Annotated[
    Literal["auto", "all", "off"] | dict[FeatureName, Literal["auto"] | bool],
    BeforeValidator(_features_of),
]
Bytes = Annotated[int, BeforeValidator(_bytes_of), Field(gt=0)]


class SandboxConfig(Section):
    """Where code runs and how much it may use. `timeout` is in seconds, sizes in bytes."""

    backend: Literal["auto", "docker", "podman", "bubblewrap", "kubernetes", "swarm", "none"] = (
        "auto"
    )
    isolation: Literal["default", "runsc", "kata"] = "default"
    """What stands between a container and the machine's kernel: gVisor and Kata where asked."""
    network: Literal["none"] = "none"
    image: str = "fixwright/python:1"
    images: Annotated[dict[str, str], BeforeValidator(_pairs_of)] = Field(default_factory=dict)
    """Images by runtime, over the runtimes' own; `image` is Python's."""
    python: str | None = None
    """The interpreter of the embedded sandbox; None is the one that Fixwright itself runs on."""
    memory: Bytes = 512 << 20
    cpus: float = Field(default=1.0, gt=0)
    timeout: float = Field(default=60.0, gt=0)
    pids: int = Field(default=128, gt=0)
    output: Bytes = 8 << 20
    pool: int = Field(default=1, ge=0, le=8)
    dependencies: Literal["ask", "always", "never"] = "ask"
    """Whether what a workspace asks for may be installed into the sandbox."""
    install_network: str = "bridge"
    """The engine's network that an installation has; runs have none."""


class FixConfig(Section):
    """How hard a fix is looked for."""

    attempts: int = Field(default=3, ge=0, le=10)
    ahead: bool = True
    """Verify the rules' fixes of a failure before they are asked for."""


class IndexConfig(Section):
    """What the index of the workspace is for."""

    features: Features = "auto"
    """One word for all, or one for each; "auto" leaves a language to its own server, if any."""
    cache: str | None = None
    """The folder of the indexes; None is the user's cache folder."""


class DiagnosticsConfig(Section):
    """What is published of a run."""

    warnings: bool = True
    """Besides failures what compilers warn of, and that packages are not those asked for."""


class LogConfig(Section):
    """What is logged."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Section):
    """All settings, valid."""

    model: ModelConfig = ModelConfig()
    sandbox: SandboxConfig = SandboxConfig()
    fix: FixConfig = FixConfig()
    index: IndexConfig = IndexConfig()
    agent: AgentConfig = AgentConfig()
    diagnostics: DiagnosticsConfig = DiagnosticsConfig()
    log: LogConfig = LogConfig()


@dataclass(frozen=True)
class Layer:
    """Values and where they come from, as the user would name it."""

    origin: str
    values: Values
    trusted: bool = True


@dataclass(frozen=True)
class Configuration:
    """The settings in force, and what was wrong on the way to them."""

    settings: Settings
    problems: tuple[str, ...]


_NARROWING = {
    ("sandbox", "timeout"), ("sandbox", "memory"), ("sandbox", "pids"), ("sandbox", "output"),
    ("sandbox", "cpus"), ("model", "maxTokens"), ("model", "budgetUsd"), ("fix", "attempts"),
    ("agent", "approval"), ("agent", "maxTurns"), ("agent", "maxMinutes"), ("agent", "maxTokens"),
    ("agent", "rules"),
}  # fmt: skip
"""What a workspace may set: limits, and only downwards; and rules that hold back."""

_UNTIL_TRUSTED = ("agent", "mcp")
"""What a workspace may ask for: the agent reads it when it is needed, and trusts it or not."""

_FROM_STRICT = ("ask", "edits", "auto")
"""`agent.approval`, lowest first."""


def configure(*layers: Layer) -> Configuration:
    """Merge the layers, lowest first."""
    problems: list[str] = []
    merged: dict[str, dict[str, object]] = {}
    origins: dict[tuple[str, ...], str] = {}
    ceilings: list[tuple[tuple[str, str], object, str]] = []
    for layer in layers:
        for section, key, value in _leaves(layer, problems):
            if layer.trusted:
                merged.setdefault(section, {})[key] = value
                origins[section, key] = layer.origin
            elif (section, key) in _NARROWING:
                ceilings.append(((section, key), value, layer.origin))
            elif (section, key) == _UNTIL_TRUSTED:
                pass
            elif f"{section}.{key}" not in known_keys():
                problems.append(_unknown(f"{section}.{key}", layer.origin))
            else:
                problems.append(
                    f"{section}.{key} in {layer.origin} is ignored: a workspace can't set it. "
                    f"Set it in {user_file()}, in the environment, or in the editor."
                )
    settings = _validated(merged, origins, problems)
    problems += wrong_entries(
        settings.agent, lambda key: origins.get(("agent", key), "the settings")
    )
    for (section, key), value, origin in ceilings:
        settings = _narrowed(settings, section, key, value, origin, problems)
    return Configuration(settings, tuple(problems))


def _leaves(layer: Layer, problems: list[str]) -> Iterator[tuple[str, str, object]]:
    for section, values in layer.values.items():
        if not isinstance(values, dict):
            problems.append(f"{section} in {layer.origin} must be a table of settings.")
            continue
        for key, value in as_object(cast("object", values)).items():
            if value is not None:  # editors send null for "not set"
                yield section, key, value


def _validated(
    merged: dict[str, dict[str, object]],
    origins: Mapping[tuple[str, ...], str],
    problems: list[str],
) -> Settings:
    """Validate; what is wrong is reported, taken out, and the rest tried again."""
    while True:
        try:
            return Settings.model_validate(merged)
        except ValidationError as error:
            for detail in error.errors():
                place = tuple(str(part) for part in detail["loc"][:2])
                inside = ".".join(str(part) for part in detail["loc"][2:])
                kind, message = detail["type"], detail["msg"]
                if inside and place[0] == "model":  # an entry of a list or table
                    kind, message = "", f"{inside}: {message}"
                problems.append(_sentence(place, kind, message, origins))
                if len(place) == 2:  # noqa: PLR2004  # section and key
                    merged.get(place[0], {}).pop(place[1], None)
                if len(place) == 1 or not merged.get(place[0]):
                    merged.pop(place[0], None)


def _sentence(
    place: tuple[str, ...], kind: str, message: str, origins: Mapping[tuple[str, ...], str]
) -> str:
    name = ".".join(place)
    origin = origins.get(place) or next(
        (value for key, value in origins.items() if key[0] == place[0]), "the settings"
    )
    if kind == "extra_forbidden":
        return _unknown(name, origin)
    return f"{name} in {origin} is wrong: {message}. The default is used."


def _unknown(name: str, origin: str) -> str:
    near = difflib.get_close_matches(name, [*known_keys()], 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{name} in {origin} is not a setting of Fixwright.{hint}"


def known_keys() -> Iterator[str]:
    """Every setting as `section.key`, and the sections."""
    for section, field in Settings.model_fields.items():
        yield section
        kind = field.annotation
        assert isinstance(kind, type)
        assert issubclass(kind, BaseModel)
        for name, inner in kind.model_fields.items():
            yield f"{section}.{inner.alias or name}"


def _narrowed(
    settings: Settings, section: str, key: str, value: object, origin: str, problems: list[str]
) -> Settings:
    """Take a workspace's limit if it is a valid one below what is in force."""
    current: BaseModel = getattr(settings, section)
    aliases = {inner.alias or name: name for name, inner in type(current).model_fields.items()}
    try:
        wanted = type(current).model_validate({key: value})
    except ValidationError as error:
        problems.append(
            _sentence((section, key), "", error.errors()[0]["msg"], {(section, key): origin})
        )
        return settings
    field = aliases[key]
    if isinstance(wanted, AgentConfig) and field == "rules":
        kept = (*settings.agent.rules, *holding_back(wanted.rules, origin, problems))
        narrowed = settings.agent.model_copy(update={"rules": kept})
        return settings.model_copy(update={"agent": narrowed})
    if _height(getattr(wanted, field)) > _height(getattr(current, field)):
        problems.append(
            f"{section}.{key} in {origin} is ignored: a workspace may only lower it "
            f"(in force: {getattr(current, field)})."
        )
        return settings
    narrowed = current.model_copy(update={field: getattr(wanted, field)})
    return settings.model_copy(update={section: narrowed})


def _height(limit: float | str | None) -> float:
    """Limits compare by it: None is no limit, words have their order."""
    if isinstance(limit, str):
        return _FROM_STRICT.index(limit)
    return math.inf if limit is None else limit


# ---- where the layers come from ---------------------------------------------------------


def user_file() -> Path:
    """The user's own configuration file."""
    return Path(platformdirs.user_config_dir("fixwright", appauthor=False)) / "fixwright.toml"


def user_layer(problems: list[str]) -> Layer:
    """The user's file; empty when there is none."""
    return Layer(str(user_file()), _toml(user_file(), problems))


def workspace_layer(folder: Path, problems: list[str]) -> Layer:
    """`fixwright.toml` of a folder, else `[tool.fixwright]` of its `pyproject.toml`."""
    path = folder / "fixwright.toml"
    if path.is_file():
        return Layer(path.name, _toml(path, problems), trusted=False)
    tool = as_object(_toml(folder / "pyproject.toml", []).get("tool"))
    return Layer("pyproject.toml", as_object(tool.get("fixwright")), trusted=False)


def environment_layer(environment: Mapping[str, str] = os.environ) -> Layer:
    """`FIXWRIGHT_MODEL_BASE_URL=…` and so on; names are those of the settings."""
    names = {
        "FIXWRIGHT_" + re.sub(r"(?<!^)(?=[A-Z])|\.", "_", name).upper(): name.split(".")
        for name in known_keys()
        if "." in name
    }
    values: dict[str, dict[str, object]] = {}
    for variable, (section, key) in names.items():
        if variable in environment:
            values.setdefault(section, {})[key] = environment[variable]
    return Layer("the environment (FIXWRIGHT_…)", dict(values))


def editor_layer(sent: object) -> Layer:
    """What the editor sent for the section `fixwright`; its own client's keys are left out."""
    clients_own = {"server", "trace", "run"}
    ours = {key: value for key, value in as_object(sent).items() if key not in clients_own}
    return Layer("the editor's settings", ours)


def _toml(path: Path, problems: list[str]) -> Values:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{path} can't be read and is ignored: {error}")
        return {}
