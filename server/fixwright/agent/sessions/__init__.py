"""Sessions on the disk: the store, and what is computed from a session's events.

Nothing here asks a model or runs a tool: `store` keeps the events, the other modules are functions
of them.
"""
