"""What code would touch, read off its text before it runs.

It informs the person who is asked whether to run something; it stops nothing. Code can hide what
it does from any reading, so the walls of the sandbox never rest on this.
"""

from .finding import Finding, Risk, summary
from .look import UnknownLanguageError, languages, look

__all__ = ["Finding", "Risk", "UnknownLanguageError", "languages", "look", "summary"]
