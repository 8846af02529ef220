"""What went wrong in a run, from its structured reports and from how it ended."""

from fixwright.failures.model import Failure, Frame, TestCounts
from fixwright.failures.parse import failures_of, test_counts, test_outcomes

__all__ = ["Failure", "Frame", "TestCounts", "failures_of", "test_counts", "test_outcomes"]
