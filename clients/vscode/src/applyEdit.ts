// Applies an edit to all of its documents in one step, or to none of them.
import * as vscode from "vscode";
import type { ApplyEditParams, ApplyEditResult } from "./protocol";

/** The edit cannot be applied; the message says why and names the document. */
class Refused extends Error {}

interface Target {
  document: vscode.TextDocument;
  /** The version that the edit was made for. */
  version: number;
  before: string;
  /** What the document's text has to be afterwards. */
  after: string;
  edits: vscode.TextEdit[];
}

interface NewFile {
  uri: vscode.Uri;
  contents: Uint8Array;
}

type DocumentEdit = ApplyEditParams["documents"][number];

/**
 * Answers `fixwright/applyEdit`: every document is looked at first and every version
 * checked; then all are changed by one workspace edit (one undo step for each
 * document), or none is.
 */
export async function applyEdit(params: ApplyEditParams): Promise<ApplyEditResult> {
  try {
    const files = await Promise.all((params.create ?? []).map(newFile));
    const opened = await Promise.all(params.documents.map(open));
    // From here to `applyEdit` nothing is awaited: what is checked is what is sent. The
    // window that owns the text compares the same versions once more before it changes it.
    const targets = opened.map(({ document, edit, version }) => target(document, version, edit));
    const change = new vscode.WorkspaceEdit();
    for (const each of targets) {
      change.set(each.document.uri, each.edits);
    }
    // Text first: it is what can be refused, and then no file has been made yet.
    for (const file of files) {
      change.createFile(file.uri, { contents: file.contents, overwrite: false });
    }
    const accepted = await vscode.workspace.applyEdit(change);
    await confirm(accepted, targets, files);
    return { applied: true };
  } catch (error) {
    if (error instanceof Refused) {
      return { applied: false, reason: error.message };
    }
    throw error;
  }
}

async function newFile(file: { uri: string; text: string }): Promise<NewFile> {
  const uri = vscode.Uri.parse(file.uri, true);
  if (await exists(uri)) {
    throw new Refused(`${name(uri)} exists already, so it cannot be created.`);
  }
  return { uri, contents: Buffer.from(file.text, "utf8") };
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch (error) {
    if (error instanceof vscode.FileSystemError) {
      return false; // not there, or nothing can be there: making it will tell
    }
    throw error;
  }
}

/** Finds an open document, or opens a file that was not open when the edit was made. */
async function open(
  edit: DocumentEdit,
): Promise<{ document: vscode.TextDocument; edit: DocumentEdit; version: number }> {
  const uri = vscode.Uri.parse(edit.uri, true);
  const key = uri.toString();
  const document = vscode.workspace.textDocuments.find((each) => each.uri.toString() === key);
  if (edit.version !== null) {
    if (!document) {
      throw new Refused(`${name(uri)} is no longer open in the editor.`);
    }
    return { document, edit, version: edit.version };
  }
  if (document) {
    throw new Refused(`${name(uri)} was opened in the editor after the edit was made.`);
  }
  try {
    const now = await vscode.workspace.openTextDocument(uri);
    return { document: now, edit, version: now.version };
  } catch (error) {
    throw new Refused(`${name(uri)} could not be opened: ${String(error)}`);
  }
}

function target(document: vscode.TextDocument, version: number, edit: DocumentEdit): Target {
  if (document.isClosed) {
    throw new Refused(`${name(document.uri)} was closed.`);
  }
  if (document.version !== version) {
    throw new Refused(
      `${name(document.uri)} changed: it is at version ${document.version}, ` +
        `and the edit was made for version ${version}.`,
    );
  }
  const edits = edit.edits.map(({ range: { start, end }, newText }) =>
    vscode.TextEdit.replace(
      document.validateRange(
        new vscode.Range(start.line, start.character, end.line, end.character),
      ),
      newText,
    ),
  );
  const before = document.getText();
  return { document, version, before, after: edited(document, before, edits), edits };
}

/** The text that the edits make, with the document's own line endings. */
function edited(document: vscode.TextDocument, before: string, edits: vscode.TextEdit[]): string {
  const newline = document.eol === vscode.EndOfLine.CRLF ? "\r\n" : "\n";
  const ordered = [...edits].sort((a, b) => a.range.start.compareTo(b.range.start));
  let done = 0;
  let text = "";
  for (const { range, newText } of ordered) {
    const start = document.offsetAt(range.start);
    if (start < done) {
      throw new Refused(`Two changes of the edit overlap in ${name(document.uri)}.`);
    }
    text += before.slice(done, start) + newText.replace(/\r\n|\r|\n/g, newline);
    done = document.offsetAt(range.end);
  }
  return text + before.slice(done);
}

/** Looks at what really happened: an accepted edit is not yet a changed document. */
async function confirm(accepted: boolean, targets: Target[], files: NewFile[]): Promise<void> {
  const untouched = targets.filter(
    ({ document, version, before, after }) => before !== after && document.version === version,
  );
  const missing: NewFile[] = [];
  for (const file of files) {
    if (!(await exists(file.uri))) {
      missing.push(file);
    }
  }
  if (accepted && untouched.length === 0 && missing.length === 0) {
    return;
  }
  const kept = await takeBack(targets);
  const stale = targets.filter(({ document, version, before }) => {
    return document.version !== version && document.getText() !== before;
  });
  let reason = "The editor refused the edit.";
  if (stale.length > 0) {
    reason = `${list(stale.map((each) => each.document.uri))} changed while the edit was applied.`;
  } else if (missing.length > 0) {
    reason = `${list(missing.map((each) => each.uri))} could not be created.`;
  } else if (untouched.length > 0) {
    reason = `The editor did not change ${list(untouched.map((each) => each.document.uri))}.`;
  }
  if (kept.length > 0) {
    reason += ` ${list(kept)} kept the change; undo it there.`;
  }
  throw new Refused(reason);
}

/** Restores the documents that hold the edit's text; returns those that could not be. */
async function takeBack(targets: Target[]): Promise<vscode.Uri[]> {
  const holds = ({ document, before, after }: Target) =>
    before !== after && document.getText() === after;
  const changed = targets.filter(holds);
  if (changed.length === 0) {
    return [];
  }
  const restore = new vscode.WorkspaceEdit();
  for (const { document, before } of changed) {
    const end = document.lineAt(document.lineCount - 1).range.end;
    restore.replace(document.uri, new vscode.Range(new vscode.Position(0, 0), end), before);
  }
  await vscode.workspace.applyEdit(restore);
  return changed.filter(holds).map((each) => each.document.uri);
}

function list(uris: vscode.Uri[]): string {
  return uris.map(name).join(", ");
}

function name(uri: vscode.Uri): string {
  return uri.scheme === "file" ? vscode.workspace.asRelativePath(uri) : uri.toString();
}
