"""`fixwright sandbox serve`: the sandbox over HTTP, thin over `fixwright_sandbox.service`."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast, get_args

import click

from fixwright.cli.exits import COULD_NOT
from fixwright_sandbox import BackendName, SandboxSettings, SandboxUnavailable

if TYPE_CHECKING:
    from fixwright_sandbox.service.tokens import Tokens

_BACKENDS = ("auto", *get_args(BackendName))
_NEEDED = ("fastapi", "uvicorn", "websockets")
_FILE = click.Path(dir_okay=False)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True,
              help="0 is any that is free.")  # fmt: skip
@click.option("--token-file", type=click.Path(dir_okay=False, path_type=Path),
              help="NAME TOKEN in each line; made with one token if it is missing.")  # fmt: skip
@click.option("--tls-cert", type=_FILE, help="The certificate chain, PEM.")
@click.option("--tls-key", type=_FILE, help="Its key, PEM.")
@click.option("--expose", is_flag=True, help="Other machines may connect.")
@click.option("--behind-proxy", is_flag=True, help="A proxy in front of this has TLS.")
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME",
              help="A name under which the service is called.")  # fmt: skip
@click.option("--allow-origin", "origins", multiple=True, metavar="ORIGIN",
              help="An origin whose pages may call it from a browser.")  # fmt: skip
@click.option("--max-sandboxes", type=click.IntRange(1), default=8, show_default=True,
              help="Of one token, at once.")  # fmt: skip
@click.option("--max-runs", type=click.IntRange(1), default=8, show_default=True,
              help="Of one token, at once.")  # fmt: skip
@click.option("--max-seconds", type=click.FloatRange(0, 1800, min_open=True), default=1800,
              show_default=True, help="Of one run.")  # fmt: skip
@click.option("--idle-seconds", type=click.FloatRange(0, min_open=True), default=3600,
              show_default=True, help="A sandbox unused for so long is ended.")  # fmt: skip
@click.option("--backend", type=click.Choice(_BACKENDS), default="auto", help="Where to run.")
def serve(
    *,
    host: str,
    port: int,
    token_file: Path | None,
    tls_cert: str | None,
    tls_key: str | None,
    expose: bool,
    behind_proxy: bool,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    max_sandboxes: int,
    max_runs: int,
    max_seconds: float,
    idle_seconds: float,
    backend: str,
) -> None:
    """Serve the sandbox over HTTP and WebSocket, on this machine only unless told.

    A token is always needed: those of --token-file, else that of $FIXWRIGHT_SANDBOX_TOKEN, else
    one is made and printed.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        _could_not(
            f"Serving needs {', '.join(missing)}, which is not installed. "
            "Run: pip install 'fixwright[service]'"
        )
    from fixwright_sandbox.service import server
    from fixwright_sandbox.service.settings import Allowance, ServiceError, ServiceSettings

    try:
        settings = ServiceSettings(
            host=host, port=port, tls_cert=tls_cert, tls_key=tls_key, expose=expose,
            behind_proxy=behind_proxy, hosts=hosts, origins=origins, idle_seconds=idle_seconds,
            allowance=Allowance(sandboxes=max_sandboxes, runs=max_runs, run_seconds=max_seconds),
            sandbox=SandboxSettings(backend=cast("BackendName", backend)),
        )  # fmt: skip
        tokens = _tokens(token_file)
        asyncio.run(server.serve(settings, tokens, _listening))
    except (ServiceError, SandboxUnavailable) as error:
        _could_not(str(error))


def _tokens(path: Path | None) -> Tokens:
    """Raises `ServiceError`."""
    from fixwright_sandbox.service.tokens import VARIABLE, Tokens, generated, read_tokens

    if path is not None:
        return read_tokens(path)
    token = os.environ.pop(VARIABLE, None)
    if token is None:
        token = generated()
        click.echo(f"Token: {token}", err=True)
    return Tokens({"default": token})


def _listening(address: str) -> None:
    click.echo(f"Listening on {address}")


def _could_not(why: str) -> NoReturn:
    click.echo(f"fixwright: {why}", err=True)
    sys.exit(COULD_NOT)
