"""What can go wrong with kept sessions; every message is a sentence for the user."""

from __future__ import annotations


class SessionError(Exception):
    """Something about kept sessions doesn't work; a turn that meets it ends with this message."""


class UnknownSession(SessionError):
    """There is no session of this name, or the name fits several."""


class SessionInUse(SessionError):
    """The session is open for writing elsewhere; reading it goes on."""


class StoreFailed(SessionError):
    """The database can't be read or written now, and nothing of the last step is in it."""


class StoreDamaged(SessionError):
    """The database was damaged; it lies beside its place now, and the next use begins a new one."""


class BadExport(SessionError):
    """What should be imported is no session."""
