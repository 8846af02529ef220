"""An editor to be killed: it runs a file, tells the server's process id, and waits for its end.

python -m support.doomed_editor FILE BACKEND
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from fixwright.workspace.paths import path_to_uri
from support.raw import Message, raw_server


async def main(path: Path, backend: str) -> None:
    """Run the file; say that it runs once its first output is here."""
    async with raw_server(FIXWRIGHT_SANDBOX_BACKEND=backend) as server:
        folder = {"uri": path_to_uri(path.parent), "name": "w"}
        await server.initialize(
            processId=os.getpid(),
            workspaceFolders=[folder],
            capabilities={"experimental": {"fixwright": 1}},
        )
        argument = {"uri": path_to_uri(path)}
        server.post(
            "workspace/executeCommand", {"command": "fixwright.runFile", "arguments": [argument]}
        )

        def is_output(message: Message) -> bool:
            event = message.get("params") or {}
            return message.get("method") == "fixwright/runEvent" and event["type"] == "stdout"

        await server.wait_for(is_output, "output")
        sys.stdout.write(f"{server.process.pid}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
