"""The writable places of an environment with a file system of its own."""

from __future__ import annotations

WORKSPACE = "/workspace"
TMP = "/tmp"  # noqa: S108 (the environment's, which nobody else sees)
SHM = "/dev/shm"  # noqa: S108 (the environment's, which nobody else sees)
SHM_BYTES = 64 << 20
UID = 10001


def describe(
    *, limit_data: bool, limit_processes: bool, refusals_counted: bool
) -> dict[str, object]:
    """What the runner has to know of the place.

    Args:
        limit_data: hold memory by RLIMIT_DATA, since nothing else does.
        limit_processes: hold processes by RLIMIT_NPROC.
        refusals_counted: the kernel holds the processes and counts when it refused one, so that
            a run may be left a moment to say so itself.
    """
    return {
        "root": WORKSPACE,
        "tmp": TMP,
        "cleaned": [TMP, SHM],
        "bounded": [WORKSPACE, TMP],
        "temporary": None,
        "contained": True,
        "limit_data": limit_data,
        "limit_processes": limit_processes,
        "refusals_counted": refusals_counted,
    }
