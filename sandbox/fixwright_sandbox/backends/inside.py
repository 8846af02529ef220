"""The writable places of an environment with a file system of its own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fixwright_sandbox.limits import MOST_FILES

WORKSPACE = "/workspace"
TMP = "/tmp"  # noqa: S108 (the environment's, which nobody else sees)
CACHE = "/cache"
SHM = "/dev/shm"  # noqa: S108 (the environment's, which nobody else sees)
SHM_BYTES = 64 << 20
MQUEUE = "/dev/mqueue"
UID = 10001


def describe(
    *,
    limit_data: bool,
    limit_processes: bool,
    limit_files: bool,
    refusals_counted: bool,
    calls: bytes | None,
    cache: bool,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, object]:
    """What the runner has to know of the place.

    Args:
        limit_data: hold memory by RLIMIT_DATA, since nothing else does.
        limit_processes: hold processes by RLIMIT_NPROC.
        limit_files: watch how many files there are, since the file systems hold any number.
        refusals_counted: the kernel holds the processes and counts when it refused one, so that
            a run may be left a moment to say so itself.
        cache: there is a folder that is kept between runs.
        variables: the environment variables of every run here.
        calls: a filter for system calls that the runner is to put on, see `seccomp`.
    """
    return {
        "root": WORKSPACE,
        "tmp": TMP,
        "cleaned": [TMP, SHM, MQUEUE],
        "bounded": [WORKSPACE, TMP, *([CACHE] if cache else [])],
        "variables": dict(variables),
        "cache": CACHE if cache else None,
        "temporary": None,
        "contained": True,
        "limit_data": limit_data,
        "limit_processes": limit_processes,
        "most_files": MOST_FILES if limit_files else None,
        "refusals_counted": refusals_counted,
        "calls": None if calls is None else calls.hex(),
    }
