"""The runtimes that are there, read once from their folders."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, cast

from fixwright_sandbox.limits import Limits

_KEYS = frozenset(
    (
        *("title", "image", "within", "languages", "extensions", "tools", "homes", "install"),
        *("manifests", "sparse", "tests", "sessions", "limits", "environment", "noexec_cache"),
    )
)


class UnknownRuntimeError(LookupError):
    """There is no runtime of that name; the message names those that there are."""


class RuntimeDescriptionError(ValueError):
    """A `runtime.toml` says something that can't be; the message names file and key."""


@dataclass(frozen=True, slots=True)
class RuntimeLimits:
    """What a runtime's tools need at least, whatever limits a request has.

    Attributes:
        memory_bytes: memory of all processes of a run.
        processes: processes and threads.
        open_files: open file descriptors of one process.
        disk_bytes: what may be written to the tree, and again to `/tmp`.
        file_bytes: the largest file that may be written.
        cache_bytes: the folder that is kept between runs; 0 where there is none.
    """

    memory_bytes: int = 0
    processes: int = 0
    open_files: int = 0
    disk_bytes: int = 0
    file_bytes: int = 0
    cache_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Runtime:
    """One runtime as its `runtime.toml` describes it.

    Attributes:
        name: its folder's.
        title: what people call it.
        image: the container image with its tools; empty where `within` has it.
        within: the runtime whose environments its runs share; itself, unless it is told.
        languages: language ids of LSP that it runs.
        extensions: endings of file names, with their dots.
        tools: programs that must be there where the host's own are used.
        homes: folders that those tools need outside /usr; shown read-only where they exist:
            paths with `~` and `*`, `$NAME` for what a variable of the host says, or `NAME=PATH`
            for that with a default, of which `:part,part` shows only some folders. Such a
            variable is set inside, too.
        install: how people get the tools on their machine, in a few words.
        manifests: files at the root of a project of this runtime.
        sparse: its programs reserve far more memory than they use, so that only what they use
            can be held to a limit.
        tests: whether it can run tests.
        sessions: whether an interpreter of it can be kept, so that code is run piece by piece.
        noexec_cache: its tools keep no programs in the cache, so none may be started from there,
            where the engine can forbid it.
        limits: what its tools need at least.
        environment: variables of every run; `{cache}`, `{tmp}` and `{home}` stand for folders.
    """

    name: str
    title: str
    image: str
    within: str
    languages: tuple[str, ...]
    extensions: tuple[str, ...]
    tools: tuple[str, ...]
    homes: tuple[str, ...]
    install: str
    manifests: tuple[str, ...]
    sparse: bool
    tests: bool
    sessions: bool
    noexec_cache: bool
    limits: RuntimeLimits
    environment: Mapping[str, str]

    def at_least(self, limits: Limits) -> Limits:
        """These limits, raised where the runtime's tools could not work within them."""
        needed = {
            field.name: max(getattr(limits, field.name), getattr(self.limits, field.name))
            for field in fields(RuntimeLimits)
            if hasattr(limits, field.name)
        }
        return replace(limits, **needed)


@functools.cache
def runtimes() -> Mapping[str, Runtime]:
    """Every runtime by its name, in the order of the names. Reads files, the first time."""
    found: dict[str, Runtime] = {}
    for folder in sorted(_folder().iterdir(), key=lambda item: item.name):
        file = folder.joinpath("runtime.toml") if folder.is_dir() else None
        if file is not None and file.is_file():
            found[folder.name] = parse(folder.name, file.read_text(encoding="utf-8"))
    return MappingProxyType(found)


def runtime(name: str) -> Runtime:
    """The runtime of that name. Raises `UnknownRuntimeError`."""
    try:
        return runtimes()[name]
    except KeyError:
        known = ", ".join(runtimes())
        message = f"There is no runtime named {name!r}; there are {known}."
        raise UnknownRuntimeError(message) from None


def home_of(name: str) -> Runtime:
    """The runtime in whose environments this one's runs are. Raises `UnknownRuntimeError`."""
    return runtime(runtime(name).within)


def runtime_for(key: str) -> Runtime | None:
    """The runtime of a language id such as `typescript`, or of an ending such as `.ts`."""
    return _by_key().get(key)


def within(name: str) -> tuple[Runtime, ...]:
    """The runtimes that share the environments of this one, itself first.

    Raises `UnknownRuntimeError`.
    """
    others = (each for each in runtimes().values() if each.within == name and each.name != name)
    return (runtime(name), *others)


def guest_folder(name: str) -> Traversable:
    """The folder with what a runtime needs inside."""
    return _folder().joinpath(name, "guest")


def _folder() -> Traversable:
    return resources.files("fixwright_sandbox.runtimes")


@functools.cache
def _by_key() -> Mapping[str, Runtime]:
    return {
        key: each for each in runtimes().values() for key in (*each.languages, *each.extensions)
    }


def parse(name: str, text: str) -> Runtime:
    """Read one `runtime.toml`. Raises `RuntimeDescriptionError`."""
    try:
        table: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuntimeDescriptionError(f"The runtime.toml of {name}: {error}") from error
    reader = _Reader(name, table)
    reader.refuse_unknown(table, _KEYS | {"name"})
    if reader.text("name", name) != name:
        raise reader.wrong("name", "the name of its folder")
    home = reader.text("within", name)
    image = reader.text("image", "")
    if bool(image) == (home != name):
        raise reader.wrong("image", "there, or `within` instead of it")
    return Runtime(
        name=name,
        title=reader.text("title", name),
        image=image,
        within=home,
        languages=reader.texts("languages"),
        extensions=reader.texts("extensions"),
        tools=reader.texts("tools"),
        homes=reader.texts("homes"),
        install=reader.text("install", ""),
        manifests=reader.texts("manifests"),
        sparse=reader.flag("sparse", default=False),
        tests=reader.flag("tests", default=True),
        sessions=reader.flag("sessions", default=False),
        noexec_cache=reader.flag("noexec_cache", default=False),
        limits=reader.limits(),
        environment=MappingProxyType(reader.environment()),
    )


class _Reader:
    """Takes values out of a table, and says which of them is wrong."""

    def __init__(self, name: str, table: dict[str, object]) -> None:
        self._name = name
        self._table = table

    def wrong(self, key: str, wanted: str) -> RuntimeDescriptionError:
        return RuntimeDescriptionError(
            f"The runtime.toml of {self._name}: {key} has to be {wanted}."
        )

    def refuse_unknown(self, table: Mapping[str, object], known: frozenset[str]) -> None:
        for key in table.keys() - known:
            raise self.wrong(key, f"one of {', '.join(sorted(known))}")

    def text(self, key: str, default: str) -> str:
        value = self._table.get(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, "a text")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._table.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._table.get(key, [])
        items = cast("list[object]", value) if isinstance(value, list) else [None]
        texts = tuple(item for item in items if isinstance(item, str))
        if len(texts) != len(items):
            raise self.wrong(key, "a list of texts")
        return texts

    def environment(self) -> dict[str, str]:
        table = self._section("environment")
        texts = {key: value for key, value in table.items() if isinstance(value, str)}
        if len(texts) != len(table):
            raise self.wrong("environment", "a table of texts")
        return texts

    def limits(self) -> RuntimeLimits:
        table = self._section("limits")
        known = frozenset(field.name for field in fields(RuntimeLimits))
        self.refuse_unknown(table, known)
        for key, value in table.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise self.wrong(f"limits.{key}", "a whole number that is not negative")
        return RuntimeLimits(**cast("dict[str, Any]", table))

    def _section(self, key: str) -> dict[str, object]:
        value = self._table.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, "a table")
        return cast("dict[str, object]", value)
