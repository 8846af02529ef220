"""TypeScript with JSX: see language.toml."""
