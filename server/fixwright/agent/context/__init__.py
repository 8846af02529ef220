"""What a model is shown: the frozen front of each request, and the history behind it."""
