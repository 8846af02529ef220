"""A workspace: a tree of its own, and what is run over it."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Self

from .events import Result
from .execution import Execution
from .jobs import Job, RunCommand, RunFile, RunTests
from .keeping import NotKept, kept
from .limits import Limits
from .runtimes.catalogue import runtime as runtime_named
from .runtimes.catalogue import runtime_for
from .session import IDLE_SECONDS, Session
from .settings import Request
from .transfer import IGNORED, Content, blob_of, content_of, files_below, write_file, write_files
from .tree import Blob, HostFile, Tree, check_path, check_tree

if TYPE_CHECKING:
    from .sandbox import Sandbox

_EMPTY: Tree = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file of a workspace.

    Attributes:
        path: relative POSIX path.
        size: bytes.
        executable: it is a program to its owner.
    """

    path: str
    size: int
    executable: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A named state of a workspace's tree. Taking one copies nothing.

    Attributes:
        name: what `reset` calls it.
        taken_at: seconds since the epoch.
        tree: the files.
    """

    name: str
    taken_at: float
    tree: Tree


class Workspace:
    """A tree of files that belongs to this handle alone, and runs over it.

    Files of the machine are read and written by `upload` and `download` only. A run sees the tree
    as it was when the run was started; what it writes is put back unless it is kept.

    Attributes:
        name: of the environments that serve it; never shared with another.
        runtime: what runs are for that don't say otherwise.
        limits: bounds of runs that don't say otherwise.
        env: environment variables of every run.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        name: str,
        *,
        tree: Tree = _EMPTY,
        runtime: str = "python",
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        check_tree(tree)
        self.name = name
        self.runtime = runtime_named(runtime).name
        self.limits = limits or Limits()
        self.env = MappingProxyType(dict(env or {}))
        self._sandbox = sandbox
        self._tree: Tree = MappingProxyType(dict(tree))
        self._created = Snapshot("created", time.time(), self._tree)
        self._snapshots: dict[str, Snapshot] = {}
        self._closed = False

    # ---- run

    def run(
        self,
        command: str | Sequence[str] | None = None,
        *,
        code: str | None = None,
        file: str | None = None,
        tests: Sequence[str] | None = None,
        args: Sequence[str] = (),
        runtime: str | None = None,
        stdin: bytes | str = b"",
        interactive: bool = False,
        timeout: float | None = None,
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
        keep: bool = False,
    ) -> Execution:
        """Start a run of exactly one of `command`, `code`, `file` and `tests`.

        `await` what it returns for the `Result`, or iterate over it for events.

        Args:
            command: a program and its arguments, or a line for bash, from the tree's root.
            code: a program's text; it runs as a file `snippet.*` beside the others.
            file: a file of the tree.
            tests: ids or paths of tests; an empty list is every test of the tree.
            args: what `file` or `code` is given.
            runtime: the workspace's, or for a `file` that of its name, unless it is told.
            stdin: what it reads from standard input.
            interactive: standard input stays open behind that, for `Execution.write`.
            timeout: seconds by the clock, in place of what the limits say.
            limits: its bounds, in place of the workspace's.
            env: environment variables over the workspace's.
            keep: apply what it wrote to the tree, if it ends by itself, also in failure;
                `Result.kept` says whether that was done.

        Raises `ValueError` for what can't be asked, `LookupError` for an unknown runtime.
        """
        if self._closed:
            message = f"The workspace {self.name} is closed."
            raise ValueError(message)
        job, language = self._job(command, code, file, tests, tuple(args), runtime)
        tree = self._tree
        if code is not None and isinstance(job, RunFile):
            tree = {**tree, job.path: Blob(code.encode())}
        bounds = limits or self.limits
        request = Request(
            language,
            job,
            tree,
            bounds if timeout is None else replace(bounds, wall_seconds=timeout),
            stdin.encode() if isinstance(stdin, str) else stdin,
            {**self.env, **(env or {})},
            interactive=interactive,
            collect_all=keep,
        )
        given = job.path if code is not None and isinstance(job, RunFile) else None
        at_end = functools.partial(self._kept, given) if keep else None
        return self._sandbox.start(self.name, request, at_end)

    def session(
        self,
        *,
        runtime: str | None = None,
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
        idle_seconds: float = IDLE_SECONDS,
    ) -> Session:
        """Make a session over the tree: an interpreter that is kept, see `Session`.

        It sees the tree as it is when a piece of code is started. It ends with the workspace.
        Raises `SessionRefused` for a runtime of which none can be kept, `LookupError` for an
        unknown one.
        """
        return self._sandbox.session(
            self.name, runtime or self.runtime, limits=limits or self.limits,
            env={**self.env, **(env or {})}, tree=lambda: self._tree, idle_seconds=idle_seconds,
        )  # fmt: skip

    async def prepare(self) -> None:
        """Start an environment before it is needed. Raises `SandboxUnavailable`."""
        await self._sandbox.prepare(self.name, self.runtime, self.limits)

    async def close(self) -> None:
        """Cancel what runs here and stop its environments. Nothing is left of the tree."""
        if not self._closed:
            self._closed = True
            await self._sandbox.release(self.name)
            self._tree = _EMPTY
            self._snapshots.clear()

    # ---- files

    @property
    def tree(self) -> Tree:
        """The files as they are now; it does not change when the workspace does."""
        return self._tree

    async def files(self, under: str = "") -> tuple[FileInfo, ...]:
        """The files, or those below a folder, by path."""
        return tuple(
            FileInfo(path, len(item.data) if isinstance(item, Blob) else item.size, item.executable)
            for path, item in sorted(self._tree.items())
            if _is_below(path, under)
        )

    async def read(self, path: str) -> bytes:
        """A file's content. Raises `FileNotFoundError`."""
        return await asyncio.to_thread(content_of, self._found(path))

    async def read_text(self, path: str) -> str:
        """A file's content in UTF-8. Raises `FileNotFoundError` and `UnicodeDecodeError`."""
        return (await self.read(path)).decode()

    async def write(self, path: str, content: Content, *, executable: bool | None = None) -> None:
        """Write a file, in place of one of that path.

        Args:
            path: relative POSIX path; folders are implied.
            content: text, bytes, or the `Path` of a file of this machine to read now.
            executable: a program to its owner; None is as the content says, else not.

        Raises `InvalidTreeError` for a path that can't be, OSError for a file that can't be read.
        """
        item = await asyncio.to_thread(blob_of, content)
        self._put({path: item if executable is None else replace(item, executable=executable)})

    async def remove(self, path: str) -> None:
        """Remove a file, or a folder with all in it. Raises `FileNotFoundError`."""
        rest = {each: item for each, item in self._tree.items() if not _is_below(each, path)}
        if len(rest) == len(self._tree):
            raise FileNotFoundError(_missing(path, self.name))
        self._tree = MappingProxyType(rest)

    async def upload(
        self, source: Path | str, to: str = "", *, ignore: Sequence[str] = IGNORED
    ) -> tuple[str, ...]:
        """Copy a file of this machine, or what is in a folder of it, into the tree.

        Args:
            source: the file or folder.
            to: the file's path in the tree; else the folder under which it goes, the root if
                it is empty.
            ignore: names of files and folders, with wildcards, to leave out.

        Returns the paths in the tree. Links that lead out of the folder are left out. Raises
        OSError for what can't be read.
        """
        source = Path(source)
        if await asyncio.to_thread(source.is_dir):
            found = await asyncio.to_thread(files_below, source, ignore)
            files: dict[str, Blob | HostFile] = {
                str(PurePosixPath(to, path)): item for path, item in found.items()
            }
        else:
            files = {to or source.name: await asyncio.to_thread(blob_of, source)}
        self._put(files)
        return tuple(files)

    async def download(self, path: str, to: Path | str) -> tuple[Path, ...]:
        """Write a file of the tree to the file `to`, or a folder's files below the folder `to`.

        The empty path is the whole tree. Existing files are replaced. Returns where they are.
        Raises `FileNotFoundError`, OSError, and `InvalidTreeError` where a link below `to` leads
        out of it.
        """
        item = self._tree.get(path)
        if item is not None:
            return (await asyncio.to_thread(write_file, item, Path(to)),)
        prefix = f"{path}/" if path else ""
        files = {
            each.removeprefix(prefix): item
            for each, item in self._tree.items()
            if _is_below(each, path)
        }
        if path and not files:
            raise FileNotFoundError(_missing(path, self.name))
        return await asyncio.to_thread(write_files, files, Path(to))

    # ---- states

    async def keep(self, result: Result) -> None:
        """Apply what a run changed to the tree. Raises `NotKept`, and then nothing is applied.

        Only what was collected can be kept, see `SandboxSettings`; a run that was started with
        `keep` collects all.
        """
        self._tree = kept(self._tree, result)

    async def snapshot(self, name: str) -> Snapshot:
        """Remember the tree as it is now under a name; an older one of that name is replaced."""
        self._snapshots[name] = Snapshot(name, time.time(), self._tree)
        return self._snapshots[name]

    async def reset(self, to: Snapshot | str | None = None) -> None:
        """Make the tree as it was at a snapshot, or as it was created.

        Raises `LookupError` where there is no snapshot of that name.
        """
        if isinstance(to, str):
            if to not in self._snapshots:
                message = f"The workspace {self.name} has no snapshot named {to!r}."
                raise LookupError(message)
            to = self._snapshots[to]
        self._tree = (to or self._created).tree

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """Every snapshot, in the order in which they were taken first."""
        return tuple(self._snapshots.values())

    # ---- inside

    def _job(
        self,
        command: str | Sequence[str] | None,
        code: str | None,
        file: str | None,
        tests: Sequence[str] | None,
        args: tuple[str, ...],
        runtime: str | None,
    ) -> tuple[Job, str]:
        if sum(each is not None for each in (command, code, file, tests)) != 1:
            message = "Name exactly one of command, code, file and tests to run."
            raise ValueError(message)
        if args and file is None and code is None:
            message = "Only a file or code takes arguments; put those of a command into it."
            raise ValueError(message)
        language = runtime_named(runtime or self.runtime).name
        if command is not None:
            argv = ("bash", "-c", command) if isinstance(command, str) else tuple(command)
            return RunCommand(argv), language
        if tests is not None:
            return RunTests(tuple(tests)), language
        if code is not None:
            return RunFile(self._free_name(language), args), language
        assert file is not None
        check_path(file)
        if runtime is None:
            told = runtime_for(PurePosixPath(file).suffix)
            language = told.name if told is not None else language
        return RunFile(file, args), language

    def _free_name(self, language: str) -> str:
        """A name for code that is no file of the tree."""
        ending = (*runtime_named(language).extensions, "")[0]
        name, number = f"snippet{ending}", 1
        while name in self._tree:
            number += 1
            name = f"snippet{number}{ending}"
        return name

    def _kept(self, snippet: str | None, result: Result) -> Result:
        if result.status not in {"passed", "failed"}:
            return result
        files = tuple(file for file in result.files if file.path != snippet)
        try:
            self._tree = kept(self._tree, replace(result, files=files))
        except NotKept as error:
            return replace(result, message=f"{result.message} {error}")
        return replace(result, kept=True)

    def _found(self, path: str) -> Blob | HostFile:
        if path not in self._tree:
            raise FileNotFoundError(_missing(path, self.name))
        return self._tree[path]

    def _put(self, files: Mapping[str, Blob | HostFile]) -> None:
        tree = {**self._tree, **files}
        check_tree(tree)
        self._tree = MappingProxyType(tree)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


def _is_below(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")


def _missing(path: str, workspace: str) -> str:
    return f"There is no {path} in the workspace {workspace}."
