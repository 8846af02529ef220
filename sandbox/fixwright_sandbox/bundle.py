"""The guest's code as it is sent into an environment that has nothing but an interpreter."""

from __future__ import annotations

import json
from importlib import resources

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


def arguments(python: str) -> list[str]:
    """The argument vector that starts a runner, ready to be fed."""
    return [python, "-s", "-c", BOOT]


def load() -> bytes:
    """What a fresh interpreter is fed: the bootstrap and every module. Reads files."""
    bootstrap = b""
    modules: dict[str, str] = {}
    for file in resources.files(f"{__package__}.guest").iterdir():
        name, _, kind = file.name.rpartition(".")
        if kind != "py":
            continue
        if name == "bootstrap":
            bootstrap = file.read_bytes()
        else:
            modules[name] = file.read_text(encoding="utf-8")
    bundle = json.dumps(modules).encode()
    return b"".join(len(part).to_bytes(4, "big") + part for part in (bootstrap, bundle))
