"""Isolation by user namespaces, with the program bubblewrap. Needs no daemon and no root."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from fixwright_sandbox import bundle
from fixwright_sandbox.runtimes import home_of
from fixwright_sandbox.runtimes import runtime as find_runtime

from . import become, inside, layering
from .base import BackendError, Channel, Shape
from .interpreter import Interpreter, find_interpreter
from .namespaces import why_forbidden
from .process import start_process
from .seccomp import filter_for
from .toolchain import Toolchain, find_toolchain

_UID = str(inside.UID)
_PLACE = "/mnt"
"""Where `become` mounts; every Linux system has it, and nobody's interpreter is there."""
_PASSWD = b"sandbox:x:10001:10001::/tmp/home:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n"
_GROUP = b"sandbox:x:10001:\nnogroup:x:65534:\n"
_OF_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "mime.types")
_LINKED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_NPROC_IS_PER_NAMESPACE = (5, 14)
"""The Linux version from which RLIMIT_NPROC counts within a user namespace."""


class Bubblewrap:
    """A user, mount, PID, network, IPC, UTS and cgroup namespace for each environment.

    The runner is process 1 of its PID namespace: nothing in there can kill or trace it, and
    all of it ends with the runner. It holds the limits, since no cgroup can be assumed.
    A filter refuses the system calls that no run needs, see `seccomp`.
    Root gives up being root first, see `become`.
    """

    name = "bubblewrap"

    def __init__(
        self, program: str, interpreter: Interpreter, calls: bytes, *, disable_userns: bool
    ) -> None:
        self._program = program
        self._interpreter = interpreter
        self._calls = calls
        self._disable_userns = disable_userns
        self._toolchains: dict[str, Toolchain] = {}

    @classmethod
    async def open(cls, python: str | None) -> Bubblewrap:
        """Find the program and see that it works here; `BackendError` says what is missing."""
        return await asyncio.to_thread(cls._open, python)

    @classmethod
    def _open(cls, python: str | None) -> Bubblewrap:
        program = shutil.which("bwrap")
        if program is None:
            message = "bubblewrap is not installed (for instance: apt install bubblewrap)."
            raise BackendError(message)
        calls = filter_for(platform.machine())
        if calls is None:
            message = (
                "bubblewrap can be used on x86_64 and aarch64 only: for a machine of the kind "
                f"{platform.machine()} there is no filter for system calls. Use Docker."
            )
            raise BackendError(message)
        help_text = _run([program, "--help"]).stdout
        backend = cls(
            *(program, find_interpreter(python), calls),
            disable_userns=b"--disable-userns" in help_text,
        )
        shape = Shape("python", memory=1 << 20, processes=1, disk=1 << 20, tree=1 << 20, cache=0)
        files = backend.files()
        try:
            argv = backend.arguments(shape, files, Toolchain((), (), {}))
            trial = _run([*argv, backend.interpreter, "-I", "-c", "pass"], files)
        finally:
            for file in files:
                os.close(file)
        if trial.returncode != 0:
            said = trial.stderr.decode("utf-8", "replace").strip().splitlines()
            reason = said[-1] if said else f"exit code {trial.returncode}"
            message = (
                f"bubblewrap is installed but does not work here ({reason.rstrip('.')}). "
                f"{why_forbidden()}"
            )
            raise BackendError(message)
        return backend

    @property
    def interpreter(self) -> str:
        """The path of the interpreter that runs in there."""
        return self._interpreter.executable

    def image(self, runtime: str) -> None:
        """None: it runs on what the machine has."""
        del runtime

    async def start(self, shape: Shape) -> tuple[Channel, dict[str, object]]:
        """Start an environment."""
        making = asyncio.ensure_future(asyncio.to_thread(self.files))
        try:
            files = await asyncio.shield(making)
        except asyncio.CancelledError:
            for file in await making:  # the thread can't be stopped; what it opens has to go
                os.close(file)
            raise
        try:
            toolchain = await asyncio.to_thread(self.toolchain, shape.runtime)
            argv = await asyncio.to_thread(self.arguments, shape, files, toolchain)
            argv += bundle.arguments(self.interpreter)
            channel = await start_process(argv, env={}, pass_fds=files)
        finally:
            for file in files:
                os.close(file)
        limited = _kernel() >= _NPROC_IS_PER_NAMESPACE
        return channel, inside.describe(
            variables=toolchain.variables,
            limit_data=not find_runtime(shape.runtime).sparse,
            limit_processes=limited,
            limit_files=True,
            refusals_counted=False,
            calls=None,
            cache=shape.cache > 0,
        )

    async def close(self) -> None:
        """Nothing is held."""

    def files(self) -> list[int]:
        """Descriptors of what `arguments` refers to, for the caller to pass on and close."""
        contents = {"passwd": _PASSWD, "group": _GROUP, "filter": self._calls}
        return [_memory_file(name, data) for name, data in contents.items()]

    def toolchain(self, runtime: str) -> Toolchain:
        """The tools of a runtime. Raises `MissingImageError` where the machine has them not."""
        if runtime not in self._toolchains:
            self._toolchains[runtime] = find_toolchain(find_runtime(runtime), os.environ)
        return self._toolchains[runtime]

    async def ground(self, runtime: str) -> str:
        """The interpreter and the tools that this machine has now."""
        toolchain = await asyncio.to_thread(self.toolchain, home_of(runtime).name)
        programs = (self.interpreter, *toolchain.path)
        return await asyncio.to_thread(layering.identity, programs)

    async def new_layer(self, runtime: str, record: str) -> str:
        """Make a folder that the sandbox's user can write."""
        del runtime
        return await asyncio.to_thread(layering.new_folder, Path(record), inside.UID)

    async def remove_layer(self, place: str) -> None:
        """Remove a folder."""
        await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)

    def arguments(self, shape: Shape, files: list[int], toolchain: Toolchain) -> list[str]:
        """The argument vector up to the program to run."""
        layer = shape.layer
        given = layering.given(layer)
        shown = (*self._interpreter.folders, *toolchain.folders, *given)
        places = (*shown, Path(layer.place)) if layer else shown
        hidden = _hidden(places) if os.getuid() == 0 else ()
        argv = [*_become(hidden), self._program, "--unshare-all", "--unshare-user"]
        if self._disable_userns:
            argv.append("--disable-userns")
        argv += ["--die-with-parent", "--new-session", "--as-pid-1", "--clearenv"]
        argv += ["--uid", _UID, "--gid", _UID, "--hostname", "sandbox", "--cap-drop", "ALL"]
        argv += ["--perms", "0755", "--dir", "/etc", "--ro-bind", "/usr", "/usr"]
        for name in _LINKED:
            argv += _system_folder(Path("/", name))
        for name in _OF_ETC:
            argv += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
        passwd, group, calls = map(str, files)
        argv += ["--ro-bind-data", passwd, "/etc/passwd", "--ro-bind-data", group, "/etc/group"]
        argv += ["--seccomp", calls, *layering.network(layer)]
        argv += ["--proc", "/proc", "--dev", "/dev", "--mqueue", inside.MQUEUE]
        for path, size in (
            (inside.WORKSPACE, shape.tree + shape.disk),
            (inside.TMP, shape.disk),
            (inside.SHM, inside.SHM_BYTES),
            *([(inside.CACHE, shape.cache)] if shape.cache else []),
        ):
            argv += ["--perms", "1777", "--size", str(size), "--tmpfs", path]
        for folder in shown:
            argv += ["--ro-bind", _source(folder, hidden), str(folder)]
        if layer:
            bind = "--bind" if layer.filling else "--ro-bind"
            argv += [bind, _source(Path(layer.place), hidden), layer.at]
        for path in ("/proc", "/dev", "/"):
            argv += ["--remount-ro", path]
        usual = (str(Path(self.interpreter).parent), "/usr/local/bin", "/usr/bin", "/bin")
        path = ":".join((*toolchain.path, *usual))
        argv += ["--setenv", "PATH", path, "--setenv", "LANG", "C.UTF-8", "--chdir", "/", "--"]
        return argv


def _source(folder: Path, hidden: tuple[Path, ...]) -> str:
    """Where a folder can be reached from by somebody without rights of their own."""
    source = folder.resolve()
    return str(Path(_PLACE, str(hidden.index(source))) if source in hidden else source)


def _become(hidden: tuple[Path, ...]) -> list[str]:
    if os.getuid() != 0:
        return []
    folders = [str(folder) for folder in hidden]
    return [sys.executable, "-I", "-S", become.__file__, _UID, _PLACE, *folders, "--"]


def _hidden(folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """Those that somebody without rights of their own can't reach."""

    def reachable(folder: Path) -> bool:
        return all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents))

    resolved = dict.fromkeys(folder.resolve() for folder in folders)
    return tuple(folder for folder in resolved if not reachable(folder))


def _system_folder(path: Path) -> list[str]:
    """/bin and its like: a link into /usr on most systems, a folder on some."""
    if path.is_symlink():
        return ["--symlink", str(path.readlink()), str(path)]
    return ["--ro-bind", str(path), str(path)] if path.is_dir() else []


def _memory_file(name: str, data: bytes) -> int:
    handle = os.memfd_create(name)
    os.write(handle, data)
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


def _kernel() -> tuple[int, ...]:
    numbers = platform.release().split("-")[0].split(".")
    return tuple(int(number) for number in numbers[:2] if number.isdigit())


def _run(argv: list[str], files: list[int] | None = None) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 (a program found on the PATH, with our arguments)
            argv, capture_output=True, timeout=20, check=False, pass_fds=files or (), env={}
        )
    except (OSError, subprocess.SubprocessError) as error:
        message = f"bubblewrap can't be started: {error}."
        raise BackendError(message) from error
