"""Run untrusted code in a sandbox: a product of its own."""

from .events import Captured, ChangedFile, Event, Result, Status
from .execution import Execution
from .jobs import Chunk, Job, RunCell, RunChunks, RunCommand, RunFile, RunTests
from .keeping import NotKept
from .limits import Limits
from .sandbox import Opening, Sandbox, open_sandbox
from .session import Session, SessionRefused
from .settings import BackendName, Request, SandboxSettings, SandboxUnavailable
from .stats import EnvironmentStats, Stats
from .tree import Blob, HostFile, InvalidTreeError, Tree
from .workspace import FileInfo, Snapshot, Workspace

__all__ = [
    "BackendName",
    "Blob",
    "Captured",
    "ChangedFile",
    "Chunk",
    "EnvironmentStats",
    "Event",
    "Execution",
    "FileInfo",
    "HostFile",
    "InvalidTreeError",
    "Job",
    "Limits",
    "NotKept",
    "Opening",
    "Request",
    "Result",
    "RunCell",
    "RunChunks",
    "RunCommand",
    "RunFile",
    "RunTests",
    "Sandbox",
    "SandboxSettings",
    "SandboxUnavailable",
    "Session",
    "SessionRefused",
    "Snapshot",
    "Stats",
    "Status",
    "Tree",
    "Workspace",
    "open_sandbox",
]
