"""Why a host forbids user namespaces to who is not root, and what allows them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Read = Callable[[str], str | None]
"""Gives the text of a file of this machine; None where there is none or it can't be read."""

_FILTERED = "2"
"""The seccomp mode of a process whose system calls are filtered, see proc(5)."""


def read_file(path: str) -> str | None:
    """The text of a file of this machine."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def why_forbidden(read: Read = read_file) -> str:
    """A sentence or two that name what forbids them here, and how to allow them.

    Every cause that is found is named, for one alone would not help.
    """
    causes: list[str] = []
    if read("/proc/sys/kernel/unprivileged_userns_clone") == "0":
        causes.append("run `sysctl kernel.unprivileged_userns_clone=1` as root")
    if read("/proc/sys/user/max_user_namespaces") == "0":
        causes.append("run `sysctl user.max_user_namespaces=10000` as root")
    if read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
        causes.append(
            "give bwrap an AppArmor profile that has `userns,` (or run `sysctl "
            "kernel.apparmor_restrict_unprivileged_userns=0` as root)"
        )
    inside = any(read(path) is not None for path in ("/.dockerenv", "/run/.containerenv"))
    if inside or _filtered(read):
        causes.append(
            "start the container that this runs in with `--security-opt seccomp=unconfined` or "
            "with a profile that allows user namespaces"
        )
    if causes:
        return f"User namespaces are forbidden here: to allow them, {'; and '.join(causes)}."
    return (
        "Nothing that usually forbids user namespaces is set here; `bwrap --unshare-all --ro-bind "
        "/ / true` may tell more, and Docker or Podman can be used instead."
    )


def _filtered(read: Read) -> bool:
    for line in (read("/proc/self/status") or "").splitlines():
        name, _, value = line.partition(":")
        if name == "Seccomp":
            return value.strip() == _FILTERED
    return False
