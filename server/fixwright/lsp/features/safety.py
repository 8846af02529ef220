"""What code would touch, shown before it runs: information at the places, a sentence for all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypedDict

from lsprotocol import types as lsp

from fixwright.lsp import arguments as args
from fixwright.lsp.board import Remark
from fixwright.lsp.convert import from_lsp, to_lsp
from fixwright.lsp.features.running import document_of
from fixwright.runs.caution import findings_in
from fixwright.runs.target import RunRefused
from fixwright.workspace.position import Position, Range
from fixwright.workspace.snapshot import Snapshot
from fixwright_sandbox.safety import Finding, summary

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench

NOTHING = "Nothing was found that this code would touch outside of itself."


class WireFinding(TypedDict):
    """One place, as the editor and scripts get it."""

    risk: str
    name: str
    message: str
    range: lsp.Range


class SafetyReport(TypedDict):
    """What `fixwright.safety` returns."""

    summary: str
    findings: list[WireFinding]


async def safety(bench: Workbench, snapshot: Snapshot, arguments: tuple[Any, ...]) -> SafetyReport:
    """`fixwright.safety`: of a document, or of a range of it."""
    wanted = args.parse(args.Safety, arguments)
    try:
        document = await document_of(snapshot, wanted.uri)
    except RunRefused as error:
        return {"summary": str(error), "findings": []}
    within = None
    if wanted.range is not None:
        within = from_lsp(document.text, wanted.range.to_lsp(), bench.encoding)
    found = await asyncio.to_thread(findings_in, document, within)
    text = document.text
    bench.board.remark(
        document.uri,
        [Remark(document.uri, text, _range(each), each.message, each.risk) for each in found],
    )
    told = summary(found) or NOTHING
    if not bench.editor.profile.ours:  # clients of ours show the report themselves
        bench.editor.info(told)
    return {
        "summary": told,
        "findings": [
            {
                "risk": each.risk,
                "name": each.name,
                "message": each.message,
                "range": to_lsp(text, _range(each), bench.encoding),
            }
            for each in found
        ],
    }


def _range(finding: Finding) -> Range:
    return Range(
        Position(finding.line, finding.column), Position(finding.end_line, finding.end_column)
    )
