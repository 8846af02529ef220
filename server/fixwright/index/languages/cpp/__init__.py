"""cpp: see language.toml."""
