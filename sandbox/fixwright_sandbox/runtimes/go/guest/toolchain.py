"""The Go toolchain: its environment, its build cache, and the binaries that are kept."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from . import project
from .project import Module

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

PREFILLED = "/opt/fixwright/go/cache"
"""Where an image keeps a build cache that holds the standard library."""
_VERSION = "1"
_MOST_BINARIES = 24
_STACK_FILE = "zz_fixwright_stack.go"
_STACK_TEST_FILE = "zz_fixwright_stack_test.go"
_STACK_PART = 8
_MOST_STACK = 128 << 20
"""Go takes about a second to walk a stack of this size when it tells how it overflowed."""


class Toolchain:
    """Builds for one run. `missing` says why nothing can be built, if so."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.environment = _environment(stage)
        self.go = shutil.which("go", path=self.environment.get("PATH")) or _in_goroot(
            self.environment
        )

    def seed(self) -> bool:
        """Start the build cache from the image's: a link for each entry instead of a copy.

        Go reads entries through links, and replaces rather than writes to a file of its cache.
        Returns whether there is one to start from.
        """
        cache = self.environment["GOCACHE"]
        source = self.environment.get("FIXWRIGHT_GO_CACHE", PREFILLED)
        if not os.path.isdir(source):
            os.makedirs(cache, exist_ok=True)
            return False
        if os.path.isdir(cache):
            return True
        half = f"{cache}.{os.getpid()}"
        os.makedirs(half, exist_ok=True)
        for folder in os.scandir(source):
            if folder.is_dir():
                target = os.path.join(half, folder.name)
                os.mkdir(target)
                for entry in os.scandir(folder.path):
                    os.symlink(entry.path, os.path.join(target, entry.name))
        with open(os.path.join(half, "trim.txt"), "w", encoding="ascii") as file:
            file.write(str(int(time.time())))  # nothing is old yet
        os.rename(half, cache)
        return True

    def key(self, module: Module | None, start: Sequence[str], *, tests: bool) -> str:
        """Return the name that the binary of these inputs has in the cache."""
        extra = (
            _VERSION,
            self._stage.root,
            self.go or "",
            str(self._stack()),
            *(self.environment.get(name, "") for name in ("GOFLAGS", "GOEXPERIMENT", "GOARCH")),
        )
        return project.digest(self._stage.root, module, start, (*extra, *start), tests=tests)

    def binary(self, key: str) -> str:
        """Return where the binary of that key lies, or will."""
        return os.path.join(self._stage.cache, "bin", key)

    def has(self, key: str) -> bool:
        """Tell whether that binary is there, and keep it for longer."""
        path = self.binary(key)
        if not os.path.isfile(path):
            return False
        os.utime(path)
        return True

    def build(
        self,
        argv: Sequence[str],
        folder: str,
        module: Module | None,
        overlay: Mapping[str, str],
    ) -> tuple[bool, str]:
        """Run `go build` or `go test -c`; return whether it worked, and what it said.

        Args:
            argv: what follows `go`, its packages last.
            folder: where to run it.
            module: the module that is built.
            overlay: contents of files that the build shall see, by absolute path.
        """
        from .compile_errors import output_of  # here: a binary that is kept needs none of it

        self.seed()
        os.makedirs(os.path.dirname(self.binary("")), exist_ok=True)
        flags = ["-json", "-ldflags=-w", "-gcflags=-e -errorurl"]
        if module is not None and module.path:
            flags.append(f"-gcflags={module.path}/...=-e -errorurl")
        if overlay:
            flags.append(f"-overlay={self._overlay(overlay)}")
        command = [self.go or "go", *argv[:1], *flags, *argv[1:]]
        finished = self._stage.tool(command, cwd=folder, env=self.environment)
        self._forget_old()
        return finished.exit == 0, output_of(finished.stdout, finished.stderr)

    def guard(self, folder: str, package: str, *, tests: bool = False) -> dict[str, str]:
        """Return a file for a package that keeps stacks within the run's memory.

        Without it endless recursion meets the memory limit, long before Go's own of 1 GB, and
        nobody learns where.
        """
        size = self._stack()
        if size is None:
            return {}
        name = _STACK_TEST_FILE if tests else _STACK_FILE
        code = f'import "runtime/debug"\n\nfunc init() {{ debug.SetMaxStack({size}) }}\n'
        return {os.path.join(folder, name): f"package {package}\n\n{code}"}

    def _stack(self) -> int | None:
        memory = int(self._stage.limits.get("memory_bytes") or 0)
        return min(memory // _STACK_PART, _MOST_STACK) or None

    def _overlay(self, files: Mapping[str, str]) -> str:
        folder = os.path.join(self._stage.scratch, "overlay")
        os.makedirs(folder, exist_ok=True)
        replaced: dict[str, str] = {}
        for number, (path, text) in enumerate(files.items()):
            replaced[path] = os.path.join(folder, f"{number}{os.path.splitext(path)[1]}")
            with open(replaced[path], "w", encoding="utf-8", newline="") as file:
                file.write(text)
        index = os.path.join(folder, "overlay.json")
        with open(index, "w", encoding="utf-8") as file:
            json.dump({"Replace": replaced}, file)
        return index

    def _forget_old(self) -> None:
        """Keep the binaries that were used last."""
        folder = os.path.dirname(self.binary(""))
        found = sorted(os.scandir(folder), key=lambda entry: entry.stat().st_mtime, reverse=True)
        for entry in found[_MOST_BINARIES:]:
            if entry.is_file():
                os.unlink(entry.path)


def _environment(stage: Stage) -> dict[str, str]:
    """Return the toolchain's environment: nothing from the net, nothing outside the cache."""
    config = os.path.join(stage.cache, "config")
    mode = os.path.join(config, "go", "telemetry", "mode")
    if not os.path.isfile(mode):
        os.makedirs(os.path.dirname(mode), exist_ok=True)
        with open(mode, "w", encoding="ascii") as file:
            file.write("off")
    environment = {
        "GOPATH": os.path.join(stage.cache, "path"),
        "GOCACHE": os.path.join(stage.cache, "build"),
        **stage.environment,
        "XDG_CONFIG_HOME": config,
        "GOENV": "off",
        "GOTOOLCHAIN": "local",
        "GOPROXY": "off",
        "GOSUMDB": "off",
        "GOVCS": "*:off",
        "CGO_ENABLED": "0",
    }
    environment["GOCACHE"] = os.path.join(stage.cache, "build")
    return environment


def _in_goroot(environment: Mapping[str, str]) -> str | None:
    go = os.path.join(environment.get("GOROOT", ""), "bin", "go")
    return go if os.path.isabs(go) and os.path.isfile(go) else None
