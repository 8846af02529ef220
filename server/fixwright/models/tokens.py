"""Estimate how many tokens a text costs, without a tokenizer.

There is no public one for Claude, and OpenAI's downloads its tables on first use. Bytes divided by
3.6 was within 0.83 to 1.23 of a real 200k-entry BPE on Python, JavaScript, C, Markdown, JSON and
CJK prose; only long runs without a break (base64, hex) cost more, about a token per 1.5 bytes.
The usage that a provider reports corrects what matters.
"""

from __future__ import annotations

import math
import re

BYTES_PER_TOKEN = 3.6
BYTES_PER_TOKEN_OF_A_RUN = 1.5

_LONG_RUN = re.compile(r"[A-Za-z0-9+/=_-]{80,}")
"""Base64 and hex as they come in code: no identifier or word is that long."""


def estimate_tokens(text: str) -> int:
    """Tokens that `text` costs, rounded up; 0 for none."""
    in_runs = sum(match.end() - match.start() for match in _LONG_RUN.finditer(text))
    rest = len(text.encode("utf-8", "surrogatepass")) - in_runs  # the runs are ASCII
    return math.ceil(rest / BYTES_PER_TOKEN + in_runs / BYTES_PER_TOKEN_OF_A_RUN)
