"""Where an engine is reached: by a local socket, by TCP with or without TLS, through SSH."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .address import Certificates, find_address
from .base import BackendError, EngineGoneError
from .tunnel import Tunnel

_HERE = {"localhost", "127.0.0.1", "::1"}
_PORTS = {True: 2376, False: 2375}
"""Of engines, by whether they speak TLS."""


def tls_context(certificates: Certificates) -> ssl.SSLContext:
    """For the `ssl` module. Raises `BackendError` where a file is missing or is none."""
    try:
        context = ssl.create_default_context(cafile=certificates.authority)
        if not certificates.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if certificates.own is not None:
            context.load_cert_chain(*certificates.own)
    except OSError as error:
        files = ", ".join(filter(None, (certificates.authority, *(certificates.own or ()))))
        message = f"The engine's certificates can't be used ({files}): {error}."
        raise BackendError(message) from error
    return context


class Endpoint:
    """One engine's address, and a tunnel to it where it is reached through SSH."""

    def __init__(self, url: str, certificates: Certificates | None) -> None:
        self.url = url
        self._certificates = certificates
        parts = urlsplit(url)
        if parts.scheme not in {"unix", "tcp", "http", "https", "ssh"}:
            message = (
                f"{url} is no engine's address that can be used here: it has to begin with "
                "unix://, tcp:// or ssh://."
            )
            raise BackendError(message)
        self._tunnel = Tunnel(parts) if parts.scheme == "ssh" else None

    @classmethod
    def find(cls, host: str | None, environment: Mapping[str, str] = os.environ) -> Endpoint:
        """The engine that is meant, see `find_address`. Raises `BackendError`."""
        address = find_address(host, environment)
        return cls(address.url.replace("http+unix://", "unix://"), address.certificates)

    @property
    def elsewhere(self) -> bool:
        """Whether it may be on another machine; known without asking it."""
        parts = urlsplit(self.url)
        return parts.scheme != "unix" and parts.hostname not in _HERE

    def local(self) -> str:
        """The address to connect to from here. Blocks while a tunnel is made."""
        return self.url if self._tunnel is None else f"unix://{self._tunnel.socket()}"

    def client_options(self) -> dict[str, Any]:
        """What docker-py's client is made with. Raises `BackendError`."""
        options: dict[str, Any] = {"base_url": self.local(), "version": "auto"}
        certificates = self._certificates
        if certificates is not None:
            from docker.tls import TLSConfig

            class Configured(TLSConfig):
                def configure_client(self, client: Any) -> None:
                    super().configure_client(client)
                    # REQUESTS_CA_BUNDLE would otherwise be trusted in place of our authority.
                    client.trust_env = False

            tls_context(certificates)  # for its errors in sentences
            options["tls"] = Configured(
                client_cert=certificates.own,
                ca_cert=certificates.authority,
                verify=certificates.verify,
            )
        return options

    def address(self) -> tuple[str, int, ssl.SSLContext | None] | Path:
        """Where to connect to for a stream: host, port and TLS, or a socket. May block."""
        parts = urlsplit(self.local())
        if parts.scheme == "unix":
            return Path("/" + (parts.netloc + parts.path).lstrip("/"))
        context = None if self._certificates is None else tls_context(self._certificates)
        if context is None and parts.scheme == "https":
            context = ssl.create_default_context()
        return parts.hostname or "localhost", parts.port or _PORTS[context is not None], context

    def close(self) -> None:
        """Take down the tunnel."""
        if self._tunnel is not None:
            self._tunnel.close()


def unreachable(url: str, error: OSError) -> EngineGoneError:
    """What to say of an engine that can't be connected to."""
    return EngineGoneError(f"The engine at {url} does not answer: {error.strerror or error}.")
