"""The AI coding backend that every editor can use."""

__version__ = "0.1.0"
