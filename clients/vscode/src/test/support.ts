// What the suites share: the extension under test, files to work on, and waiting.
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import * as vscode from "vscode";
import type { Exports } from "../extension";

export const BROKEN =
  "def mean(values):\n    return sum(values) / len(value)\n\nprint(mean([1, 2, 3]))\n";
export const FIXED = BROKEN.replace("len(value)", "len(values)");

export async function until<T>(what: string, get: () => T | undefined, ms = 20_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const value = get();
    if (value) {
      return value;
    }
    if (Date.now() > end) {
      throw new Error(`timed out waiting for ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The extension, activated. */
export async function extension(): Promise<Exports> {
  const found = vscode.extensions.getExtension<Exports>("fixwright.fixwright");
  assert.ok(found, "the extension is not there");
  return found.activate();
}

/** A directory in the opened folder, so that what is in it belongs to the workspace. */
export class Scratch {
  readonly path: string;

  constructor() {
    const folder = vscode.workspace.workspaceFolders?.[0];
    assert.ok(folder, "no folder is open");
    this.path = fs.mkdtempSync(path.join(folder.uri.fsPath, "scratch-"));
  }

  uri(name: string): vscode.Uri {
    return vscode.Uri.file(path.join(this.path, name));
  }

  write(name: string, text: string): vscode.Uri {
    fs.writeFileSync(path.join(this.path, name), text);
    return this.uri(name);
  }

  async show(name: string, text: string): Promise<vscode.TextEditor> {
    const document = await vscode.workspace.openTextDocument(this.write(name, text));
    return vscode.window.showTextDocument(document, { preview: false });
  }

  async remove(): Promise<void> {
    while (vscode.window.activeTextEditor) {
      await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
    }
    fs.rmSync(this.path, { recursive: true });
  }
}

/** What an output channel shows. */
export function outputOf(channel: string): string {
  const isOutput = (each: vscode.TextDocument) =>
    each.uri.scheme === "output" && each.uri.path.includes(channel);
  return vscode.workspace.textDocuments.find(isOutput)?.getText() ?? "";
}
