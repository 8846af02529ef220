"""The names of Fixwright's commands and messages on the wire."""

from __future__ import annotations

RUN_FILE = "fixwright.runFile"
RUN_SELECTION = "fixwright.runSelection"
RUN_TESTS = "fixwright.runTests"
RUN_CELL = "fixwright.runCell"
RESTART_SESSION = "fixwright.restartSession"
FIX = "fixwright.fix"
SAFETY = "fixwright.safety"
INSTALL = "fixwright.installDependencies"
STATUS = "fixwright.status"
CLEAR = "fixwright.clear"
CANCEL = "fixwright.cancel"

COMMANDS = (
    *(RUN_FILE, RUN_SELECTION, RUN_TESTS, RUN_CELL, RESTART_SESSION),
    *(FIX, SAFETY, INSTALL, STATUS, CLEAR, CANCEL),
)

APPLY_EDIT = "fixwright/applyEdit"
RUN_EVENT = "fixwright/runEvent"
STATUS_EVENT = "fixwright/status"

SOURCE = "fixwright"
"""The `source` of every diagnostic of ours."""
