"""What was found, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Risk = Literal[
    "delete",
    "write",
    "process",
    "network",
    "eval",
    "native",
    "permissions",
    "secrets",
    "system",
    "recursion",
    "loop",
]

SAYS: dict[Risk, str] = {
    "delete": "delete files",
    "write": "write files",
    "process": "start other programs",
    "network": "use the network",
    "eval": "run text as code",
    "native": "run native or unchecked code",
    "permissions": "change permissions or owners",
    "secrets": "read the environment or credentials",
    "system": "signal other processes or change the system",
    "recursion": "call itself without end",
    "loop": "loop without end",
}
"""Each risk as what code may do; the worst first."""

assert set(SAYS) == set(get_args(Risk))
_MOST_LINES = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where code would touch something.

    Attributes:
        risk: what kind of thing it is.
        name: what it uses, by its full name where imports tell it: `shutil.rmtree`.
        line: zero-based, as are all of these; columns count code points.
        column: where the place begins.
        end_line: the line of its end.
        end_column: the column after its last character.
    """

    risk: Risk
    name: str
    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def message(self) -> str:
        """A sentence for the person who reads the code."""
        return f"{self.name} may {SAYS[self.risk]}."


def summary(findings: Iterable[Finding]) -> str:
    """One sentence over all findings with their lines, one-based; empty when there are none."""
    lines: dict[Risk, list[int]] = {}
    for finding in findings:
        known = lines.setdefault(finding.risk, [])
        if finding.line + 1 not in known:
            known.append(finding.line + 1)
    parts = [f"{says} ({_lines(lines[risk])})" for risk, says in SAYS.items() if risk in lines]
    if not parts:
        return ""
    last = parts.pop()
    return f"By its text it may {', '.join(parts) + ' and ' if parts else ''}{last}."


def _lines(numbers: list[int]) -> str:
    shown = ", ".join(str(number) for number in sorted(numbers)[:_MOST_LINES])
    more = len(numbers) - _MOST_LINES
    word = "line" if len(numbers) == 1 else "lines"
    return f"{word} {shown} and {more} more" if more > 0 else f"{word} {shown}"
