"""Exact places in text of languages written with braces."""

from __future__ import annotations

import pytest

from fixwright_sandbox.guest.spans import Code, Span


def _cut(code: Code, span: Span) -> str:
    return code.text[
        code.offset(span.line, span.column) : code.offset(span.end_line, span.end_column)
    ]


@pytest.mark.parametrize(
    ("line", "column", "token"),
    [
        ("x := foo(1)", 5, "foo"),
        ("x := foo(1)", 6, "foo"),
        ('import "os" // it', 7, '"os"'),
        ("a <= b", 2, "<="),
        ("größe := 1", 0, "größe"),
        ("n = 1.5e-3;", 4, "1.5e-3"),
        ("return", 6, "return"),
        ("p->next", 1, "->"),
    ],
)
def test_a_point_becomes_the_token_there(line: str, column: int, token: str) -> None:
    code = Code([line])
    assert _cut(code, code.token(0, column)) == token


def test_brackets_in_literals_and_comments_do_not_count() -> None:
    code = Code(["call(\"(\", /* ( */ ')', `(`, // (", "  2) + 1"])
    assert code.closing(4) == code.offset(1, 4)


def test_calls_reach_over_lines_and_begin_at_the_first_word() -> None:
    code = Code(["t.Run(name, func() {", "  t.Errorf(", '    "a)",', "  )", "})"])
    (call,) = code.calls(1, "Errorf")
    assert call == Span(1, 2, 3, 3)


def test_columns_in_bytes_become_columns_in_code_points() -> None:
    code = Code(["/* größer */ x"])
    assert code.column(0, len("/* größer */ ".encode())) == 13


def test_nothing_to_point_at_is_no_error() -> None:
    assert Code([]).token(0, 0) == Span(0, 0, 0, 0)
    assert Code(["a"]).token(7, 3) == Span(7, 0, 7, 0)
    assert Code([""]).line_span(0) == Span(0, 0, 0, 0)
