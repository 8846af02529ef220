// Which diagnostic a person means who asks for a fix.
import * as vscode from "vscode";

/** Fixwright's diagnostics of a document, in the order of their lines. */
export function ours(uri: vscode.Uri): vscode.Diagnostic[] {
  return vscode.languages
    .getDiagnostics(uri)
    .filter((each) => each.source === "fixwright")
    .sort((a, b) => a.range.start.compareTo(b.range.start));
}

/**
 * The candidates for *Fix*, best guess first: Fixwright's at the cursor, Fixwright's on
 * its line, another server's error at the cursor, else all of Fixwright's in the file.
 */
export function candidates(uri: vscode.Uri, cursor: vscode.Position): vscode.Diagnostic[] {
  const own = ours(uri);
  const groups = [
    own.filter((each) => each.range.contains(cursor)),
    own.filter(({ range }) => range.start.line <= cursor.line && cursor.line <= range.end.line),
    vscode.languages
      .getDiagnostics(uri)
      .filter(
        (each) => each.severity === vscode.DiagnosticSeverity.Error && each.range.contains(cursor),
      ),
  ];
  return groups.find((group) => group.length > 0) ?? own;
}

/** Asks only where there is more than one. */
export async function choose(found: vscode.Diagnostic[]): Promise<vscode.Diagnostic | undefined> {
  if (found.length < 2) {
    return found[0];
  }
  const picked = await vscode.window.showQuickPick(
    found.map((diagnostic) => ({
      label: diagnostic.message.split("\n")[0] ?? "",
      description: `line ${diagnostic.range.start.line + 1}`,
      diagnostic,
    })),
    { title: "Fixwright: Fix Which Error?" },
  );
  return picked?.diagnostic;
}
