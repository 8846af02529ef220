"""Code actions: every command, with its arguments filled in, where it makes sense."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fixwright.agent.crafts.place import has_tests
from fixwright.fix.services import has_model
from fixwright.json_reading import as_object
from fixwright.lsp import names
from fixwright.lsp.features.review_places import review_actions
from fixwright.runs.dependencies import missing_module
from fixwright.runs.plan import can_run
from fixwright.runs.supplies import STALE
from fixwright.workspace.paths import canonical
from fixwright.workspace.snapshot import Snapshot
from fixwright_sandbox.dependencies.names import distribution_of

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench

_RUN_KIND = "source.fixwright.run"
_AGENT_KIND = "source.fixwright.agent"


async def code_actions(
    bench: Workbench, snapshot: Snapshot, params: lsp.CodeActionParams
) -> list[lsp.CodeAction]:
    """`textDocument/codeAction`: nothing is computed here, so it costs a keystroke nothing."""
    document = snapshot.documents.get(canonical(params.text_document.uri))
    if document is None:
        return []
    reviews = review_actions(bench, document, params.range)
    if not can_run(document.language):
        return [each for each in reviews if params.context.only is None]
    found = [*reviews, *_fixes(bench, snapshot, params), *_runs(params)]
    if has_model(bench.services.model.settings):
        found += _crafts(document.language, params)
    only = params.context.only
    return [action for action in found if only is None or _wanted(action, only)]


def _wanted(action: lsp.CodeAction, only: Sequence[lsp.CodeActionKind | str]) -> bool:
    kind = str(getattr(action.kind, "value", action.kind) or "")
    wanted = [str(getattr(each, "value", each)) for each in only]
    return any(each in {"", kind} or kind.startswith(f"{each}.") for each in wanted)


def _fixes(
    bench: Workbench, snapshot: Snapshot, params: lsp.CodeActionParams
) -> Iterator[lsp.CodeAction]:
    uri = params.text_document.uri
    for diagnostic in params.context.diagnostics:
        if diagnostic.source == names.SOURCE and not as_object(diagnostic.data):
            if diagnostic.code == STALE:
                yield _install(uri, diagnostic, "Install packages into the sandbox…")
            continue  # information or a warning of ours, not an error
        argument = {"uri": uri, "range": diagnostic.range, "diagnostic": diagnostic}
        proven = _proven_title(bench, snapshot, diagnostic)
        title = (
            f"{proven} (verified)" if proven else f"Fix this error: {_short(diagnostic.message)}"
        )
        yield from _installs(uri, diagnostic)
        yield lsp.CodeAction(
            title=title,
            kind=lsp.CodeActionKind.QuickFix,
            diagnostics=[diagnostic],
            is_preferred=True if proven else None,
            command=lsp.Command(title=title, command=names.FIX, arguments=[argument]),
        )


def _installs(uri: str, diagnostic: lsp.Diagnostic) -> Iterator[lsp.CodeAction]:
    """For a module that is not there, and of which it is known what has it: install that."""
    if diagnostic.source != names.SOURCE:
        return
    kind, _, message = diagnostic.message.partition(": ")
    module = missing_module(kind, message)
    package = None if module is None else distribution_of(module)
    if package is not None:
        yield _install(uri, diagnostic, f"Install {package} into the sandbox…")


def _install(uri: str, diagnostic: lsp.Diagnostic, title: str) -> lsp.CodeAction:
    return lsp.CodeAction(
        title=title,
        kind=lsp.CodeActionKind.QuickFix,
        diagnostics=[diagnostic],
        command=lsp.Command(title=title, command=names.INSTALL, arguments=[{"uri": uri}]),
    )


def _proven_title(bench: Workbench, snapshot: Snapshot, diagnostic: lsp.Diagnostic) -> str | None:
    """What was verified ahead for one of our diagnostics, over exactly this text."""
    if diagnostic.source != names.SOURCE:
        return None
    data = as_object(diagnostic.data)
    run_id, index = data.get("runId"), data.get("failure")
    if not isinstance(run_id, str) or not isinstance(index, int):
        return None
    fix = bench.proposals.get((run_id, index))
    return fix.title if fix is not None and fix.draft.base is snapshot else None


def _runs(params: lsp.CodeActionParams) -> Iterator[lsp.CodeAction]:
    uri, place = params.text_document.uri, params.range
    if place.start != place.end:
        yield _run("Run selection in sandbox", names.RUN_SELECTION, {"uri": uri, "range": place})
    yield _run("Run file in sandbox", names.RUN_FILE, {"uri": uri})
    yield _run("Run tests", names.RUN_TESTS, {"uri": uri, "range": place})
    yield _run("Show what this code would touch", names.SAFETY, {"uri": uri})


def _crafts(language: str, params: lsp.CodeActionParams) -> Iterator[lsp.CodeAction]:
    """What the agent does with a selection, or with the function at the cursor."""
    argument: dict[str, object] = {"uri": params.text_document.uri, "range": params.range}
    yield _run("Explain", names.EXPLAIN, argument, _AGENT_KIND)
    if has_tests(language):
        yield _run("Generate tests", names.GENERATE_TESTS, argument, _AGENT_KIND)
        yield _run("Optimise", names.OPTIMIZE, argument, _AGENT_KIND)


def _run(
    title: str, command: str, argument: dict[str, object], kind: str = _RUN_KIND
) -> lsp.CodeAction:
    return lsp.CodeAction(
        title=title,
        kind=kind,
        command=lsp.Command(title=title, command=command, arguments=[argument]),
    )


def _short(message: str) -> str:
    line = message.splitlines()[0] if message else ""
    return line if len(line) <= 80 else f"{line[:79]}…"  # noqa: PLR2004  # a menu entry's width
