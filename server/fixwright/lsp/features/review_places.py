"""Where a proposal would change an open document: lenses and code actions at its hunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fixwright.lsp import names
from fixwright.lsp.convert import to_lsp

if TYPE_CHECKING:
    from fixwright.lsp.proposals import Hunk, Proposal
    from fixwright.lsp.workbench import Workbench
    from fixwright.workspace.document import Document

_KIND = "quickfix.fixwright.review"


def review_lenses(bench: Workbench, document: Document) -> Iterator[lsp.CodeLens]:
    """*Accept* and *Reject* above each place that a proposal would change."""
    for proposal, hunk, place in _hunks(bench, document):
        line = lsp.Range(place.start, place.start)
        for command in _commands(proposal, hunk):
            yield lsp.CodeLens(range=line, command=command)


def review_actions(
    bench: Workbench, document: Document, within: lsp.Range
) -> Iterator[lsp.CodeAction]:
    """The same as code actions on a hunk, and for all of the proposal."""
    seen: set[str] = set()
    for proposal, hunk, place in _hunks(bench, document):
        if within.end.line < place.start.line or place.end.line < within.start.line:
            continue
        yield from (_action(command) for command in _commands(proposal, hunk))
        if proposal.id not in seen:
            seen.add(proposal.id)
            count = len(proposal.hunks())
            everything = {"proposalId": proposal.id}
            yield _action(
                _command(f"Accept all {count} changes of the agent", names.ACCEPT, everything)
            )
            yield _action(_command("Reject all of them", names.REJECT, everything))


def _hunks(bench: Workbench, document: Document) -> Iterator[tuple[Proposal, Hunk, lsp.Range]]:
    """Those whose document is still the one that the proposal was made over."""
    for proposal, hunk in bench.reviews.at(document.uri):
        before = hunk.change.before
        if hunk.range is None or before is None or before.text.value != document.text.value:
            continue
        yield proposal, hunk, to_lsp(document.text, hunk.range, bench.encoding)


def _commands(proposal: Proposal, hunk: Hunk) -> tuple[lsp.Command, lsp.Command]:
    argument = {"proposalId": proposal.id, "hunks": [hunk.number]}
    new = hunk.part.text.strip().partition("\n")[0][:60] if hunk.part is not None else ""
    title = f"Accept: {new}" if new else "Accept: delete this"
    return (
        _command(title, names.ACCEPT, argument),
        _command("Reject", names.REJECT, argument),
    )


def _command(title: str, name: str, argument: Mapping[str, object]) -> lsp.Command:
    return lsp.Command(title=title, command=name, arguments=[argument])


def _action(command: lsp.Command) -> lsp.CodeAction:
    return lsp.CodeAction(title=command.title, kind=_KIND, command=command)
