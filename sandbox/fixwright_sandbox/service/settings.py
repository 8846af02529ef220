"""How the service is set up, and what one token may have."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from fixwright_sandbox.limits import MIB
from fixwright_sandbox.settings import SandboxSettings

LONGEST_RUN = 1800.0
"""Seconds that a run may take at most, whatever is asked for."""


class ServiceError(Exception):
    """The service can't be started as it is set up; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one token may have.

    Attributes:
        sandboxes: at once.
        runs: at once, over all its sandboxes.
        sessions: at once, over all its sandboxes.
        streams: of events, read at once.
        run_seconds: the longest run.
        hourly_run_seconds: of runs together; it fills up again evenly over an hour.
        memory_bytes: of one run.
        upload_bytes: of one request.
        held_bytes: files of all its sandboxes and their snapshots together.
        requests: a second; ten seconds' worth may come at once.
    """

    sandboxes: int = 8
    runs: int = 8
    sessions: int = 8
    streams: int = 32
    run_seconds: float = LONGEST_RUN
    hourly_run_seconds: float = 4 * 3600.0
    memory_bytes: int = 2048 * MIB
    upload_bytes: int = 64 * MIB
    held_bytes: int = 256 * MIB
    requests: float = 50.0

    def __post_init__(self) -> None:
        """Raise `ServiceError` for what nobody could use."""
        for name in self.__slots__:
            if getattr(self, name) <= 0:
                message = f"{name} has to be more than 0."
                raise ServiceError(message)


@dataclass(frozen=True)
class ServiceSettings:
    """How to serve.

    Attributes:
        host: the address to listen on.
        port: 0 is any that is free.
        tls_cert: path of the certificate chain, PEM.
        tls_key: path of its key, PEM.
        expose: other machines may connect; needs TLS or a proxy that has it.
        behind_proxy: a proxy in front ends TLS and is alone in reaching this.
        hosts: names under which the service is called, beside those of loopback.
        origins: of web pages that may call it from a browser; none without.
        allowance: what each token may have.
        sandbox: how the sandbox is opened.
        idle_seconds: a sandbox that nobody used for so long is terminated.
        head_seconds: a connection is dropped that for so long sends no whole head of a request.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    tls_cert: str | None = None
    tls_key: str | None = None
    expose: bool = False
    behind_proxy: bool = False
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    allowance: Allowance = field(default_factory=Allowance)
    sandbox: SandboxSettings = field(default_factory=SandboxSettings)
    idle_seconds: float = 3600.0
    head_seconds: int = 15

    def __post_init__(self) -> None:
        """Raise `ServiceError` for what would not be safe."""
        if bool(self.tls_cert) != bool(self.tls_key):
            message = "TLS needs both, a certificate and its key."
            raise ServiceError(message)
        if self.is_loopback:
            return
        if not self.expose:
            message = (
                f"{self.host} can be reached from other machines. Say --expose if that is meant."
            )
            raise ServiceError(message)
        if not (self.tls_cert or self.behind_proxy):
            message = (
                "Tokens and code would travel unencrypted. Give --tls-cert and --tls-key, or say "
                "--behind-proxy where a proxy in front of this has TLS."
            )
            raise ServiceError(message)
        if not self.hosts:
            message = "Name each host under which the service is called, with --allow-host."
            raise ServiceError(message)

    @property
    def is_loopback(self) -> bool:
        """Only this machine can connect."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """What a request's Host may be, without the port."""
        own = ("localhost", "127.0.0.1", "::1", self.host) if self.is_loopback else ()
        return frozenset(name.lower() for name in (*own, *self.hosts))
