"""What a backend has to offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, runtime_checkable

from fixwright_sandbox.events import Status
from fixwright_sandbox.limits import Limits
from fixwright_sandbox.runtimes import Runtime

Users = Literal["host", "remapped", "rootless"]
"""Who root of an environment would be outside: root itself; somebody that the engine made up for
it; or no more than the user who runs the engine."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Installed packages, as an environment is given them.

    Attributes:
        place: what the backend knows it by: a folder or a volume.
        at: where environments have it, read-only.
        filling: it is being filled: it can be written, and there is a network.
        shown: folders and files of this machine that filling it needs; read-only there.
        most: bytes that it may hold when it is filled.
        network: the engine's, for filling it; bubblewrap has the machine's own.
    """

    place: str
    at: str
    filling: bool = False
    shown: tuple[str, ...] = ()
    network: str = "bridge"
    most: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """What an environment is made for, and can't change while it lives.

    Bytes, but for `processes`, `layer` and `runtime`: the name of the runtime whose environments
    these are, see `Runtime.within`.
    """

    runtime: str
    memory: int
    processes: int
    disk: int
    tree: int
    cache: int
    layer: Layer | None = None

    @classmethod
    def of(
        cls, runtime: Runtime, limits: Limits, tree_bytes: int, layer: Layer | None = None
    ) -> Shape:
        """The shape that a run with these limits needs."""
        return cls(
            runtime.name,
            limits.memory_bytes,
            limits.processes,
            limits.disk_bytes,
            tree_bytes,
            runtime.limits.cache_bytes,
            layer,
        )


class BackendError(Exception):
    """An environment could not be started, or is lost; the message is a sentence for the user."""

    status: ClassVar[Status] = "error"
    """How a run ends that meets this."""


class MissingImageError(BackendError):
    """The engine has no such image, or the host no such tools; the message says how to get it."""

    status = "image"


class EngineGoneError(BackendError):
    """The engine that environments run on does not answer."""

    status = "engine"


class Channel(Protocol):
    """One isolated runner: a stream of bytes each way, and its end."""

    async def read(self) -> bytes:
        """Bytes from the runner; none at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Send bytes; returns when there is room for more. ConnectionError when it is gone."""
        ...

    async def kill(self) -> None:
        """End everything in it; returns when nothing of it is left."""
        ...

    async def why_ended(self) -> BackendError:
        """Why the stream ended unasked."""
        ...


@dataclass(frozen=True, slots=True)
class Usage:
    """What an environment uses: bytes of memory now, seconds of processor time so far."""

    memory: int
    cpu_seconds: float


@runtime_checkable
class Placed(Protocol):
    """A backend that may run on another machine."""

    @property
    def elsewhere(self) -> bool:
        """It does: what this machine has to spare says nothing."""
        ...


@runtime_checkable
class Mapped(Protocol):
    """A backend that knows who its environments' users are outside."""

    @property
    def users(self) -> Users:
        """See `Users`."""
        ...


@runtime_checkable
class Known(Protocol):
    """A channel whose environment the machine or the engine has a name for."""

    @property
    def identity(self) -> str:
        """`container:ID` or `process:ID`."""
        ...


@runtime_checkable
class Measurable(Protocol):
    """A channel that can tell what its environment uses."""

    async def usage(self) -> Usage:
        """What it uses. Raises `BackendError` where that can't be told."""
        ...


@runtime_checkable
class Nameable(Protocol):
    """A channel whose environment can be told by people from others, by the engine's own tools."""

    async def name(self, workspace: str) -> None:
        """Name it for the workspace that it serves; where that fails it has no name, only."""
        ...


@runtime_checkable
class Layering(Protocol):
    """A backend whose environments can be given layers."""

    async def ground(self, runtime: str) -> str:
        """What a layer is built on: another answer, another layer. Raises `BackendError`."""
        ...

    async def new_layer(self, runtime: str, record: str) -> str:
        """Make room for one; returns its place. Raises `BackendError`.

        Args:
            runtime: whose environments fill it.
            record: the file that will say that it is complete. Without it and without us it is
                a leftover.
        """
        ...

    async def remove_layer(self, place: str) -> None:
        """Remove it. Raises `BackendError` where it is in use."""
        ...


class Backend(Protocol):
    """Starts runners in isolation."""

    @property
    def name(self) -> str:
        """What the user calls it."""
        ...

    def image(self, runtime: str) -> str | None:
        """The container image of a runtime's environments, where there are containers."""
        ...

    async def start(self, shape: Shape) -> tuple[Channel, dict[str, object]]:
        """Start an interpreter that waits for the guest's code.

        Returns its channel and what the runner has to know about the place. Raises
        `BackendError`.
        """
        ...

    async def close(self) -> None:
        """Let go of what the backend itself holds."""
        ...
