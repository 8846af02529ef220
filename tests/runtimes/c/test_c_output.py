"""What gcc says in JSON is found among what else is on stderr, however it is laid out."""

from __future__ import annotations

import json

import pytest

from fixwright_sandbox.runtimes.c.guest.diagnostics import Output, output_of

MESSAGES = [{"kind": "error", "message": "a\nb", "children": []}]


@pytest.mark.parametrize("indent", [None, 1], ids=["gcc 12", "gcc 14"])
def test_messages_among_other_lines(indent: int | None) -> None:
    said = f"cc1: note\n[]\n{json.dumps(MESSAGES, indent=indent)}\n[broken\n\ncollect2: error\n"
    assert output_of(said) == Output(MESSAGES, ["cc1: note", "[broken", "collect2: error"])
