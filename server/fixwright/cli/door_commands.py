"""`fixwright mcp` and `fixwright acp`: front doors for other programs, each an extra."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path

import click

from fixwright.cli.exits import COULD_NOT, DONE


@click.command()
@click.argument(
    "folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--ask-model", is_flag=True, help="`fix` may ask the model of your settings.")
def mcp(folder: Path, *, ask_model: bool) -> None:
    """Lend the sandbox, the index and the fix ladder to other agents over MCP (stdio).

    Nothing is written to FOLDER.
    """
    _needs("mcp", "mcp")
    from fixwright.doors.mcp_server import serve

    try:
        asyncio.run(serve(folder.absolute(), ask_model=ask_model))
    except KeyboardInterrupt:
        sys.exit(COULD_NOT)
    sys.exit(DONE)


@click.command()
def acp() -> None:
    """Serve an editor over the Agent Client Protocol (stdio)."""
    _needs("acp", "acp")
    from fixwright.doors.acp_stdio import serve

    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        sys.exit(COULD_NOT)
    sys.exit(DONE)


def _needs(module: str, extra: str) -> None:
    """Say what is missing, and how to get it."""
    if importlib.util.find_spec(module) is None:
        click.echo(
            f"fixwright: this needs the extra “{extra}”: pip install 'fixwright[{extra}]'", err=True
        )
        sys.exit(COULD_NOT)
