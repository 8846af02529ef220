"""javascript: see language.toml."""
