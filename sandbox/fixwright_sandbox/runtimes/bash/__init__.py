"""The runtime of Bash."""
