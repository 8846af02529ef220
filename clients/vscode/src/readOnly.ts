// Documents that are only there to be read: a diff, an explanation, a session.
import * as vscode from "vscode";

const SCHEME = "fixwright-view";
/** How many are kept; an older one that is still open keeps its text in the editor. */
const MOST = 50;

export class ReadOnlyDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(
    SCHEME,
    this,
  );
  readonly onDidChange = this.changed.event;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? "";
  }

  /** Shows a text; the name's ending decides the language. */
  async show(name: string, text: string): Promise<vscode.TextEditor> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}` });
    this.texts.delete(uri.path);
    this.texts.set(uri.path, text);
    for (const oldest of [...this.texts.keys()].slice(0, -MOST)) {
      this.texts.delete(oldest);
    }
    this.changed.fire(uri);
    const document = await vscode.workspace.openTextDocument(uri);
    return vscode.window.showTextDocument(document, { preview: true });
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}
