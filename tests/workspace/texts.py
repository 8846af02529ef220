"""Texts that are hard to keep in step."""

from __future__ import annotations

from hypothesis import strategies as st

# Line endings of LSP, breaks that are none for it, widths 1 to 4, combining, joined, right to left.
PIECES = [
    *("\n", "\r\n", "\r", "\n", "\r\n"),
    *("\f", "\v", "\x85", "\u2028", "\u2029", "\x1c"),
    *("a", "b", "ab = 1", " ", "\t", "\\", '"'),
    *("é", "e\u0301", "ß", "ж", "中", "\ufeff", "\u200d"),
    *("😀", "👩\u200d💻", "𐍈", "\U0010ffff", "\u05d0"),
]

texts = st.lists(st.sampled_from(PIECES), max_size=24).map("".join)
inserts = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
offsets = st.integers(min_value=0, max_value=200)
