"""A mode that a session did not begin in: its front is frozen, so the newest message says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixwright.models.json_reading import as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixwright.agent.context.prompt import Mode
    from fixwright.agent.records import Event

_SAID = "The mode is now"
_MEANS: dict[str, str] = {
    "ask": "ask: look and run, change nothing, answer",
    "plan": "plan: look, change and run nothing, answer with a plan",
    "propose": "edit: make the changes with your tools, and run what shows that they hold",
}


def mode_text(events: Sequence[Event], mode: Mode) -> str:
    """What the model is told of the mode; nothing while it is the one that the session began in."""
    began = as_text(events[0].data.get("mode")) if events else ""
    switched = any(_SAID in as_text(each.data.get("context")) for each in events)
    meant = "propose" if mode == "apply" else mode
    if not switched and meant == ("propose" if began == "apply" else began):
        return ""
    return f"{_SAID} {_MEANS[meant]}."
