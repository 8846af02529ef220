"""What the editor can do, read once from what it announced."""

from __future__ import annotations

from dataclasses import dataclass

from lsprotocol import types as lsp

from fixwright.json_reading import as_object
from fixwright.lsp.dynamic import dynamic_methods
from fixwright.workspace.text import Encoding

_MOST_FOLDS = 10_000


@dataclass(frozen=True)
class ClientProfile:
    """The editor's abilities that change what Fixwright sends."""

    name: str
    ours: bool
    """It speaks `fixwright/…` messages (`experimental: {fixwright: 1}`)."""
    reviews: bool
    """It asks itself what shall become of the agent's proposals (`fixwrightReviews: true`)."""
    document_changes: bool
    """It honours versions in a workspace edit."""
    file_changes: frozenset[str]
    """What it does to files in a workspace edit: of `create`, `rename`, `delete`."""
    change_annotations: bool
    """It shows a preview of changes that need a confirmation."""
    progress: bool
    message_actions: bool
    show_document: bool
    lens_refresh: bool
    configuration: bool
    related_information: bool
    markdown: bool
    """It shows Markdown where the mouse rests."""
    most_folds: int
    watches_files: bool
    """It tells what happens on disk when it is asked to, after `initialize`."""
    dynamic: frozenset[str]
    """The requests of the index that it takes after `initialize`, and gives back."""

    @classmethod
    def of(cls, params: lsp.InitializeParams) -> ClientProfile:
        """Read the profile from `initialize`."""
        capabilities = params.capabilities
        window = capabilities.window
        workspace = capabilities.workspace
        documents = capabilities.text_document
        edit = workspace.workspace_edit if workspace else None
        name = params.client_info.name if params.client_info else ""
        return cls(
            name=name,
            ours=_announced(capabilities.experimental, "fixwright"),
            reviews=_announced(capabilities.experimental, "fixwrightReviews"),
            # Neovim honours versions without announcing documentChanges.
            document_changes=bool(
                edit and (edit.document_changes or edit.change_annotation_support)
            )
            or name.lower().startswith("neovim"),
            file_changes=frozenset(
                str(getattr(each, "value", each))
                for each in (edit.resource_operations if edit else None) or ()
            ),
            change_annotations=bool(
                edit and edit.document_changes and edit.change_annotation_support
            ),
            progress=bool(window and window.work_done_progress),
            message_actions=bool(window and window.show_message),
            show_document=bool(window and window.show_document and window.show_document.support),
            lens_refresh=bool(
                workspace and workspace.code_lens and workspace.code_lens.refresh_support
            ),
            configuration=bool(workspace and workspace.configuration),
            related_information=bool(
                documents
                and documents.publish_diagnostics
                and documents.publish_diagnostics.related_information
            ),
            markdown=_shows_markdown(documents),
            most_folds=_most_folds(documents),
            watches_files=bool(
                workspace
                and workspace.did_change_watched_files
                and workspace.did_change_watched_files.dynamic_registration
            ),
            dynamic=dynamic_methods(capabilities),
        )


def _shows_markdown(documents: lsp.TextDocumentClientCapabilities | None) -> bool:
    hover = documents.hover if documents else None
    formats = hover.content_format if hover else None
    return formats is None or lsp.MarkupKind.Markdown in formats


def _most_folds(documents: lsp.TextDocumentClientCapabilities | None) -> int:
    folding = documents.folding_range if documents else None
    limit = folding.range_limit if folding else None
    return limit or _MOST_FOLDS


def _announced(experimental: object, name: str) -> bool:
    """The decoder gives plain JSON or an object, depending on what it knows."""
    return bool(as_object(experimental).get(name) or getattr(experimental, name, False))


def negotiated(encoding: lsp.PositionEncodingKind | str | None) -> Encoding:
    """The encoding of positions that pygls announced, as ours."""
    value = encoding.value if isinstance(encoding, lsp.PositionEncodingKind) else encoding
    return Encoding(value or "utf-16")
