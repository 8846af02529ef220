"""bash: see language.toml."""
