"""The bound that an optimisation's figures rest on."""

from __future__ import annotations

import random
from statistics import median

import pytest

from fixwright.agent.crafts.figures import Comparison, upper_bound


def test_the_rank_is_that_of_the_sign_test() -> None:
    values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert upper_bound(values, 0.975) == 0.8, "(1 + 9) / 512 = 2 % are below that"
    assert upper_bound(values[:7], 0.975) == 0.7, "1 / 128"
    with pytest.raises(ValueError, match="too few"):
        upper_bound(values[:3], 0.975)


def test_the_bound_holds_as_often_as_it_says() -> None:
    """Ratios of a skewed distribution whose median is known to be 1."""
    draw = random.Random(5)
    holds = sum(
        upper_bound([draw.lognormvariate(0, 0.3) for _ in range(9)], 0.975) >= 1
        for _ in range(4000)
    )
    assert holds / 4000 > 0.97


def test_noise_is_no_gain_and_one_outlier_hides_none() -> None:
    before = (1.0, 1.1, 0.9, 1.2, 1.0, 0.8, 1.1, 1.0, 0.95)
    assert not Comparison(before, tuple(reversed(before))).is_gain
    after = tuple(each * 0.7 for each in before)
    assert Comparison(before, after).is_gain
    assert Comparison(before, (9.0, *after[1:])).is_gain
    assert not Comparison(before, (9.0, 9.0, *after[2:])).is_gain
    assert not Comparison(before, tuple(each * 0.96 for each in before)).is_gain
    assert Comparison(before, after).ratio == pytest.approx(median([0.7]))
