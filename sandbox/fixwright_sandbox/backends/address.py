"""Which engine is meant: by a setting, by Docker's variables, or by its client's context."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from .base import BackendError

DEFAULT = "unix:///var/run/docker.sock"


@dataclass(frozen=True)
class Certificates:
    """The files that a connection by TLS is made with.

    Attributes:
        authority: who signed the engine's certificate; None is whom the system trusts.
        own: certificate and key that show who we are.
        verify: the engine has to show that it is the one that was asked for.
    """

    authority: str | None
    own: tuple[str, str] | None
    verify: bool


@dataclass(frozen=True)
class Address:
    """An engine's URL, and certificates where the connection is by TLS."""

    url: str
    certificates: Certificates | None = None


def find_address(host: str | None, environment: Mapping[str, str]) -> Address:
    """The engine that is meant.

    DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH, DOCKER_CONTEXT, DOCKER_CONFIG and the current
    context count as they do for Docker's own client, and `host` before all. Reads files. Raises
    `BackendError`.
    """
    url = host or environment.get("DOCKER_HOST")
    if url is None or url == "":
        return _of_context(environment)
    if not url.startswith(("tcp://", "https://")):
        return Address(url)
    verify = bool(environment.get("DOCKER_TLS_VERIFY"))
    folder = environment.get("DOCKER_CERT_PATH")
    if not (verify or folder):
        return Address(url)
    return Address(
        url, _certificates(Path(folder) if folder else _config(environment), verify=verify)
    )


def _of_context(environment: Mapping[str, str]) -> Address:
    config = _config(environment)
    name = environment.get("DOCKER_CONTEXT")
    name = name or _text(_read(config / "config.json"), "currentContext")
    if name in {None, "", "default"}:
        return Address(DEFAULT)
    assert name is not None
    key = hashlib.sha256(name.encode()).hexdigest()
    told = _read(config / "contexts" / "meta" / key / "meta.json")
    docker = _object(_object(told, "Endpoints"), "docker")
    url = _text(docker, "Host")
    if url is None:
        message = (
            f"There is no Docker context {name!r} in {config}; `docker context ls` lists those "
            "that there are, DOCKER_CONTEXT and `docker context use` choose one."
        )
        raise BackendError(message)
    folder = config / "contexts" / "tls" / key / "docker"
    if not url.startswith(("tcp://", "https://")) or not folder.is_dir():
        return Address(url)
    return Address(url, _certificates(folder, verify=docker.get("SkipTLSVerify") is not True))


def _certificates(folder: Path, *, verify: bool) -> Certificates:
    authority, own, key = (folder / f"{name}.pem" for name in ("ca", "cert", "key"))
    if not folder.is_dir():
        message = f"There is no folder {folder} with the engine's certificates (DOCKER_CERT_PATH)."
        raise BackendError(message)
    return Certificates(
        str(authority) if authority.exists() else None,
        (str(own), str(key)) if own.exists() else None,
        verify,
    )


def _config(environment: Mapping[str, str]) -> Path:
    told = environment.get("DOCKER_CONFIG")
    return Path(told) if told else Path.home() / ".docker"


def _read(path: Path) -> dict[str, object]:
    try:
        told: object = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        message = f"{path} can't be read, which tells where the Docker Engine is: {error}."
        raise BackendError(message) from error
    return cast("dict[str, object]", told) if isinstance(told, dict) else {}


def _text(values: Mapping[str, object], name: str) -> str | None:
    value = values.get(name)
    return value if isinstance(value, str) else None


def _object(values: Mapping[str, object], name: str) -> dict[str, object]:
    value = values.get(name)
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
