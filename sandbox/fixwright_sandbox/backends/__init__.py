"""The ways to isolate a runner. Everything else is the same for all of them."""
