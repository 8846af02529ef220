"""Run cells in the session of their document, and start that anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from fixwright.lsp import arguments as args
from fixwright.lsp import names
from fixwright.lsp.convert import from_lsp, to_lsp
from fixwright.lsp.features import running
from fixwright.runs.cells import cells_in, touched
from fixwright.runs.report import RunReport, refused_report
from fixwright.runs.target import RunRefused, Target
from fixwright.workspace.document import Document
from fixwright.workspace.paths import canonical, display_name
from fixwright.workspace.position import Position, Range
from fixwright.workspace.snapshot import Snapshot
from fixwright.workspace.text import Encoding

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench


async def run_cell(bench: Workbench, snapshot: Snapshot, arguments: tuple[Any, ...]) -> RunReport:
    """`fixwright.runCell`: the cells that the range touches, until one fails."""
    wanted = args.parse(args.RunCell, arguments)
    name = display_name(wanted.uri)
    try:
        document = await running.document_of(snapshot, wanted.uri)
    except RunRefused as error:
        return running.refused(bench, name, error)
    place = from_lsp(document.text, wanted.range.to_lsp(), bench.encoding)
    text = document.text
    places = [cell.range(text) for cell in touched(cells_in(text, document.language), place)]
    places = places or [place]  # a selection in a file without cells
    reports: list[RunReport] = []
    for each in (each for each in places if text.slice(each).strip()):
        title = f"{name}, cell at line {each.start.line + 1}"
        target = Target("cell", wanted.uri, each)
        start = bench.services.sessions.start
        reports.append(await running.run(bench, snapshot, target, title, start=start))
        if reports[-1]["status"] != "passed":
            break
    if not reports:
        return refused_report(name, "There is no code in the cell, so nothing was run.")
    return _together(reports)


async def restart_session(
    bench: Workbench, _snapshot: Snapshot, arguments: tuple[Any, ...]
) -> dict[str, object]:
    """`fixwright.restartSession`: forget what the document's cells have made."""
    uri = args.parse(args.RestartSession, arguments).uri
    return {"restarted": await bench.services.sessions.restart(canonical(uri))}


def cell_lenses(document: Document, encoding: Encoding) -> list[lsp.CodeLens]:
    """*Run cell*, *Run cell and below* and *Run above* on each cell's first line."""
    text = document.text
    cells = cells_in(text, document.language)
    lenses: list[lsp.CodeLens] = []
    for index, cell in enumerate(cells):
        first = Position(cell.first, 0)
        choices = [("Run cell", cell.range(text))]
        if index + 1 < len(cells):
            choices.append(("Run cell and below", Range(first, cells[-1].range(text).end)))
        if index:
            above = Range(cells[0].range(text).start, cells[index - 1].range(text).end)
            choices.append(("Run above", above))
        for title, place in choices:
            argument = {"uri": document.uri, "range": _wire(to_lsp(text, place, encoding))}
            command = lsp.Command(title=title, command=names.RUN_CELL, arguments=[argument])
            at = to_lsp(text, Range(first, first), encoding)
            lenses.append(lsp.CodeLens(range=at, command=command))
    return lenses


def _wire(place: lsp.Range) -> dict[str, object]:
    start, end = place.start, place.end
    return {
        "start": {"line": start.line, "character": start.character},
        "end": {"line": end.line, "character": end.character},
    }


def _together(reports: list[RunReport]) -> RunReport:
    """What several cells did: how the last of them ended, and what all of them said."""
    last = reports[-1]
    if len(reports) == 1:
        return last
    return RunReport(
        {
            **last,
            "startMs": reports[0]["startMs"],
            "durationMs": round(sum(each["durationMs"] for each in reports), 3),
            "stdout": "".join(each["stdout"] for each in reports),
            "stderr": "".join(each["stderr"] for each in reports),
            "truncated": any(each["truncated"] for each in reports),
            "warnings": [warning for each in reports for warning in each["warnings"]],
            "files": [file for each in reports for file in each["files"]],
            "results": [result for each in reports for result in each["results"]],
        }
    )
