"""Where Node, esbuild and the TypeScript compiler are."""

from __future__ import annotations

import os
import platform
import shutil

from .project import Project

OF_THE_IMAGE = "/opt/fixwright/node"
"""Where our image has them, in `bin`, and the types of Node's modules in `lib/node_modules`."""

_MACHINES = {"x86_64": "x64", "aarch64": "arm64"}


class Tools:
    """The programs that a run needs.

    A project's own TypeScript and esbuild are used before those of the image: their version is
    the one that the project is written for.
    """

    def __init__(self, project: Project, environment: dict[str, str]) -> None:
        self._project = project
        self._path = f"{environment.get('PATH', os.defpath)}:{OF_THE_IMAGE}/bin"
        self._machine = _MACHINES.get(platform.machine(), platform.machine())

    @property
    def node(self) -> str:
        """Node's path; its name where it is not there, so that starting it says so."""
        return shutil.which("node", path=self._path) or "node"

    @property
    def esbuild(self) -> str | None:
        """Esbuild's program; None where there is none."""
        package = self._project.installed(self._project.root, f"@esbuild/linux-{self._machine}")
        own = os.path.join(package, "bin", "esbuild") if package is not None else ""
        return own if os.access(own, os.X_OK) else shutil.which("esbuild", path=self._path)

    def typescript(self, folder: str) -> list[str] | None:
        """Return the arguments that start the compiler for files of a folder; None without one.

        From version 7 on it is a program that needs no Node, and starts sooner without.
        """
        package = self._project.installed(folder, "typescript")
        if package is None:
            found = shutil.which("tsc", path=self._path)
            return [found] if found else None
        name = f"typescript-linux-{self._machine}"
        native = os.path.join(os.path.dirname(package), "@typescript", name, "lib", "tsc")
        if os.access(native, os.X_OK):
            return [native]
        return [self.node, os.path.join(package, "bin", "tsc")]

    @property
    def types(self) -> str | None:
        """The folder with the types of Node's modules that a file without a project is given."""
        folder = os.path.join(OF_THE_IMAGE, "lib", "node_modules", "@types")
        return folder if os.path.isdir(folder) else None
