"""typescript: see language.toml."""
