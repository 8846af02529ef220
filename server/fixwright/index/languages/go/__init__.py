"""go: see language.toml."""
