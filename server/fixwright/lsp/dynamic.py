"""Which features of the index an editor lets a server announce later, and take back.

Loaded before `initialize` is answered: it imports nothing that takes time.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

if TYPE_CHECKING:
    from fixwright.config import FeatureName

METHODS: Mapping[FeatureName, str] = MappingProxyType({
    "symbols": lsp.WORKSPACE_SYMBOL,
    "definition": lsp.TEXT_DOCUMENT_DEFINITION,
    "references": lsp.TEXT_DOCUMENT_REFERENCES,
    "hover": lsp.TEXT_DOCUMENT_HOVER,
    "highlight": lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT,
    "folding": lsp.TEXT_DOCUMENT_FOLDING_RANGE,
    "selection": lsp.TEXT_DOCUMENT_SELECTION_RANGE,
    "calls": lsp.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY,
})  # fmt: skip
"""The requests that the settings `index.features` decide about."""


def dynamic_methods(capabilities: lsp.ClientCapabilities) -> frozenset[str]:
    """Those of `METHODS` that an editor takes after `initialize`."""
    documents = capabilities.text_document or lsp.TextDocumentClientCapabilities()
    workspace = capabilities.workspace or lsp.WorkspaceClientCapabilities()
    told = {
        lsp.WORKSPACE_SYMBOL: workspace.symbol,
        lsp.TEXT_DOCUMENT_DEFINITION: documents.definition,
        lsp.TEXT_DOCUMENT_REFERENCES: documents.references,
        lsp.TEXT_DOCUMENT_HOVER: documents.hover,
        lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT: documents.document_highlight,
        lsp.TEXT_DOCUMENT_FOLDING_RANGE: documents.folding_range,
        lsp.TEXT_DOCUMENT_SELECTION_RANGE: documents.selection_range,
        lsp.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY: documents.call_hierarchy,
    }
    return frozenset(
        method for method, each in told.items() if each is not None and each.dynamic_registration
    )
