"""What holds a container: the kernel's namespaces, or more than those where the engine has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal

from .base import BackendError

Isolation = Literal["default", "runsc", "kata"]
"""`default` is what the engine uses by itself; `runsc` is gVisor's kernel in between; `kata` is a
virtual machine for each container."""

OPEN_FILES = 16_384
"""Open files of any process of a container, whatever a run's own limit is."""

_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "runsc": ("runsc", "gvisor", "io.containerd.runsc.v1"),
        "kata": (
            "kata",
            "kata-runtime",
            "kata-qemu",
            "kata-clh",
            "kata-fc",
            "io.containerd.kata.v2",
        ),
    }
)
"""What engines call them."""
_MADE_BY = MappingProxyType({"runsc": "gVisor", "kata": "Kata Containers"})


def oci_runtime(isolation: Isolation, offered: Iterable[str], called: str) -> str | None:
    """The engine's name for what is asked; None is its own choice.

    Raises `BackendError` where it does not offer that: less than what was asked is never used.
    """
    if isolation == "default":
        return None
    there = sorted(offered)
    for name in _NAMES[isolation]:
        if name in there:
            return name
    message = (
        f"{called} has no runtime {isolation} ({_MADE_BY[isolation]}), which sandbox.isolation "
        f"asks for; it has {', '.join(there) or 'none that it tells'}. Install it and register it "
        'with the engine (the "runtimes" of its daemon.json), or set sandbox.isolation to default.'
    )
    raise BackendError(message)
