"""The agent: a loop over a model and tools, whose edits stay in a draft until they are reviewed."""
