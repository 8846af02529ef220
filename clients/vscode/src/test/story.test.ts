import * as assert from "node:assert/strict";
import * as vscode from "vscode";
import { LSPErrorCodes } from "vscode-languageclient/node";
import { ours } from "../diagnostics";
import type { Exports } from "../extension";
import type { DependencyReport, FixReport, RunReport, SafetyReport } from "../protocol";
import { BROKEN, extension, FIXED, outputOf, Scratch, until } from "./support";

const shown = () => outputOf("Fixwright: Run");

describe("run, see, fix", () => {
  let scratch: Scratch;
  let api: Exports;

  before(async () => {
    api = await extension();
    await until("the server", () => api.server.isRunning || undefined);
  });
  beforeEach(() => {
    scratch = new Scratch();
  });
  afterEach(() => scratch.remove());

  async function run(command: string): Promise<RunReport> {
    const report = await vscode.commands.executeCommand<RunReport | undefined>(command);
    assert.ok(report, `${command} brought no report`);
    return report;
  }

  async function diagnostic(uri: vscode.Uri): Promise<vscode.Diagnostic> {
    return until("the diagnostic", () => ours(uri)[0]);
  }

  it("runs the unsaved text, fixes the failure, and the diagnostic goes", async () => {
    const editor = await scratch.show("mean.py", "# to be replaced\n");
    const { document } = editor;
    const everything = new vscode.Range(0, 0, document.lineCount, 0);
    await editor.edit((change) => change.replace(everything, BROKEN));

    const report = await run("fixwright.ui.runFile");
    assert.equal(report.status, "failed", JSON.stringify(report));
    assert.equal(report.failures[0]?.kind, "NameError");
    const found = await diagnostic(document.uri);
    assert.equal(found.range.start.line, 1);
    assert.equal(document.getText(found.range), "value");
    await until("the output", () => /✗ failed: NameError/.test(shown()) || undefined);
    assert.match(shown(), /▶ .*mean\.py/);
    assert.match(shown(), /name 'value' is not defined/);

    const fix = await vscode.commands.executeCommand<FixReport>("fixwright.ui.fix");
    assert.equal(fix.status, "verified", JSON.stringify(fix));
    assert.ok(fix.applied);
    assert.equal(fix.after?.status, "passed");
    assert.equal(document.getText(), FIXED);
    await until("no diagnostic", () => ours(document.uri).length === 0 || undefined);

    await vscode.commands.executeCommand("undo");
    assert.equal(document.getText(), BROKEN, "the fix is one undo step");
  });

  it("offers the fix as a code action, whose command applies it", async () => {
    const { document } = await scratch.show("mean.py", BROKEN);
    await run("fixwright.ui.runFile");
    const { range } = await diagnostic(document.uri);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      "vscode.executeCodeActionProvider",
      document.uri,
      range,
      vscode.CodeActionKind.QuickFix.value,
    );
    const action = actions.find(({ command }) => command?.command === "fixwright.fix");
    assert.ok(action?.command, actions.map((each) => each.title).join(", "));
    const { command, arguments: args } = action.command;
    await vscode.commands.executeCommand(command, ...((args ?? []) as unknown[]));
    assert.equal(document.getText(), FIXED);
  });

  it("runs the selection with what it needs", async () => {
    const editor = await scratch.show("mean.py", FIXED.replace("print", "1 / 0\nprint"));
    editor.selection = new vscode.Selection(4, 0, 4, 22);
    const report = await run("fixwright.ui.runSelection");
    assert.equal(report.status, "passed", JSON.stringify(report));
    await until("the output", () => /^2\.0$/m.test(shown()) || undefined);
  });

  it("runs the tests of the file", async () => {
    const text = "def test_good():\n    assert 1 == 1\n\n\ndef test_bad():\n    assert 1 == 2\n";
    const { document } = await scratch.show("test_sample.py", text);
    const report = await run("fixwright.ui.runTests");
    assert.deepEqual(report.tests, { passed: 1, failed: 1, skipped: 0 }, JSON.stringify(report));
    assert.equal((await diagnostic(document.uri)).range.start.line, 5);
  });

  it("runs an untitled buffer", async () => {
    const content = { language: "python", content: "print(6 * 7)\n" };
    const document = await vscode.workspace.openTextDocument(content);
    await vscode.window.showTextDocument(document);
    const report = await run("fixwright.ui.runFile");
    assert.equal(report.status, "passed", JSON.stringify(report));
  });

  it("stops a run", async () => {
    await scratch.show("endless.py", "print('started', flush=True)\nwhile True:\n    pass\n");
    const running = vscode.commands.executeCommand<RunReport>("fixwright.ui.runFile");
    await until("the output", () => /^started$/m.test(shown()) || undefined);
    const stopped = await vscode.commands.executeCommand("fixwright.ui.stop");
    assert.deepEqual(stopped, { cancelled: 1 });
    assert.equal((await running).status, "cancelled");
  });

  it("cancels a command by its token, as the Cancel button of a fix does", async () => {
    const text = "print('waiting', flush=True)\nwhile True:\n    pass\n";
    const { document } = await scratch.show("endless.py", text);
    const source = new vscode.CancellationTokenSource();
    const uri = document.uri.toString();
    const running = api.server.execute<RunReport>("fixwright.runFile", { uri }, source.token);
    await until("the output", () => /^waiting$/m.test(shown()) || undefined);
    source.cancel();
    // Answered with a report or with the protocol's error; either way nothing runs on.
    const status = await running.then(
      (report) => report.status,
      (error: unknown) => (error as { code?: number }).code,
    );
    assert.ok(status === "cancelled" || status === LSPErrorCodes.RequestCancelled, String(status));
    await until("the end of the run", () => api.health().state === "idle" || undefined);
    assert.deepEqual(await vscode.commands.executeCommand("fixwright.ui.stop"), { cancelled: 0 });
  });

  it("runs cells in one session, until it is restarted", async () => {
    const editor = await scratch.show("cells.py", "# %%\nx = 20\n# %%\nprint(x + 3)\n");
    editor.selection = new vscode.Selection(1, 0, 1, 0);
    assert.equal((await run("fixwright.ui.runCell")).status, "passed");
    editor.selection = new vscode.Selection(3, 0, 3, 0);
    assert.equal((await run("fixwright.ui.runCell")).status, "passed");
    await until("the output", () => /^23$/m.test(shown()) || undefined);
    const restarted = await vscode.commands.executeCommand("fixwright.ui.restartSession");
    assert.deepEqual(restarted, { restarted: true });
    assert.equal((await run("fixwright.ui.runCell")).failures[0]?.kind, "NameError");
  });

  it("shows what code would touch, without running it", async () => {
    const { document } = await scratch.show("touch.py", 'import os\nos.remove("kept.txt")\n');
    const report = await vscode.commands.executeCommand<SafetyReport>("fixwright.ui.safety");
    assert.equal(report.findings[0]?.range.start.line, 1, JSON.stringify(report));
    const remarks = await until("the remark", () => {
      const found = vscode.languages.getDiagnostics(document.uri);
      return found.length > 0 ? found : undefined;
    });
    assert.equal(remarks[0]?.severity, vscode.DiagnosticSeverity.Information);
  });

  it("has no packages to install where none are asked for", async () => {
    await scratch.show("plain.py", "print(1)\n");
    const report = await vscode.commands.executeCommand<DependencyReport>(
      "fixwright.ui.installDependencies",
    );
    assert.equal(report.status, "nothing", JSON.stringify(report));
  });

  it("clears", async () => {
    const { document } = await scratch.show("mean.py", BROKEN);
    await run("fixwright.ui.runFile");
    await diagnostic(document.uri);
    await vscode.commands.executeCommand("fixwright.ui.clear");
    await until("no diagnostic", () => ours(document.uri).length === 0 || undefined);
  });
});
