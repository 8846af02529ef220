"""Go to definition: along the imports, else to whatever has the name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fixwright.lsp.features.asking import Asked, ask, spots
from fixwright.lsp.places import locations
from fixwright.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixwright.index.meanings import Target
    from fixwright.lsp.workbench import Workbench


async def definition(
    bench: Workbench, snapshot: Snapshot, params: lsp.DefinitionParams
) -> list[lsp.Location]:
    """`textDocument/definition`."""
    asked = await ask(bench, snapshot, "definition", params)
    if asked is None:
        return []
    targets = await asked.targets()
    found = await locations(bench.store.now, bench.encoding, spots(targets))
    bench.indexing.check(asked.document)
    _say(bench, asked, targets)
    return found


def _say(bench: Workbench, asked: Asked, targets: Sequence[Target]) -> None:
    """LSP's locations can't say that they are guesses: the editor's log does."""
    if targets and targets[0].how == "name":
        left_out = asked.meanings.left_out(asked.site.name)
        rest = f"; {left_out} further away are left out" if left_out else ""
        bench.editor.record(
            f"Definition of {asked.site.name}: no import leads to it; "
            f"{len(targets)} found by the name alone{rest}."
        )
