"""Make the guest's package out of the bundle on standard input, and start the runner.

The host sends this file's text and then the bundle, both with their length in four bytes before
them. The bundle is JSON: `modules` is the source by name in the package, `data` other files in
base64. Nothing is written to a file system here.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import types
from importlib.machinery import ModuleSpec
from typing import Any, cast

PACKAGE = "fixwright_guest"


def _read(size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = os.read(0, size - len(data))
        if not piece:
            sys.exit(0)
        data += piece
    return data


class _Finder:
    """Finds the guest's modules in memory."""

    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = sources
        self._packages = {name.rpartition(".")[0] for name in sources if "." in name} | {""}

    def find_spec(
        self,
        fullname: str,
        path: object,  # noqa: ARG002 (the interface's)
        target: object = None,  # noqa: ARG002 (the interface's)
    ) -> ModuleSpec | None:
        """Return how to load a module of the package."""
        if fullname != PACKAGE and not fullname.startswith(PACKAGE + "."):
            return None
        name = fullname[len(PACKAGE) + 1 :]
        if name not in self._sources:
            return None
        is_package = name in self._packages
        file = fullname.replace(".", "/") + ("/__init__" if is_package else "")
        # importlib.abc, which would make the type fit, imports half of the library.
        loader = cast("Any", self)
        return ModuleSpec(fullname, loader, origin=f"/{file}.py", is_package=is_package)

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave making the module to the interpreter."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Run a module's text in it."""
        spec = module.__spec__
        assert spec is not None
        assert spec.origin is not None
        module.__file__ = spec.origin
        source = self._sources[module.__name__[len(PACKAGE) + 1 :]]
        code = compile(source, spec.origin, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 (this is the loader)


def _start(usual: frozenset[str]) -> None:
    bundle = json.loads(_read(int.from_bytes(_read(4), "big")))
    sys.meta_path.insert(0, _Finder(bundle["modules"]))
    runner = importlib.import_module(PACKAGE + ".runner")
    runner.main(usual, bundle["data"])


_start(globals()["usual"])
