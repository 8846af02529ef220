"""c: see language.toml."""
