"""Debian as the base image starts from it, for machines that no image registry answers."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from .engine import ImageEngine
from .events import ImageError
from .halt import Halt
from .recipe import IMAGE_LABEL, RECIPE_LABEL, Recipe

DEBIAN_TAG = "fixwright/debian:trixie"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_NEEDED = ("debootstrap", "wget", "gpgv")


def mirrors() -> dict[str, str]:
    """Where Debian's packages come from, as build arguments; empty for deb.debian.org.

    DEBIAN_MIRROR and DEBIAN_SECURITY_MIRROR count first, then what this machine's apt uses.
    """
    labels = {"DEBIAN_MIRROR": "Debian", "DEBIAN_SECURITY_MIRROR": "Debian-Security"}
    found = {name: os.environ.get(name) or _of_apt(label) for name, label in labels.items()}
    return {
        name: mirror.rstrip("/")
        for name, mirror in found.items()
        if mirror and "deb.debian.org" not in mirror
    }


def proxies() -> dict[str, str]:
    """The proxies of this machine, as build arguments of which the engine keeps no trace."""
    names = ("http_proxy", "https_proxy", "no_proxy")
    found = {name: os.environ.get(name) or os.environ.get(name.upper(), "") for name in names}
    found["http_proxy"] = _apt_proxy() or found["http_proxy"]
    return {name: value for name, value in found.items() if value}


def _of_apt(label: str) -> str:
    """The first of apt's sources with that label, if it is one a container can reach."""
    columns = ["--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian"]
    said = _ask(["apt-get", "indextargets", *columns, f"Label: {label}"])
    first = said.splitlines()[0] if said else ""
    return first if first.startswith("http://") and "@" not in first else ""


def _apt_proxy() -> str:
    said = _ask(["apt-config", "shell", "proxy", "Acquire::http::Proxy"])
    return said.strip().removeprefix("proxy=").strip("'")


def _ask(argv: list[str]) -> str:
    if shutil.which(argv[0]) is None:
        return ""
    answer = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 (apt's)
    return answer.stdout if answer.returncode == 0 else ""


def bring_debian(
    base: Recipe,
    engine: ImageEngine,
    cache: Path,
    *,
    force: bool,
    halt: Halt,
    said: Callable[[str], None],
) -> str:
    """Have the engine know Debian; returns the image's name.

    The root file system is made by `debootstrap`, as root, and kept in `cache`.

    Raises:
        ImageError: this machine can't make it; the message says what is missing.
    """
    architecture = engine.architecture
    script = base.folder / "debootstrap"
    digest = hashlib.sha256(script.read_bytes()).hexdigest()[:16]
    facts = engine.facts(DEBIAN_TAG)
    if facts is not None and facts.labels.get(RECIPE_LABEL) == digest and not force:
        return DEBIAN_TAG
    archive = cache / f"debian-trixie-{digest}-{architecture}.tar.gz"
    if force or not archive.exists():
        _bootstrap(script, archive, architecture, halt, said)
        for older in cache.glob(f"debian-trixie-*-{architecture}.tar.gz"):
            if older != archive:
                older.unlink()
    said(f"Importing {archive.name}")
    labels = {IMAGE_LABEL: "debian:trixie", RECIPE_LABEL: digest}
    engine.import_root(archive, DEBIAN_TAG, labels, architecture)
    return DEBIAN_TAG


def _bootstrap(
    script: Path, archive: Path, architecture: str, halt: Halt, said: Callable[[str], None]
) -> None:
    if shutil.which("apt-get") is None:
        message = (
            "No image registry answers, and without one only Debian and Ubuntu can make the "
            "images. Try again with a network, or load images that another machine saved."
        )
        raise ImageError(message)
    if _MACHINES.get(platform.machine()) != architecture:
        message = (
            f"The Docker Engine is for {architecture} and this machine is {platform.machine()}, "
            "so Debian can't be bootstrapped for it here; make the images on a machine of its kind."
        )
        raise ImageError(message)
    root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive", "--preserve-env"]
    if root and shutil.which("sudo") is None:
        message = "Bootstrapping Debian needs root, and there is no sudo: build the images as root."
        raise ImageError(message)
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    missing = [name for name in _NEEDED if shutil.which(name, path=search) is None]
    if missing:
        apt = [
            *root,
            "apt-get",
            "--quiet",
            "--quiet",
            "--yes",
            "--no-install-recommends",
            "install",
        ]
        said(f"Installing with apt: {' '.join(missing)}")
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        halt.run([*apt, *missing, "debian-archive-keyring"], said=said, env=environment)
    archive.parent.mkdir(parents=True, exist_ok=True)
    mirror = os.environ.get("DEBIAN_MIRROR") or _of_apt("Debian")
    environment = {"DEBIAN_MIRROR": mirror} if mirror else {}
    halt.run([*root, "bash", str(script), str(archive)], said=said, env=environment)
