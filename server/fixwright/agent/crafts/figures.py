"""Comparing durations of paired runs, without supposing how they are distributed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from statistics import median

CONFIDENCE = 0.975
"""That the median ratio is below its bound."""
LEAST_GAIN = 0.05
"""Of the time before; less is not offered."""


@dataclass(frozen=True)
class Comparison:
    """Durations before and after, in seconds; those at one place were measured as a pair."""

    before: tuple[float, ...]
    after: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The median of after / before: below 1 is faster."""
        return median(self._ratios)

    @property
    def most(self) -> float:
        """What the median ratio is at most, with `CONFIDENCE` or more."""
        return upper_bound(self._ratios, CONFIDENCE)

    @property
    def is_gain(self) -> bool:
        """Whether the time that is saved is more than `LEAST_GAIN`, by the bound."""
        return self.most < 1 - LEAST_GAIN

    @property
    def sentence(self) -> str:
        """The figures in words."""
        before, after = median(self.before) * 1000, median(self.after) * 1000
        return (
            f"{before:.0f} ms before, {after:.0f} ms after (medians of {len(self.before)});"
            f" ratio {self.ratio:.2f}, at most {self.most:.2f} with {CONFIDENCE:.1%} confidence"
        )

    @property
    def _ratios(self) -> list[float]:
        pairs = zip(self.before, self.after, strict=True)
        return [after / max(before, 1e-9) for before, after in pairs]


def upper_bound(values: Sequence[float], confidence: float) -> float:
    """A one-sided bound of the median, by ranks: the exact interval of the sign test.

    The k-th largest of n values lies below the median only if fewer than k of them are above it,
    which has the probability sum(C(n, i) for i < k) / 2**n. The largest k for which that is at
    most `1 - confidence` gives the bound; see W. J. Conover, "Practical Nonparametric Statistics",
    section 3.2.

    Raises:
        ValueError: there are too few values for that confidence.
    """
    size = len(values)
    below, rank = 0, 0
    while rank < size:
        below += comb(size, rank)
        if below / 2**size > 1 - confidence:
            break
        rank += 1
    if rank == 0:
        raise ValueError(f"{size} values are too few for a confidence of {confidence}")
    return sorted(values)[size - rank]
