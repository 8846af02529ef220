"""What a workspace asks for in packages: the user's yes to it, and the layer that runs get.

Nothing is installed silently: a set of packages is agreed to once for a workspace. That is kept
in the user's own data folder, where no workspace can write.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import json
import os
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import platformdirs
from packaging.utils import canonicalize_name

from fixwright.failures.model import Failure
from fixwright.json_reading import as_object
from fixwright.runs.plan import runtime_of_tests
from fixwright.runs.run import Run
from fixwright.runs.supplies import Manifests, Supply, changed, files_of, gone
from fixwright.runs.tree import Root, tree_of
from fixwright.workspace.draft import Draft
from fixwright_sandbox import Sandbox, Tree
from fixwright_sandbox.backends.base import BackendError
from fixwright_sandbox.dependencies import Wanted, wanted
from fixwright_sandbox.dependencies.asked import asked
from fixwright_sandbox.dependencies.install import Installation, Installed
from fixwright_sandbox.dependencies.names import distribution_of
from fixwright_sandbox.dependencies.reading import texts
from fixwright_sandbox.dependencies.recipes import layer_of
from fixwright_sandbox.runtimes import home_of, runtime_for

Policy = Literal["ask", "always", "never"]
_SHOWN = 12
"""Packages that a question names; the rest are counted."""
_UNFETCHED = "module lookup disabled by GOPROXY=off"
"""What Go says of a module that its go.mod names and that was not fetched."""
_ABSENT_PACKAGE = "compiler.err.doesnt.exist"
"""What javac calls a package that is nowhere."""
_MISSING = ("ModuleNotFoundError", "ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND")


@dataclass(frozen=True)
class Ask:
    """What a workspace asks for.

    Attributes:
        directory: its folder.
        wanted: all of it.
        asked: of it what manifests say, to tell later whether they have changed.
    """

    directory: Path
    wanted: Wanted
    asked: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def question(self) -> str:
        """What would be installed, and from where that is known."""
        named = [each.title for each in self.wanted.packages[:_SHOWN]]
        more = len(self.wanted.packages) - len(named)
        rest = f", and {more} more" if more > 0 else ""
        listed = f"{', '.join(named)}{rest}"
        return (
            f"Install into the sandbox for {self.directory.name}: {listed}? They come from the "
            "package registry that you have set up; code of theirs runs in the sandbox only."
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What stands in the way, and what nobody knows."""
        unknown = tuple(
            f"{each.name} ({each.origin}) is in no package that is known; it is not guessed. "
            "Name its package in a manifest."
            for each in self.wanted.unknown
        )
        conflicts = tuple(each.message for each in self.wanted.conflicts)
        return (*conflicts, *self.wanted.problems, *unknown)


def ask_of(draft: Draft, uri: str | None, runtime: str | None = None) -> Ask | None:
    """What the workspace of a document asks for; None for one that is no folder. Reads the disk.

    Raises:
        RunRefused: no folder is open.
        UnknownDocument: there is no such document.
    """
    root, tree = tree_of(draft, uri)
    if root.directory is None:
        return None
    if runtime is None and uri is not None:
        told = runtime_for(draft.document(uri).language)
        runtime = None if told is None else told.name
    return ask_for(root, tree, runtime or runtime_of_tests(tree))


def ask_for(root: Root, tree: Tree, runtime: str) -> Ask | None:
    """The same of a tree. Reads its files."""
    if root.directory is None:
        return None
    files, name = files_of(tree), home_of(runtime).name
    return Ask(root.directory, wanted(name, files), asked(name, files))


def lacking(run: Run) -> Ask | None:
    """What a run that failed for want of it could be given. Reads the disk.

    Raises:
        RunRefused: no folder is open.
        UnknownDocument: what ran is no document any more.
    """
    if run.passed or run.root.directory is None:
        return None
    root, tree = tree_of(run.draft, run.target.uri)
    ask = ask_for(root, tree, run.runtime)
    return ask if ask is not None and provides(ask, run) else None


def may_lack(run: Run) -> bool:
    """Whether it is worth to look what could be installed; reads nothing."""
    words = ("find", "module", "crate", "package")
    return any(word in each.message for each in run.failures for word in words)


def provides(ask: Ask, run: Run) -> bool:
    """Whether a run failed for want of what would be installed."""
    if any(_is_fetched(each.kind, each.message, ask.wanted) for each in run.failures):
        return True
    names = {canonicalize_name(each.name.partition("[")[0]) for each in ask.wanted.packages}
    missing = {missing_module(each.kind, each.message) for each in run.failures} - {None}
    return any(
        name is not None
        and (distribution_of(name) in names or canonicalize_name(name.partition(".")[0]) in names)
        for name in missing
    )


def _is_fetched(kind: str, message: str, wanted: Wanted) -> bool:
    """Whether a compiler lacks what the manifest names.

    Cargo says which, Go just that it does, and of Java's packages nobody knows whose they are.
    """
    if kind == "MissingCrate":
        return any(f"`{each.name}`" in message for each in wanted.packages)
    if kind == _ABSENT_PACKAGE:
        return wanted.runtime == "java" and bool(wanted.packages)
    return _UNFETCHED in message and wanted.runtime == "go" and bool(wanted.packages)


def missing_module(kind: str, message: str) -> str | None:
    """The module or package that a failure says is not there."""
    if kind not in _MISSING and not message.startswith(("Cannot find module", "Cannot find pack")):
        return None
    name = next(iter(message.split("'")[1::2]), "")
    return None if not name or name.startswith((".", "/")) else name


@dataclass(frozen=True, slots=True)
class Used:
    """What runs of a workspace have: its key, and what its manifests said, see `asked`."""

    key: str
    asked: Mapping[str, str]


class Consents:
    """What the user agreed to, by workspace. Safe between processes. Everything blocks."""

    def __init__(self, file: Path | None = None) -> None:
        data = Path(platformdirs.user_data_dir("fixwright", appauthor=False))
        self._file = file or data / "dependencies.json"

    def agreed(self, ask: Ask) -> bool:
        """Whether the user has said yes to exactly this."""
        told = as_object(self._read().get(_name(ask.directory)))
        return ask.wanted.key in texts(told.get("agreed"))

    def agree(self, ask: Ask) -> None:
        """Remember a yes."""
        with self._changing() as told:
            entry = as_object(told.get(_name(ask.directory)))
            agreed = dict.fromkeys((*texts(entry.get("agreed")), ask.wanted.key))
            told[_name(ask.directory)] = {**entry, "agreed": list(agreed)}

    def use(self, ask: Ask) -> None:
        """Let runs of the workspace have this from now on."""
        with self._changing() as told:
            entry = as_object(told.get(_name(ask.directory)))
            used = {**as_object(entry.get("used")), ask.wanted.runtime: ask.wanted.key}
            manifests = {**as_object(entry.get("asked")), ask.wanted.runtime: dict(ask.asked)}
            told[_name(ask.directory)] = {**entry, "used": used, "asked": manifests}

    def used(self, directory: Path, runtime: str) -> Used | None:
        """What runs of the workspace have."""
        entry = as_object(self._read().get(_name(directory)))
        key = as_object(entry.get("used")).get(runtime)
        digests = as_object(as_object(entry.get("asked")).get(runtime))
        texts = {path: each for path, each in digests.items() if isinstance(each, str)}
        return Used(key, texts) if isinstance(key, str) else None

    def hear(self, directory: Path, message: str) -> bool:
        """Remember that the user was told this of a workspace last; false where that was so."""
        with self._changing() as told:
            entry = as_object(told.get(_name(directory)))
            if entry.get("told") == message:
                return False
            told[_name(directory)] = {**entry, "told": message}
        return True

    def _read(self) -> dict[str, object]:
        try:
            return as_object(json.loads(self._file.read_bytes()))
        except (OSError, ValueError):
            return {}

    @contextlib.contextmanager
    def _changing(self) -> Generator[dict[str, object]]:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            told = dict(self._read())
            yield told
            draft = self._file.with_suffix(".draft")
            draft.write_text(json.dumps(told, indent=1), encoding="utf-8")
            draft.replace(self._file)


class Dependencies:
    """Packages of workspaces, under one policy."""

    def __init__(
        self,
        open_sandbox: Callable[[], Awaitable[Sandbox]],
        policy: Policy,
        consents: Consents | None = None,
    ) -> None:
        self.policy = policy
        self.consents = consents or Consents()
        self._open = open_sandbox
        self._asked: set[tuple[Path, str]] = set()
        self._manifests = Manifests()
        self._stale: dict[tuple[Path, str], Failure] = {}

    async def layer(
        self, sandbox: Sandbox, directory: Path | None, runtime: str, tree: Tree
    ) -> Supply:
        """What a run of the workspace is given, and whether that is what `tree` asks for."""
        if directory is None or self.policy == "never":
            return Supply()
        runtime = home_of(runtime).name
        used = await asyncio.to_thread(self.consents.used, directory, runtime)
        if used is None:
            return Supply()
        try:
            record = await sandbox.layers().find(runtime, used.key)
        except BackendError:
            return Supply()  # what is wrong with the sandbox, the run itself will say
        stale = gone(runtime) if record is None else None
        if record is not None and used.asked:
            look = functools.partial(self._manifests.changed, directory, runtime, tree, used.asked)
            paths = await asyncio.to_thread(look)
            stale = changed(paths, tree) if paths else None
        self._stale.pop((directory, runtime), None)
        if stale is not None:
            self._stale[directory, runtime] = stale
        return Supply(None if record is None else layer_of(record), stale)

    @property
    def stale(self) -> Mapping[tuple[Path, str], Failure]:
        """By folder and runtime, what the last run of each was warned of."""
        return dict(self._stale)

    async def news(self, run: Run) -> str | None:
        """What the user is to be told of a run's packages: once, until it is something else."""
        directory = run.root.directory
        if run.stale is None or directory is None:
            return None
        message = run.stale.message
        return message if await asyncio.to_thread(self.consents.hear, directory, message) else None

    async def allowed(self, ask: Ask, confirm: Callable[[str], Awaitable[bool]]) -> bool:
        """Whether it may be installed; asks where nobody has said so yet."""
        if self.policy == "never":
            return False
        if self.policy == "always" or await asyncio.to_thread(self.consents.agreed, ask):
            return True
        if not await confirm(ask.question):
            return False
        await asyncio.to_thread(self.consents.agree, ask)
        return True

    def first_time(self, ask: Ask) -> bool:
        """Whether this set was not asked about unasked before: who said no is left in peace."""
        before = (ask.directory, ask.wanted.key) in self._asked
        self._asked.add((ask.directory, ask.wanted.key))
        return not before

    async def start(self, ask: Ask) -> Installation:
        """Begin to install what was allowed. Raises `SandboxUnavailable`."""
        sandbox = await self._open()
        return sandbox.layers().start(ask.wanted)

    async def done(self, ask: Ask, installed: Installed) -> bool:
        """Let runs have what is installed now; false where it failed."""
        if installed.record is None:
            return False
        await asyncio.to_thread(self.consents.use, ask)
        return True


def _name(directory: Path) -> str:
    return os.path.realpath(directory)
