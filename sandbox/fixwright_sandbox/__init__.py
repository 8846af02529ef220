"""Run untrusted code in a sandbox: a product of its own."""

from .events import Captured, ChangedFile, Event, Result, Status
from .execution import Execution
from .jobs import Chunk, Job, RunChunks, RunCommand, RunFile, RunTests
from .limits import Limits
from .sandbox import Sandbox, open_sandbox
from .settings import BackendName, Request, SandboxSettings, SandboxUnavailable
from .tree import Blob, HostFile, InvalidTreeError, Tree

__all__ = [
    "BackendName",
    "Blob",
    "Captured",
    "ChangedFile",
    "Chunk",
    "Event",
    "Execution",
    "HostFile",
    "InvalidTreeError",
    "Job",
    "Limits",
    "Request",
    "Result",
    "RunChunks",
    "RunCommand",
    "RunFile",
    "RunTests",
    "Sandbox",
    "SandboxSettings",
    "SandboxUnavailable",
    "Status",
    "Tree",
    "open_sandbox",
]
