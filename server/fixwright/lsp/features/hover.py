"""Hover: the signature, where it is, what its documentation says, and how sure that is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fixwright.index.facts import Definition, range_of
from fixwright.index.languages import language_for
from fixwright.index.workspace_index import IndexUnavailable
from fixwright.lsp.convert import to_lsp
from fixwright.lsp.features.asking import Asked, ask
from fixwright.lsp.places import uri_of
from fixwright.workspace.paths import display_name
from fixwright.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    from fixwright.index.meanings import Target
    from fixwright.lsp.workbench import Workbench

_LONGEST_DOC = 4000
_IDS = {"tsx": "typescriptreact", "bash": "shellscript"}


async def hover(bench: Workbench, snapshot: Snapshot, params: lsp.HoverParams) -> lsp.Hover | None:
    """`textDocument/hover`."""
    asked = await ask(bench, snapshot, "hover", params)
    if asked is None:
        return None
    targets = await asked.targets()
    chosen = next((each for each in targets if each.definition is not None), None)
    if chosen is None or chosen.definition is None:
        return None
    documented = await _documented(asked, chosen, chosen.definition)
    others = len(targets) - 1 + asked.meanings.left_out(asked.site.name)
    text = await asyncio.to_thread(_markdown, snapshot, chosen, documented, others)
    place = to_lsp(asked.document.text, range_of(asked.site.place), bench.encoding)
    bench.indexing.check(asked.document)
    plain = not bench.editor.profile.markdown
    kind = lsp.MarkupKind.PlainText if plain else lsp.MarkupKind.Markdown
    return lsp.Hover(lsp.MarkupContent(kind, text if not plain else _plain(text)), place)


async def _documented(asked: Asked, target: Target, definition: Definition) -> Definition:
    """With its documentation: only the exact facts of its file have that."""
    if target.path == asked.path:
        facts = asked.facts
    else:
        try:
            facts = await asked.index.file(target.path, exact=True)
        except IndexUnavailable:
            return definition
    for each in facts.definitions if facts is not None else ():
        if each.name == definition.name and each.name_range == definition.name_range:
            return replace(definition, doc=each.doc)
    return definition


def _markdown(snapshot: Snapshot, target: Target, definition: Definition, others: int) -> str:
    language = language_for(None, target.path)
    name = "" if language is None else _IDS.get(language.name, language.name)
    head = definition.signature or f"{definition.kind} {definition.name}"
    parts = [f"```{name}\n{head}\n```", _where(snapshot, target, definition)]
    if definition.doc:
        doc = definition.doc
        parts.append(doc if len(doc) <= _LONGEST_DOC else f"{doc[:_LONGEST_DOC]}…")
    if target.how == "name":
        more = f", one of {others + 1}" if others else ""
        parts.append(f"*Found by its name alone{more}: no import leads to it.*")
    return "\n\n".join(parts)


def _where(snapshot: Snapshot, target: Target, definition: Definition) -> str:
    uri = uri_of(target.path)
    path = snapshot.relative(uri) or display_name(uri)
    owner = f" of `{definition.owner}`" if definition.owner else ""
    return f"{definition.kind}{owner} in `{path}:{definition.name_range[0] + 1}`"


def _plain(text: str) -> str:
    lines = [line for line in text.split("\n") if not line.startswith("```")]
    return "\n".join(lines).replace("`", "").strip()
