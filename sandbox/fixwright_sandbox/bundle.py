"""The guest's code as it is sent into an environment that has nothing but an interpreter."""

from __future__ import annotations

import base64
import functools
import json
import re
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from .runtimes import catalogue

BOOT = """\
import sys
usual=frozenset(sys.modules)
import os
sys.path[:1]=[]
def read(size):
    data=b""
    while len(data)<size:
        piece=os.read(0,size-len(data))
        if not piece: sys.exit(0)
        data+=piece
    return data
size=int.from_bytes(read(4),"big")
exec(compile(read(size),"/fixwright_guest/bootstrap.py","exec",dont_inherit=True))
"""
"""What the interpreter is started with; it reads the rest from the stream.

`usual` are the modules that a bare interpreter has already. It is not isolated (`-I`), so that
a job finds an interpreter as it would be by itself; instead of that its folder is one without
modules, and leaves the path before anything is imported.
"""
_BOOTSTRAP = "bootstrap"
_ABSOLUTE = re.compile(rf"\b{__package__}\.(?:runtimes\.(\w+)\.)?guest\b")


@dataclass(frozen=True)
class Guest:
    """What is sent.

    Attributes:
        modules: source by name within the package, such as `wire` and `python.job`.
        data: other files by `runtime/name`, as they are.
    """

    modules: dict[str, str]
    data: dict[str, bytes]


def arguments(python: str) -> list[str]:
    """The argument vector that starts a runner, ready to be fed."""
    return [python, "-s", "-c", BOOT]


@functools.cache
def load(runtime: str) -> bytes:
    """What a fresh interpreter is fed for this runtime and those within it.

    Reads files, the first time.
    """
    content = guest(*(each.name for each in catalogue.within(runtime)))
    bootstrap = content.modules.pop(_BOOTSTRAP).encode()
    data = {name: base64.b64encode(value).decode() for name, value in content.data.items()}
    bundle = json.dumps({"modules": content.modules, "data": data}).encode()
    return b"".join(len(part).to_bytes(4, "big") + part for part in (bootstrap, bundle))


def guest(*runtimes: str) -> Guest:
    """What the guest's package consists of for these runtimes. Reads files.

    On the host the modules lie in several packages and import each other by their absolute
    names; in there they are one package, `fixwright_guest`, with one below it for each runtime,
    because a program may be this very one and import its own modules.
    """
    content = Guest({}, {})
    shared = resources.files(f"{__package__}.guest")
    _collect(shared, "", content)
    for name in runtimes:
        content.modules[name] = ""
        _collect(catalogue.guest_folder(name), name, content)
    return content


def _collect(folder: Traversable, runtime: str, content: Guest) -> None:
    if not folder.is_dir():
        return
    for file in folder.iterdir():
        stem, _, kind = file.name.rpartition(".")
        if kind == "py":
            parts = (runtime,) if stem == "__init__" else (runtime, stem)
            name = ".".join(filter(None, parts))
            content.modules[name] = _inside(file.read_text(encoding="utf-8"))
        elif file.is_file():
            content.data[f"{runtime}/{file.name}"] = file.read_bytes()


def _inside(source: str) -> str:
    """Name the guest's modules as they are named in there; lines stay where they are."""
    if "fixwright_sandbox" not in source:
        return source
    return _ABSOLUTE.sub(
        lambda found: "fixwright_guest" + (f".{found[1]}" if found[1] else ""), source
    )
