"""Who looks on while the agent works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

SightKind: TypeAlias = Literal[
    "text",  # {text}: a piece of what the model says
    "thinking",  # {text}
    "restart",  # {}: the answer begins anew, what was shown of it is void
    "remark",  # {sessionId, text}: what the user should know of how the session was set up
    "wait",  # {seconds, reason}: before the model is asked again
    "toolCall",  # {call, name, sentence, effect}
    "toolResult",  # {call, name, error, text, evidence}
    "permission",  # {call, sentence, decision, by}
    "diff",  # {diff}: the draft as it is now
    "usage",  # {inputTokens, …, costUsd, turns}
    "compacted",  # {saved}: tokens that the history is shorter by
    "end",  # {status, reason}
]


class Observer(Protocol):
    """Takes what happens, in order; must return at once."""

    def __call__(self, kind: SightKind, data: Mapping[str, object]) -> None:
        """One thing that has happened."""
        ...


def unseen(kind: SightKind, data: Mapping[str, object]) -> None:
    """Nobody looks on."""
    del kind, data
