"""Estimates that learn, and what a request is expected to take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixwright.models.gauge import Estimates, TokenGauge, estimate_request
from fixwright.models.prices import LongRequests, Price
from fixwright.models.types import Call, Message, Native, Request, Result, Tool, Usage


def test_a_gauge_learns_what_a_provider_counts():
    gauge = TokenGauge({"b": 1.3})
    assert gauge.tokens("a", 1000) == 1000
    assert gauge.tokens("b", 1000) == 1300
    assert gauge.at_most("a", 1000) == 1250
    for _ in range(10):
        gauge.learn("a", 10_000, 12_000)
    assert gauge.tokens("a", 10_000) == pytest.approx(12_000, rel=0.01)
    assert gauge.at_most("a", 10_000) == pytest.approx(12_600, rel=0.01)
    assert gauge.tokens("b", 1000) == 1300, "each by itself"


def test_one_short_answer_moves_it_little_and_old_ones_are_forgotten():
    gauge = TokenGauge()
    gauge.learn("a", 20, 60)
    assert gauge.ratio("a") == pytest.approx(1.02, abs=0.01)
    for _ in range(30):
        gauge.learn("a", 10_000, 8_000)
    for _ in range(15):
        gauge.learn("a", 10_000, 14_000)
    assert gauge.ratio("a") == pytest.approx(1.4, abs=0.05)


@pytest.mark.parametrize(("estimated", "real"), [(10_000, 12), (10_000, 90_000), (0, 5), (100, 0)])
def test_what_no_tokenizer_counts_is_not_learned(estimated: int, real: int):
    gauge = TokenGauge()
    gauge.learn("a", estimated, real)
    assert gauge.ratio("a") == 1
    assert gauge.at_most("a", 100) == 125


@given(st.lists(st.tuples(st.integers(0, 1 << 21), st.integers(0, 1 << 21))))
def test_a_ratio_stays_within_reason(answers: list[tuple[int, int]]):
    gauge = TokenGauge()
    for estimated, real in answers:
        gauge.learn("a", estimated, real)
    assert 0.5 <= gauge.ratio("a") <= 4
    assert gauge.at_most("a", 1000) >= gauge.tokens("a", 1000) > 0


def test_a_request_is_all_that_is_sent():
    text = "x = 1\n" * 600  # 1000 tokens
    tool = Tool("run", text, {"type": "object", "description": text})
    call = Call("c1", "run", text, None)
    own = Message("assistant", "", native=Native("a", [{"thinking": text}]))
    whole = Request(
        (text, text),
        (
            Message("user", text),
            Message("assistant", text, (call,)),
            Message("user", results=(Result("c1", text),)),
            own,
        ),
        (tool,),
    )
    assert estimate_request(whole, "a") == pytest.approx(9000, rel=0.06)
    assert estimate_request(whole, "b") == pytest.approx(8000, rel=0.06), "no foreign reasoning"


def test_what_is_remembered_does_not_change_an_estimate():
    estimates, messages = Estimates(), (Message("user", "a" * 50), Message("assistant", "b" * 70))
    for n in (1, 2, 2, 1):
        request = Request(("c" * 90,), messages[:n])
        assert estimates.of(request, "k") == estimate_request(request, "k")


def test_the_most_that_a_request_can_cost():
    price = Price(2, 10, 0.2, 2.5, LongRequests(100_000, 2, 1.5))
    assert price.at_most(100_000, 1000) == pytest.approx(0.26)
    assert price.at_most(100_001, 1000) == pytest.approx(0.515, rel=1e-3)
    for usage in (Usage(100_000, 1000), Usage(0, 1000, 0, 100_000), Usage(0, 500, 100_000)):
        assert price.cost(usage) <= price.at_most(100_000, 1000)
