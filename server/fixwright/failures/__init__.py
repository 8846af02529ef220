"""What went wrong in a run, in the same words for every language."""
