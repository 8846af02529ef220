"""Applying a model's edits to a text: at the one place that was meant, or not at all."""
