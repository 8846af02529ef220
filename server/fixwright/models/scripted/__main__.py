"""Serve a script: `python -m fixwright.models.scripted SCRIPT [--port N]`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from fixwright.models.scripted.script import Script, ScriptError, load_script
from fixwright.models.scripted.server import ScriptedServer

CANNOT_RUN = 4
"""The exit code for what could not be started, as of the `fixwright` command."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; the base URL goes to stdout as soon as it listens."""
    parser = argparse.ArgumentParser(
        prog="python -m fixwright.models.scripted", description=__doc__
    )
    parser.add_argument("script", type=Path, help="the script, a TOML or JSON file")
    parser.add_argument("--port", type=int, default=0, help="the port (default: any free one)")
    options = parser.parse_args(arguments)
    try:
        script = load_script(options.script)
        asyncio.run(_serve(script, options.port))
    except (ScriptError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return CANNOT_RUN
    except KeyboardInterrupt:
        return 0
    return 0


async def _serve(script: Script, port: int) -> None:
    server = ScriptedServer(script)
    await server.start(port)
    sys.stdout.write(f"{server.url}\n")
    sys.stdout.flush()
    try:
        await asyncio.Event().wait()
    finally:
        await server.close()


if __name__ == "__main__":
    sys.exit(main())
