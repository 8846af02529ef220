"""The AI coding backend that every editor can use."""
