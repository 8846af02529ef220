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
AGENT = "fixwright.agent"
EXPLAIN = "fixwright.explain"
GENERATE_TESTS = "fixwright.generateTests"
OPTIMIZE = "fixwright.optimize"
ACCEPT = "fixwright.accept"
REJECT = "fixwright.reject"
UNDO = "fixwright.undo"
SESSIONS = "fixwright.sessions"
STATUS = "fixwright.status"
CLEAR = "fixwright.clear"
CANCEL = "fixwright.cancel"

COMMANDS = (
    *(RUN_FILE, RUN_SELECTION, RUN_TESTS, RUN_CELL, RESTART_SESSION),
    *(FIX, SAFETY, INSTALL, STATUS, CLEAR, CANCEL),
    *(AGENT, EXPLAIN, GENERATE_TESTS, OPTIMIZE, ACCEPT, REJECT, UNDO, SESSIONS),
)

APPLY_EDIT = "fixwright/applyEdit"
RUN_EVENT = "fixwright/runEvent"
AGENT_EVENT = "fixwright/agentEvent"
STATUS_EVENT = "fixwright/status"

SOURCE = "fixwright"
"""The `source` of every diagnostic of ours."""
