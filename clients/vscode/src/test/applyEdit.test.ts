import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as vscode from "vscode";
import type { ApplyEditParams, ApplyEditResult } from "../protocol";
import { extension, Scratch } from "./support";

type DocumentEdit = ApplyEditParams["documents"][number];

/** Puts `text` before the first line. */
function prepend(document: vscode.TextDocument, text: string): DocumentEdit {
  return edit(document, [0, 0, 0, 0], text);
}

function edit(
  document: vscode.TextDocument,
  [line, character, endLine, endCharacter]: [number, number, number, number],
  newText: string,
): DocumentEdit {
  const range = {
    start: { line, character },
    end: { line: endLine, character: endCharacter },
  };
  return {
    uri: document.uri.toString(),
    version: document.version,
    edits: [{ range, newText }],
  };
}

describe("fixwright/applyEdit", () => {
  let scratch: Scratch;
  let apply: (
    documents: DocumentEdit[],
    create?: ApplyEditParams["create"],
  ) => Promise<ApplyEditResult>;

  before(async () => {
    const { server } = await extension();
    apply = (documents, create) =>
      server.applyEdit({ label: "test", documents, ...(create ? { create } : {}) });
  });
  beforeEach(() => {
    scratch = new Scratch();
  });
  afterEach(() => scratch.remove());

  it("changes all documents, each in one undo step", async () => {
    const one = await scratch.show("one.txt", "a\nb\n");
    const two = await scratch.show("two.txt", "c\n");
    const result = await apply([
      {
        ...edit(one.document, [0, 0, 0, 1], "A"),
        edits: [
          ...edit(one.document, [1, 0, 1, 1], "B").edits,
          ...edit(one.document, [0, 0, 0, 1], "A").edits,
        ],
      },
      prepend(two.document, "0\n"),
    ]);
    assert.deepEqual(result, { applied: true });
    assert.equal(one.document.getText(), "A\nB\n");
    assert.equal(two.document.getText(), "0\nc\n");
  });

  it("is undone by one undo", async () => {
    const { document } = await scratch.show("one.txt", "a\nb\n");
    const both = prepend(document, "x");
    both.edits.push(...edit(document, [1, 0, 1, 1], "y").edits);
    assert.deepEqual(await apply([both]), { applied: true });
    assert.equal(document.getText(), "xa\ny\n");
    await vscode.commands.executeCommand("undo");
    assert.equal(document.getText(), "a\nb\n");
  });

  it("refuses all when one document is stale, and names it", async () => {
    const one = await scratch.show("one.txt", "a\n");
    const two = await scratch.show("two.txt", "b\n");
    const stale = prepend(two.document, "x");
    await two.edit((change) => change.insert(new vscode.Position(0, 0), "typed "));
    const result = await apply([prepend(one.document, "x"), stale]);
    assert.equal(result.applied, false);
    assert.match(result.reason ?? "", /two\.txt changed: it is at version 2, .* version 1\./);
    assert.equal(one.document.getText(), "a\n");
    assert.equal(two.document.getText(), "typed b\n");
  });

  it("refuses all when the user types at the same moment", async () => {
    const one = await scratch.show("one.txt", "a\n");
    const two = await scratch.show("two.txt", "b\n");
    // Under way to the window that owns the text; this side still sees the old version.
    const typing = two.edit((change) => change.insert(new vscode.Position(0, 0), "typed "));
    assert.equal(two.document.version, 1);
    const result = await apply([prepend(one.document, "x"), prepend(two.document, "x")]);
    assert.ok(await typing);
    assert.equal(result.applied, false, JSON.stringify(result));
    assert.match(result.reason ?? "", /two\.txt/);
    assert.equal(one.document.getText(), "a\n");
    assert.equal(two.document.getText(), "typed b\n");
  });

  it("opens a file that was not open, and leaves it to the user to save", async () => {
    const uri = scratch.write("closed.txt", "a\n");
    const result = await apply([
      {
        uri: uri.toString(),
        version: null,
        edits: [
          {
            range: { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } },
            newText: "b",
          },
        ],
      },
    ]);
    assert.deepEqual(result, { applied: true });
    const document = await vscode.workspace.openTextDocument(uri);
    assert.equal(document.getText(), "b\n");
    assert.ok(document.isDirty);
    assert.equal(fs.readFileSync(uri.fsPath, "utf8"), "a\n");
    await vscode.window.showTextDocument(document);
  });

  it("refuses an edit of a closed file that is open by now, and the other way round", async () => {
    const { document } = await scratch.show("one.txt", "a\n");
    const opened = await apply([{ ...prepend(document, "x"), version: null }]);
    assert.match(opened.reason ?? "", /one\.txt was opened in the editor after/);
    const uri = scratch.write("two.txt", "b\n").toString();
    const closed = await apply([{ ...prepend(document, "x"), uri }]);
    assert.match(closed.reason ?? "", /two\.txt is no longer open/);
    assert.equal(document.getText(), "a\n");
  });

  it("keeps line endings and places edits in UTF-16 units", async () => {
    const { document } = await scratch.show("crlf.txt", "😀a\r\nb\r\n");
    const result = await apply([edit(document, [0, 2, 0, 3], "x\ny")]);
    assert.deepEqual(result, { applied: true });
    assert.equal(document.getText(), "😀x\r\ny\r\nb\r\n");
  });

  it("refuses changes that overlap", async () => {
    const { document } = await scratch.show("one.txt", "abc\n");
    const both = edit(document, [0, 0, 0, 2], "x");
    both.edits.push(...edit(document, [0, 1, 0, 3], "y").edits);
    const result = await apply([both]);
    assert.match(result.reason ?? "", /Two changes of the edit overlap in .*one\.txt/);
    assert.equal(document.getText(), "abc\n");
  });

  it("creates files with the edit, or neither", async () => {
    const { document } = await scratch.show("one.txt", "a\n");
    const uri = scratch.uri("new.txt");
    const create = [{ uri: uri.toString(), text: "new\n" }];
    assert.deepEqual(await apply([prepend(document, "x")], create), { applied: true });
    assert.equal(fs.readFileSync(uri.fsPath, "utf8"), "new\n");

    const again = await apply([prepend(document, "y")], create);
    assert.match(again.reason ?? "", /new\.txt exists already/);
    assert.equal(document.getText(), "xa\n");

    const other = scratch.uri("other.txt");
    const stale = { ...prepend(document, "y"), version: document.version - 1 };
    const refused = await apply([stale], [{ uri: other.toString(), text: "" }]);
    assert.equal(refused.applied, false);
    assert.ok(!fs.existsSync(other.fsPath));
  });

  it("takes the text back when a file cannot be created", async () => {
    const { document } = await scratch.show("one.txt", "a\n");
    scratch.write("file", "in the way");
    const uri = scratch.uri("file/new.txt").toString();
    const result = await apply([prepend(document, "x")], [{ uri, text: "" }]);
    assert.equal(result.applied, false);
    assert.match(result.reason ?? "", /new\.txt/);
    assert.equal(document.getText(), "a\n");
  });
});
