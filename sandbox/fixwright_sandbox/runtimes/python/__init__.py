"""The runtime of Python."""
