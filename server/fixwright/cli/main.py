"""The door: what editors start takes the short way, everything else goes through click."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] in (["serve"], ["serve", "--stdio"]):
        serve()
    if sys.argv[1:] == ["--version"]:
        version()  # editors ask at every start
        return
    from fixwright.cli.commands import cli

    cli()


def version() -> None:
    """Say which version this is."""
    from fixwright import __version__

    sys.stdout.write(f"fixwright, version {__version__}\n")


def serve() -> None:
    """Serve one editor over standard input and output; ends the process."""
    from fixwright.lsp.transport import claim_stdio

    wire = claim_stdio()  # before anything can print into the stream of messages

    import asyncio
    import gc
    import os

    gc.disable()  # importing makes no garbage, only tens of thousands of objects to look through
    from fixwright.lsp.server import Server

    gc.freeze()
    # The symbols of a long file are tens of thousands of objects without a cycle among them: at the
    # default threshold, looking through them again and again would hold up the loop.
    gc.set_threshold(100_000, 50, 1000)
    gc.enable()

    async def run() -> int:
        return await Server().serve(wire)

    status = asyncio.run(run())
    from fixwright.log import stop_logging

    stop_logging()
    os._exit(status)  # the thread that reads standard input can not be woken
