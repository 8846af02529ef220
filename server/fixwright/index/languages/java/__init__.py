"""java: see language.toml."""
