"""Make the guest's package out of the bundle on standard input, and start the runner.

The host sends this file's text and then the bundle: `{module name: source}` as JSON, both with
their length in four bytes before them. Nothing is written to a file system.
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

    def find_spec(
        self,
        fullname: str,
        path: object,  # noqa: ARG002 (the interface's)
        target: object = None,  # noqa: ARG002 (the interface's)
    ) -> ModuleSpec | None:
        """Return how to load a module of the package."""
        package, _, name = fullname.rpartition(".")
        if fullname != PACKAGE and (package != PACKAGE or name not in self._sources):
            return None
        origin = f"/{PACKAGE}/{name if package else '__init__'}.py"
        # importlib.abc, which would make the type fit, imports half of the library.
        loader = cast("Any", self)
        return ModuleSpec(fullname, loader, origin=origin, is_package=fullname == PACKAGE)

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave making the module to the interpreter."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Run a module's text in it."""
        name = module.__name__.rpartition(".")[2] if "." in module.__name__ else "__init__"
        spec = module.__spec__
        assert spec is not None
        assert spec.origin is not None
        module.__file__ = spec.origin
        code = compile(self._sources[name], spec.origin, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 (this is the loader)


def _start(usual: frozenset[str]) -> None:
    bundle = json.loads(_read(int.from_bytes(_read(4), "big")))
    sys.meta_path.insert(0, _Finder(bundle))
    runner = importlib.import_module(PACKAGE + ".runner")
    runner.main(usual)


_start(globals()["usual"])
