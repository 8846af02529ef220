"""A process that brings up others, which append to a session until they are killed.

`python sessions_writer.py DB`; each line of its input is `SESSION SEED`, where the session `-` is a
new one. Told are the writer, its session, the numbers of events that are on the disk, and its end.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

from fixwright.agent.sessions.errors import SessionError
from fixwright.agent.sessions.records import digest_of
from fixwright.agent.sessions.store import SessionStore


def tell(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def write(path: Path, session: str, seed: int) -> None:
    chance = random.Random(seed)
    store = SessionStore(path)
    if session == "-":
        journal = await store.create(["file:///somewhere"], "propose")
    else:
        journal = await store.open(session)
    tell("session", journal.session)
    while True:
        texts = [
            f"{chance.random()} {'x' * chance.randrange(20_000)}"
            for _ in range(chance.randrange(4))
        ]
        names = [digest_of(each) for each in texts]
        filler = "y" * chance.randrange(5_000)
        event = await journal.append("result", {"names": names, "filler": filler}, texts)
        tell(event.seq)


def main(path: Path) -> None:
    for line in sys.stdin:
        session, seed = line.split()
        child = os.fork()
        if child == 0:
            tell("child", os.getpid())
            try:
                asyncio.run(write(path, session, int(seed)))
            except SessionError as error:
                tell(type(error).__name__, error)
            os._exit(1)
        os.waitpid(child, 0)
        tell("ended")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
