"""What two runs say about an edit, without running anything; and where a place goes in an edit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fixwright.fix.verify import followed, judge, retargeted
from fixwright.runs.run import Run
from fixwright.runs.target import Target
from fixwright.workspace.draft import Draft
from fixwright.workspace.draft_change import TextChange
from fixwright.workspace.position import Range
from fixwright.workspace.snapshot import Snapshot
from fixwright.workspace.text import Text
from fixwright_sandbox import Result
from support.made_runs import URI, exception, made_run, of_test, result, workspace

CODE = "".join(f"line{n} = {n}\n" for n in range(10))
NAME = exception("NameError", "name 'x' is not defined", 4)
OTHER = exception("KeyError", "'k'", 4)
TESTS = Target("tests", URI)


def edited(text: str = CODE.replace("line4", "LINE4")) -> Draft:
    return Draft.over(workspace(a=CODE)).write(URI, text)


def outcome(before: Result, after: Result, draft: Draft | None = None) -> tuple[str, str]:
    """Of an edit for the first failure of `before`."""
    draft = draft or edited()
    first = made_run(draft.base, before)
    verdict = judge(first, first.failures[0], made_run(draft, after))
    assert verdict.run.draft is draft
    assert (verdict.outcome == "moved") == (verdict.left is not None)
    return verdict.outcome, verdict.reason


def test_fixed() -> None:
    assert outcome(result(reports=[NAME]), result("passed")) == ("fixed", "passed in 250 ms")


def test_fixed_though_what_failed_besides_still_fails() -> None:
    before = result(reports=[NAME, OTHER])
    assert outcome(before, result(reports=[OTHER]))[0] == "fixed"


def test_moved() -> None:
    found = outcome(result(reports=[NAME]), result(reports=[OTHER]))
    assert found == ("moved", "That failure is gone, but now: KeyError: 'k'")


def test_what_is_left_is_the_new_one_and_not_what_failed_before() -> None:
    before = made_run(workspace(a=CODE), result(reports=[NAME, OTHER]))
    new = exception("TypeError", "no", 7)
    verdict = judge(before, before.failures[0], made_run(edited(), result(reports=[OTHER, new])))
    assert verdict.left is not None
    assert (verdict.outcome, verdict.left.kind) == ("moved", "TypeError")


def test_the_same_failure_at_another_place_is_another() -> None:
    after = result(reports=[{**NAME, **exception("NameError", NAME["message"], 6)}])
    assert outcome(result(reports=[NAME]), after)[0] == "moved"


def test_the_same() -> None:
    found = outcome(result(reports=[NAME]), result(reports=[OTHER, NAME]))
    assert found == ("same", "It still fails: NameError: name 'x' is not defined")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"import x\n\n{CODE}", 6),
        (CODE.replace("line0 = 0\nline1 = 1\n", ""), 2),
        (CODE.replace("line4 = 4", "line4 = f(4)"), 4),
        (CODE.replace("line2 = 2\nline3 = 3\nline4 = 4\n", "LINE4\n"), 2),
        (CODE.replace("line5", "line5\nline5"), 4),
    ],
)
def test_a_failure_is_followed_through_the_edit(text: str, line: int) -> None:
    still = exception("NameError", NAME["message"], line)
    assert outcome(result(reports=[NAME]), result(reports=[still]), edited(text))[0] == "same"


def test_numbers_and_addresses_do_not_make_a_failure_another() -> None:
    before = exception("ValueError", "<object at 0x7f00> in line 12 of /tmp/abc", 4)
    after = exception("ValueError", "<object at 0x7fff> in line 99 of /tmp/xyz", 4)
    assert outcome(result(reports=[before]), result(reports=[after]))[0] == "same"


@pytest.mark.parametrize("status", ["timeout", "memory", "output", "error", "cancelled"])
def test_no_end_of_its_own_is_worse(status: str) -> None:
    after = result(status, message=f"It met {status}.")  # type: ignore[arg-type]  # parametrised
    found = outcome(result(reports=[NAME]), after)
    assert found == ("worse", f"It ends differently now: It met {status}.")


def test_a_time_out_that_is_still_one_is_the_same() -> None:
    slow = result("timeout", message="Still running after 60 s.")
    found = outcome(slow, slow)
    assert found == ("same", "It still fails: timeout: Still running after 60 s.")
    assert outcome(slow, result("passed"))[0] == "fixed"
    assert outcome(slow, result(reports=[NAME]))[0] == "moved"


def test_a_file_that_the_draft_leaves_out_can_still_be_judged() -> None:
    closed = Snapshot().with_folders(workspace().folders)
    change = next(iter(edited().changed.values()))
    gone = Draft(closed, {URI: replace(change, after=None)})
    assert outcome(result(reports=[NAME]), result("passed"), gone)[0] == "fixed"


# ---- tests -----------------------------------------------------------------------------

FAILED = of_test("failed", "a.py::wrong", exception("AssertionError", "", 4))
PASSED = of_test("passed", "a.py::right")
NOW_PASSED = of_test("passed", "a.py::wrong")


def ran_tests(*reports: dict[str, object], draft: Draft | None = None) -> Run:
    failed = any(each["outcome"] in ("failed", "error") for each in reports)
    made = result("failed" if failed else "passed", reports)
    return made_run(draft or Draft.over(workspace(a=CODE)), made, TESTS)


@pytest.mark.parametrize(
    ("before", "after", "verdict", "reason"),
    [
        ([FAILED, PASSED], [NOW_PASSED, PASSED], "fixed", "passed in 250 ms (2 tests)"),
        ([FAILED, PASSED], [NOW_PASSED], "worse", "The test a.py::right is no longer run."),
        ([FAILED, PASSED], [PASSED], "worse", "The test a.py::wrong is no longer run."),
        ([FAILED], [], "worse", "No test passes: there is nothing to tell that it is right."),
        (
            [FAILED, PASSED],
            [of_test("skipped", "a.py::wrong"), PASSED],
            "worse",
            "The test a.py::wrong is skipped now.",
        ),
        (
            [FAILED, PASSED],
            [NOW_PASSED, of_test("skipped", "a.py::right")],
            "worse",
            "The test a.py::right is skipped now.",
        ),
        (
            [FAILED, of_test("skipped", "a.py::not here")],
            [NOW_PASSED, of_test("skipped", "a.py::not here")],
            "fixed",
            "passed in 250 ms (1 tests)",
        ),
        ([FAILED], [NOW_PASSED, of_test("passed", "a.py::new")], "fixed", "passed in 250 ms"),
    ],
)
def test_a_test_that_no_longer_runs_is_none_that_passes(
    before: list[dict[str, object]], after: list[dict[str, object]], verdict: str, reason: str
) -> None:
    first = ran_tests(*before)
    found = judge(first, first.failures[0], ran_tests(*after, draft=edited()))
    assert found.outcome == verdict
    assert found.reason.startswith(reason)


BROKEN = exception("ImportError", "no", 0)


@pytest.mark.parametrize(
    ("name", "now", "verdict"),
    [
        ("a.py", ["a.py::one", "a.py::two"], "fixed"),
        ("pkg/__init__.py", ["pkg/a.py::one"], "fixed"),
        ("pkg", ["pkg/a.py::one"], "fixed"),
        ("a.py::T", ["a.py::T::one"], "fixed"),
        ("setUpClass (a.T)", ["a.py::T::one"], "fixed"),
        ("a.py", ["b.py::one"], "worse"),
        ("a.py", ["a.pyx::one"], "worse"),
        ("a.py::add", ["a.py::add_more"], "worse"),
        ("a.py::add", ["setUpClass (a.T)", "a.py::more"], "worse"),
    ],
)
def test_an_error_stands_for_the_tests_that_it_kept_from_running(
    name: str, now: list[str], verdict: str
) -> None:
    before = ran_tests(of_test("error", name, BROKEN))
    after = ran_tests(*(of_test("passed", each) for each in now), draft=edited())
    assert judge(before, before.failures[0], after).outcome == verdict


# ---- places ----------------------------------------------------------------------------


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str]], int, int]:
    """A text, replacements in it (ascending, apart), and a range over it."""
    text = draw(st.text("abcdefgh\n😀", min_size=1, max_size=14))
    at = st.integers(0, len(text))
    bounds = sorted(draw(st.lists(at, max_size=6, unique=True)))
    pairs = zip(bounds[::2], bounds[1::2], strict=False)
    spans = [(low, high, draw(st.text("XY\n", max_size=4))) for low, high in pairs]
    start, end = sorted((draw(at), draw(at)))
    return text, spans, start, end


def naive(text: str, draft: Draft) -> tuple[str, list[int | None]]:
    """The draft's text, and which code point of the text before each one of it is."""
    before, characters, origins = Text(text), list[str](), list[int | None]()
    at = 0
    for change in draft.changes(URI):
        low, high = before.offset(change.range.start), before.offset(change.range.end)
        characters += [*text[at:low], *change.text]
        origins += [*range(at, low), *(None for _ in change.text)]
        at = high
    return "".join([*characters, *text[at:]]), [*origins, *range(at, len(text))]


def drafted(text: str, spans: list[tuple[int, int, str]]) -> Draft:
    before = Text(text)
    changes = [TextChange(before.range(low, high), new) for low, high, new in spans]
    return Draft.over(workspace(a=text)).edit_all(URI, changes)


@settings(deadline=None, max_examples=400)
@given(edits())
@example(("abc\nX\n", [(0, 5, "")], 1, 6))
@example(("abcd", [(1, 4, "")], 0, 2))
def test_a_range_holds_what_is_left_of_what_it_held(
    case: tuple[str, list[tuple[int, int, str]], int, int],
) -> None:
    text, spans, first, last = case
    draft = drafted(text, spans)
    after, origins = naive(text, draft)
    assert draft.text(URI) == after
    found = followed(Text(text).range(first, last), URI, draft)
    new = Text(after)
    start, end = new.offset(found.start), new.offset(found.end)
    assert start <= end
    held = {origin for origin in origins[start:end] if origin is not None}
    assert held == {origin for origin in origins if origin is not None and first <= origin < last}
    kept = [at for at, origin in enumerate(origins) if origin is not None and origin in held]
    if len(held) == last - first > 0 and kept[-1] - kept[0] == len(kept) - 1:  # nothing came within
        assert after[start:end] == text[first:last]


def test_what_is_written_within_belongs_to_it_and_at_its_border_does_not() -> None:
    place = Range.of(0, 1, 0, 3)
    for at, found in ((1, "bc"), (2, "bXc"), (3, "bc")):
        draft = drafted("abcd", [(at, at, "X")])
        assert Text(draft.text(URI)).slice(followed(place, URI, draft)) == found


def test_a_document_that_is_not_edited_keeps_its_places() -> None:
    place = Range.of(3, 1, 99, 0)
    assert followed(place, "file:///made/b.py", edited()) == place
    assert followed(place, URI, Draft.over(workspace(a=CODE))) == place


def test_a_selection_is_run_where_it_went() -> None:
    draft = edited(f"import x\n{CODE}")
    target = Target("selection", URI, Range.of(4, 0, 5, 0))
    assert retargeted(target, draft).range == Range.of(5, 0, 6, 0)
    assert retargeted(replace(target, range=None), draft).range is None
    elsewhere = replace(target, uri="file:///made/b.py")
    assert retargeted(elsewhere, draft) == elsewhere
    assert retargeted(TESTS, draft) is TESTS
