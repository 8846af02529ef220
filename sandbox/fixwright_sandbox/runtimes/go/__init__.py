"""The Go runtime."""
