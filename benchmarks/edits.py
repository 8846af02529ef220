"""What comes of a model's edits: applied, refused, or silently wrong; beside the same by others.

    python benchmarks/edits.py [--peers FOLDER] [--json FILE] [--kinds] [--show KIND]

More than 500 edits of real files (this repository's and the Python standard library's), of which
the right outcome is known by the way they are made; see `edits_cases.py`. "Wrong" is a file that is
neither the right one nor as it was. With `--peers`, others are installed into that folder and get
the same edits in the same run; their matchers only, because their products may guard above them.
In brackets stands what `baseline_edits.json` has; write a new one with
`--json benchmarks/baseline_edits.json`. The status is 1 where an edit of ours is silently wrong, or
more than one in fifty that could be applied is refused.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from edits_cases import Case, all_cases
from edits_peers import PeerCase, installed, results
from fixwright.agent.edits.anchors import anchor, shown, version_of
from fixwright.agent.edits.apply import apply_edits
from fixwright.agent.edits.model import Applied, Edit, LineEdit, TextEdit
from fixwright.agent.edits.page import Page
from fixwright.workspace.document import decode

BASELINE = Path(__file__).parent / "baseline_edits.json"
OURS, ALONE = "Fixwright", "Fixwright, text alone"
Outcome: TypeAlias = Literal["applied", "refused", "missed", "wrong", "white space"]


@dataclass(frozen=True)
class Row:
    """One tool's figures.

    Attributes:
        refused: Rightly so.
        missed: Refused where the edit could be made.
        wrong: Another text than the right one.
        white_space: How many of these differ from the right one in white space alone.
    """

    name: str
    applied: int
    refused: int
    missed: int
    wrong: int
    white_space: int


def by_us(case: Case, *, alone: bool) -> str | None:
    """The file after our edit; `alone`: without the text that the model has read."""
    read = decode("file:///read", case.read.encode())
    now = decode("file:///now", case.now.encode())
    old, new = _sent(case)
    edit: Edit = TextEdit(old, new)
    if case.lines is not None and not alone:
        page = Page(read.text)
        edit = LineEdit(anchor(page, case.lines[0]), anchor(page, case.lines[1] - 1), case.new)
    known = {} if alone else {version_of(read.text): read.text}
    version = None if alone else version_of(read.text)
    done = apply_edits(now.text, [edit], version=version, read=known)
    if not isinstance(done, Applied):
        return None
    return now.with_text(done.text).encode().decode()


def _sent(case: Case) -> tuple[str, str]:
    """`old` and `new` as they are sent."""
    if not case.glued:
        return case.old, case.new
    text = decode("file:///read", case.read.encode()).text
    first = case.read[: case.read.index(case.old)].count("\n")
    old = shown(text, first, first + case.old.count("\n")).split("\n")
    lines = case.new.split("\n")[:-1]
    new = [f"{line.partition('|')[0]}|{given}" for line, given in zip(old, lines, strict=True)]
    return "\n".join(old) + "\n", "\n".join(new) + "\n"


def outcome(case: Case, after: str | None) -> Outcome:
    if after is None:
        return "refused" if case.right is None else "missed"
    if after == case.right:
        return "applied"
    only_space = case.right is not None and after.split() == case.right.split()
    return "white space" if only_space else "wrong"


def row(name: str, outcomes: Sequence[Outcome]) -> Row:
    applied, refused, missed, wrong, space = map(outcomes.count, get_args(Outcome))
    return Row(name, applied, refused, missed, wrong + space, space)


def print_rows(rows: Sequence[Row], total: int) -> None:
    before = _baseline()
    print(f"\n{total} edits\n")
    heads = ("applied", "rightly refused", "refused, could be applied", "silently wrong")
    print(f"| | {' | '.join(heads)} | of these, only in white space |")
    print("|---|---:|---:|---:|---:|---:|")
    for each in rows:
        was = before.get(each.name)
        note = f" [{was.applied}, {was.wrong}]" if was else ""
        print(
            f"| {each.name}{note} | {each.applied} | {each.refused} | {each.missed} |"
            f" **{each.wrong}** | {each.white_space} |"
        )


def print_kinds(cases: Sequence[Case], outcomes: dict[str, list[Outcome]]) -> None:
    """For each kind and tool: how many are right, and how many silently wrong."""
    print("\n| right / silently wrong, of each kind | " + " | ".join(outcomes) + " |")
    print("|---|" + "---:|" * len(outcomes))
    for kind in dict.fromkeys(case.kind for case in cases):
        at = [n for n, case in enumerate(cases) if case.kind == kind]
        cells = list[str]()
        for found in outcomes.values():
            mine = [found[n] for n in at]
            right = mine.count("applied") + mine.count("refused")
            wrong = len(mine) - right - mine.count("missed")
            cells.append(f"{right} / **{wrong}**" if wrong else f"{right} / 0")
        print(f"| {kind} ({len(at)}) | " + " | ".join(cells) + " |")


def _baseline() -> dict[str, Row]:
    if not BASELINE.exists():
        return {}
    return {each["name"]: Row(**each) for each in json.loads(BASELINE.read_text())["rows"]}


def _show(case: Case, after: str | None) -> None:
    print(f"--- {case.kind}: {case.file}: {outcome(case, after)}")
    print(f"old: {case.old!r}\nnew: {case.new!r}")
    if after is not None:
        given, wanted = after.split("\n"), (case.right or case.now).split("\n")
        print("got:", [line for line in given if line not in wanted][:8])
        print("missing:", [line for line in wanted if line not in given][:8])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--peers", type=Path, metavar="FOLDER")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--kinds", action="store_true", help="a table of all kinds, too")
    parser.add_argument("--show", metavar="KIND", help="what we made of the cases of a kind")
    arguments = parser.parse_args()
    cases = all_cases()
    after = {name: [by_us(case, alone=name == ALONE) for case in cases] for name in (OURS, ALONE)}
    missing = list[str]()
    if arguments.peers is not None:
        peers, missing = installed(arguments.peers.resolve())
        given = [PeerCase(case.read, case.now, *_sent(case)) for case in cases]
        for peer in peers:
            after[peer.name] = results(peer, given)
    for case, text in zip(cases, after[OURS], strict=True):
        if case.kind == arguments.show:
            _show(case, text)
    outcomes: dict[str, list[Outcome]] = {
        name: [outcome(case, text) for case, text in zip(cases, texts, strict=True)]
        for name, texts in after.items()
    }
    rows = [row(name, found) for name, found in outcomes.items()]
    print_rows(rows, len(cases))
    if arguments.kinds:
        print_kinds(cases, outcomes)
    for sentence in missing:
        print(sentence, file=sys.stderr)
    if arguments.json is not None:
        found = {"cases": len(cases), "rows": [vars(each) for each in rows]}
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    ours = rows[0]
    return int(ours.wrong > 0 or ours.missed * 50 > ours.applied)


if __name__ == "__main__":
    raise SystemExit(main())
