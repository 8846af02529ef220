"""Who may use the service."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from .settings import ServiceError

VARIABLE = "FIXWRIGHT_SANDBOX_TOKEN"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{20,200}")


class Tokens:
    """Names by token. Only digests are held, and each is compared in constant time."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        """`tokens` are by name. Raises `ServiceError` for a name or token that can't be."""
        for name, token in tokens.items():
            _check(name, token)
        self._digests = {name: _digest(token) for name, token in tokens.items()}
        if len(set(self._digests.values())) < len(self._digests):
            message = "Two names have the same token."
            raise ServiceError(message)

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self._digests)

    def name_of(self, token: str) -> str | None:
        """Whose token it is; None for nobody's. Takes as long whichever it is."""
        given = _digest(token)
        matching = [
            name for name, known in self._digests.items() if hmac.compare_digest(known, given)
        ]
        return matching[0] if matching else None


def generated() -> str:
    """A new token of 256 bits."""
    return secrets.token_urlsafe(32)


def read_tokens(path: Path) -> Tokens:
    """Tokens from a file that only its owner can read: `NAME TOKEN` in a line, `#` for comments.

    A file that is not there is made, with a token for `default`. Raises `ServiceError`.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Tokens(_parsed(path))
    except OSError as error:
        message = f"The token file {path} can't be made: {error.strerror}."
        raise ServiceError(message) from error
    token = generated()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"default {token}\n")
    return Tokens({"default": token})


def _parsed(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"The token file {path} can't be read: {error}."
        raise ServiceError(message) from error
    if stat.S_IMODE(mode) & 0o077:
        message = f"Others can read the token file {path}; run: chmod 600 {path}"
        raise ServiceError(message)
    tokens: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        parts = line.partition("#")[0].split()
        if not parts:
            continue
        if len(parts) != 2 or parts[0] in tokens:  # noqa: PLR2004  # a name and a token
            message = f"Line {number} of {path} is no NAME TOKEN, or its name comes twice."
            raise ServiceError(message)
        tokens[parts[0]] = parts[1]
    if not tokens:
        message = f"There is no token in {path}."
        raise ServiceError(message)
    return tokens


def _check(name: str, token: str) -> None:
    if not _NAME.fullmatch(name):
        message = f"{name!r} can't be a token's name; letters, digits, '.', '_' and '-' can."
        raise ServiceError(message)
    if not _TOKEN.fullmatch(token):
        message = f"The token of {name} is too short, or has other signs than URLs have: 20 to 200."
        raise ServiceError(message)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
