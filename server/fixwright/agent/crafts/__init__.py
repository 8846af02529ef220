"""Work that the agent proves by runs of its own: generated tests, and optimisations."""
