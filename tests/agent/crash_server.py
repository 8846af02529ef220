"""The real server, which kills itself at an event of a session.

python crash_server.py before|behind TYPE COUNT

TYPE is an event's, COUNT which of them; `before` it is written, or `behind`. Killed is as by
`kill -9`: nothing is flushed, told or cleaned up.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence

from fixwright.agent.records import Event, EventType
from fixwright.agent.sessions.journal import StoredJournal


def doom(when: str, kind: str, count: int) -> None:
    """Let the process end there."""
    append = StoredJournal.append
    left = [count]

    async def appended(
        self: StoredJournal,
        event: EventType,
        data: Mapping[str, object],
        texts: Sequence[str] = (),
    ) -> Event:
        left[0] -= event == kind
        if event == kind and not left[0] and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        added = await append(self, event, data, texts)
        if event == kind and not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return added

    StoredJournal.append = appended


def main() -> None:
    when, kind, count = sys.argv[1:]
    doom(when, kind, int(count))
    sys.argv[1:] = ["serve"]
    from fixwright.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
