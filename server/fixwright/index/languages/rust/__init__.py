"""rust: see language.toml."""
