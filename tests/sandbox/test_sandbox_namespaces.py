"""Hosts that forbid user namespaces: bubblewrap says so at once, and how to allow them."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys

import pytest

from fixwright_sandbox.backends.namespaces import why_forbidden

FORBIDDING = {
    "debian": ({"/proc/sys/kernel/unprivileged_userns_clone": "0"}, "unprivileged_userns_clone=1"),
    "ubuntu": (
        {
            "/proc/sys/kernel/unprivileged_userns_clone": "1",
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
        },
        "AppArmor profile that has `userns,`",
    ),
    "none left": ({"/proc/sys/user/max_user_namespaces": "0"}, "user.max_user_namespaces=10000"),
    "docker": ({"/.dockerenv": ""}, "--security-opt seccomp=unconfined"),
    "podman": ({"/run/.containerenv": ""}, "--security-opt seccomp=unconfined"),
    "filtered": ({"/proc/self/status": "Name:\tx\nSeccomp:\t2\n"}, "a profile that allows user"),
}


@pytest.mark.parametrize("host", FORBIDDING)
def test_what_forbids_them_is_named_with_what_allows_them(host: str) -> None:
    files, way = FORBIDDING[host]
    said = why_forbidden(files.get)
    assert said.startswith("User namespaces are forbidden here: to allow them, ")
    assert way in said
    assert "; and " not in said  # nothing else is blamed


def test_every_cause_is_named() -> None:
    files = {path: text for told, _ in FORBIDDING.values() for path, text in told.items()}
    files["/proc/sys/kernel/unprivileged_userns_clone"] = "0"
    said = why_forbidden(files.get)
    assert all(way in said for _, way in FORBIDDING.values())


def test_a_host_that_forbids_nothing_is_not_blamed() -> None:
    usual = {"/proc/sys/kernel/unprivileged_userns_clone": "1", "/proc/self/status": "Seccomp:\t0"}
    assert why_forbidden(usual.get).startswith("Nothing that usually forbids user namespaces")


FORBIDDEN = """
import asyncio, platform
from fixwright_sandbox import *
from fixwright_sandbox.backends import seccomp
from fixwright_sandbox.guest.kernel import filter_calls
async def main():
    try:
        await open_sandbox("bubblewrap")
    except SandboxUnavailable as error:
        print(error)
seccomp.REFUSED = {}  # but for new namespaces
filter_calls(seccomp.filter_for(platform.machine()))
asyncio.run(main())
"""


@pytest.mark.bubblewrap
async def test_where_they_are_really_forbidden() -> None:
    """A process under a filter such as containers have: the kernel refuses new namespaces."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", FORBIDDEN),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    async with asyncio.timeout(60):
        said = (await process.communicate())[0].decode()
    assert "bubblewrap is installed but does not work here" in said
    assert "User namespaces are forbidden here: to allow them, start the container" in said
