"""A draft as one workspace edit whose parts the user confirms in the editor's own preview.

Only for editors that announce change annotations, and only where something waits for a yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fixwright.lsp.convert import to_lsp
from fixwright.lsp.file_changes import file_changes, operations
from fixwright.workspace.draft_change import DraftError
from fixwright.workspace.paths import display_name

if TYPE_CHECKING:
    from fixwright.workspace.draft import Draft
    from fixwright.workspace.text import Encoding

_LABEL = "fixwright"


def annotated_edit(
    draft: Draft, title: str, description: str, encoding: Encoding
) -> lsp.WorkspaceEdit:
    """One edit of all that a draft changes; each part needs the user's confirmation.

    Raises:
        DraftError: a document that would change is not open, so that it has no version.
    """
    parts: list[lsp.TextDocumentEdit | lsp.CreateFile | lsp.RenameFile | lsp.DeleteFile] = []
    for key, change in draft.changed.items():
        if change.kind != "edit":
            continue
        document = draft.base.documents.get(key)
        if document is None:
            raise DraftError(f"{display_name(change.uri)} must be changed but is not open.")
        identifier = lsp.OptionalVersionedTextDocumentIdentifier(
            uri=change.uri, version=document.version
        )
        edits = [
            lsp.AnnotatedTextEdit(
                annotation_id=_LABEL,
                range=to_lsp(document.text, part.range, encoding),
                new_text=part.text,
            )
            for part in draft.changes(change.uri)
        ]
        parts.append(lsp.TextDocumentEdit(text_document=identifier, edits=[*edits]))
    for file in file_changes(draft, encoding):
        for operation in operations(file):
            if not isinstance(operation, lsp.TextDocumentEdit):
                operation.annotation_id = _LABEL
            parts.append(operation)
    note = lsp.ChangeAnnotation(label=title, needs_confirmation=True, description=description)
    return lsp.WorkspaceEdit(document_changes=parts, change_annotations={_LABEL: note})
