"""python: see language.toml."""
