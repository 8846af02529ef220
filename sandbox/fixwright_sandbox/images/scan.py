"""Looking through a finished image: what is in it, and what must not be."""

from __future__ import annotations

import io
import re
import tarfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .engine import Facts, ImageEngine
from .events import ImageError
from .packages import Package, is_database, packages

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_SETID = 0o6000
_ANYBODY = 0o002
_OPEN_FOLDERS = frozenset({"tmp"})
_RUN_AS = "10001:10001"
_SMALL = 64 << 10
"""Bytes of the largest file that is read for secrets."""
_PRIVATE_KEY = re.compile(
    rb"^-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n[A-Za-z0-9+/=\r\n]{64,}", re.MULTILINE
)
_SECRET_FILES = re.compile(
    r"(^|/)(\.npmrc|\.pypirc|\.netrc|\.git-credentials|pip\.conf|npmrc|id_(rsa|ed25519|ecdsa|dsa)"
    r"|\.docker/config\.json|auth\.conf)$"
)
_SECRET_NAME = re.compile(r"(TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY)", re.IGNORECASE)
_OF_THE_HOST = re.compile(
    r"(_proxy=|INDEX_URL|npm_config_registry|://[^/\s]*:[^/\s]*@)", re.IGNORECASE
)
_APT = re.compile(r"^(var/lib/apt/lists|var/cache/apt)/.+")
_APT_PROXY = re.compile(rb"Acquire::https?::Proxy")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be in an image: the rule, the place, and what is wrong."""

    rule: str
    place: str
    message: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What a look through an image found.

    Attributes:
        image: its tag.
        id: its digest.
        size: bytes of all its layers.
        packages: what is installed.
        findings: what must not be; none in an image that may be shipped.
        debian_status: dpkg's own list, for tools that read it.
    """

    image: str
    id: str
    size: int
    packages: tuple[Package, ...]
    findings: tuple[Finding, ...]
    debian_status: bytes


def budget(name: str) -> int | None:
    """The largest size of a runtime's image in bytes; None where none is set."""
    budgets = tomllib.loads(Path(__file__).with_name("budgets.toml").read_text(encoding="utf-8"))
    return int(budgets[name]) * 1_000_000 if name in budgets else None


def scan(engine: ImageEngine, image: str, *, largest: int | None = None) -> Scan:
    """Look through an image, which reads all its files once.

    Args:
        engine: has the image.
        image: its name.
        largest: bytes that it may have.

    Raises:
        ImageError: there is no such image, or the engine fails.
    """
    facts = engine.facts(image)
    if facts is None:
        message = f"There is no image {image} to look through; build it first."
        raise ImageError(message)
    findings = [*_of_configuration(image, facts, engine.history(image))]
    if largest is not None and facts.size > largest:
        text = f"{facts.size / 1e6:.0f} MB are more than its {largest / 1e6:.0f} MB"
        findings.append(Finding("size", image, text))
    databases: dict[str, bytes] = {}
    with (
        engine.files(image) as pieces,
        tarfile.open(fileobj=io.BufferedReader(_Pieces(pieces)), mode="r|") as archive,
    ):
        for member in archive:
            path = member.name.removeprefix("./")
            findings += _of_mode(path, member)
            wanted = is_database(path)
            if member.isreg() and (wanted or member.size <= _SMALL):
                data = archive.extractfile(member)
                assert data is not None
                content = data.read()
                findings += _of_content(path, content)
                if wanted:
                    databases[path] = content
    return Scan(
        image=image,
        id=facts.id,
        size=facts.size,
        packages=tuple(packages(databases)),
        findings=tuple(findings),
        debian_status=databases.get("var/lib/dpkg/status", b""),
    )


def _of_configuration(image: str, facts: Facts, history: list[str]) -> Iterator[Finding]:
    if facts.user != _RUN_AS:
        yield Finding("user", image, f"its processes run as {facts.user or 'root'}, not {_RUN_AS}")
    for path in facts.volumes:
        yield Finding("volume", path, "a volume can be written, and nothing bounds it")
    for variable in facts.environment:
        name, _, value = variable.partition("=")
        if _SECRET_NAME.search(name) or _OF_THE_HOST.search(variable):
            yield Finding(
                "secret", name, f"this variable ({len(value)} characters) stays in the image"
            )
    for step in history:
        if _OF_THE_HOST.search(step):
            yield Finding(
                "secret", "history", "a step names an address of the machine that built it"
            )


def _of_mode(path: str, member: tarfile.TarInfo) -> Iterator[Finding]:
    if member.isreg() and member.mode & _SETID:
        yield Finding("setuid", path, f"mode {member.mode:o}: it runs as somebody else")
    if (member.isdir() or member.isreg()) and member.mode & _ANYBODY and path not in _OPEN_FOLDERS:
        yield Finding("writable", path, f"mode {member.mode:o}: anybody may write it")
    if (member.ischr() or member.isblk()) and not path.startswith("dev/"):
        yield Finding("device", path, "a device node")
    if _APT.match(path) and not member.isdir():
        yield Finding("left", path, "what apt left is of no use in a sandbox")


def _of_content(path: str, content: bytes) -> Iterator[Finding]:
    if _SECRET_FILES.search(path) and content.strip():
        yield Finding("secret", path, "a file that names credentials or the machine's registries")
    if _PRIVATE_KEY.search(content):
        yield Finding("secret", path, "a private key")
    if path.startswith("etc/apt/") and _APT_PROXY.search(content):
        yield Finding("secret", path, "the proxy of the machine that built it")


class _Pieces(io.RawIOBase):
    """A file made of pieces that arrive one after another."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        view = memoryview(buffer)
        size = min(len(view), len(self._rest))
        view[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
