import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as vscode from "vscode";
import type { Exports } from "../extension";
import type { AgentReport, ReviewResult, SessionInfo, UndoResult } from "../protocol";
import { extension, outputOf, Scratch, until } from "./support";

const MEAN = "def mean(numbers):\n    return sum(numbers) / len(numbers) + 1\n";
const REPAIRED = MEAN.replace(" + 1", "");
const settings = () => vscode.workspace.getConfiguration("fixwright");
const shown = () => outputOf("Fixwright: Agent");

function call(name: string, input: object): object {
  return { tools: [{ name, input }] };
}

describe("the agent", () => {
  let scratch: Scratch;
  let api: Exports;

  /** Restarts the server with a model that says this, turn by turn. */
  async function say(...turns: object[]): Promise<void> {
    // The settings of the test's user name the file.
    const script = settings().get<string>("model.script");
    assert.ok(script, "fixwright.model.script is not set");
    fs.writeFileSync(script, JSON.stringify({ protocol: "anthropic", turns }));
    await vscode.commands.executeCommand("fixwright.ui.restart");
    await until("the server", () => api.server.isRunning || undefined);
  }

  async function turn(command: string, argument?: object): Promise<AgentReport> {
    const report = await vscode.commands.executeCommand<AgentReport | undefined>(command, argument);
    assert.ok(report, `${command} brought no report`);
    return report;
  }

  /** The script of a turn that repairs a file, runs it, and says so. */
  function repair(document: vscode.TextDocument): object[] {
    const name = vscode.workspace.asRelativePath(document.uri, false);
    return [
      call("edit", { path: name, edits: [{ old: " + 1", new: "" }] }),
      call("run", { command: `python3 ${name}` }),
      call("finish", { summary: "It added one too much.", claims: [] }),
    ];
  }

  before(async () => {
    api = await extension();
    const target = vscode.ConfigurationTarget.Workspace;
    await settings().update("model.provider", "scripted", target);
  });
  after(async () => {
    await settings().update("model.provider", undefined, vscode.ConfigurationTarget.Workspace);
    await vscode.commands.executeCommand("fixwright.ui.restart");
  });
  beforeEach(() => {
    scratch = new Scratch();
  });
  afterEach(() => scratch.remove());

  it("proposes a change, which is accepted and taken back", async () => {
    const { document } = await scratch.show("mean.py", MEAN);
    await say(...repair(document));
    const report = await turn("fixwright.ui.agent", { prompt: "Repair mean." });
    assert.equal(report.status, "done", JSON.stringify(report));
    assert.ok(report.proposalId);
    assert.equal(document.getText(), MEAN, "nothing is changed unasked");
    await until("the output", () => /■ done/.test(shown()) || undefined);
    assert.match(shown(), /▶ Repair mean\./);
    assert.match(shown(), /→ .*mean\.py/);
    assert.match(shown(), /± 1 file, \+1 −1/);
    assert.match(shown(), /✓ passed in/);

    const accepted = await vscode.commands.executeCommand<ReviewResult>("fixwright.ui.accept");
    assert.ok(accepted.applied, JSON.stringify(accepted));
    assert.equal(document.getText(), REPAIRED);
    assert.equal(await vscode.commands.executeCommand("fixwright.ui.accept"), undefined);

    const undone = await vscode.commands.executeCommand<UndoResult>("fixwright.ui.undo");
    assert.ok(undone.applied, JSON.stringify(undone));
    assert.equal(document.getText(), MEAN);
  });

  it("shows the changes in place, to be accepted or rejected there", async () => {
    const { document } = await scratch.show("mean.py", MEAN);
    await say(...repair(document));
    await turn("fixwright.ui.agent", { prompt: "Repair mean." });
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
      "vscode.executeCodeLensProvider",
      document.uri,
      100,
    );
    const reject = lenses.find(({ command }) => command?.command === "fixwright.reject")?.command;
    assert.ok(reject, lenses.map((each) => each.command?.title).join(", "));
    const args = (reject.arguments ?? []) as unknown[];
    const rejected = await vscode.commands.executeCommand<ReviewResult>(reject.command, ...args);
    assert.deepEqual(rejected, { applied: false, left: 0, reason: null });
    assert.equal(await vscode.commands.executeCommand("fixwright.ui.accept"), undefined);
    assert.equal(document.getText(), MEAN);
  });

  it("goes on with a session", async () => {
    await scratch.show("mean.py", MEAN);
    await say({ text: "It is the mean." }, { text: "As I said." });
    const first = await turn("fixwright.ui.ask", { prompt: "What is it?" });
    assert.deepEqual([first.status, first.text], ["done", "It is the mean."], first.reason ?? "");
    const { sessionId } = first;
    const second = await turn("fixwright.ui.ask", { prompt: "What?", sessionId });
    assert.deepEqual([second.sessionId, second.text], [sessionId, "As I said."]);
    const sessions = await api.server.execute<SessionInfo[]>("fixwright.sessions", {});
    assert.equal(sessions.filter(({ id }) => id === sessionId).length, 1);
  });

  it("explains the selection", async () => {
    const editor = await scratch.show("mean.py", MEAN);
    editor.selection = new vscode.Selection(1, 0, 1, 10);
    await say({ text: "A sum, by its count." });
    const report = await turn("fixwright.ui.explain");
    assert.deepEqual([report.status, report.proposalId], ["done", null], report.reason ?? "");
    await until("the answer", () => /^A sum, by its count\.$/m.test(shown()) || undefined);
  });

  it("is stopped in the middle of an answer", async () => {
    await scratch.show("mean.py", MEAN);
    await say({ text: "Slowly, very slowly, ".repeat(20), fault: { hang_after: 12 } });
    const running = turn("fixwright.ui.ask", { prompt: "Slowly." });
    await until("the answer's start", () => /^Slowly, /m.test(shown()) || undefined);
    assert.deepEqual(await vscode.commands.executeCommand("fixwright.ui.stop"), { cancelled: 1 });
    assert.equal((await running).status, "cancelled");
  });

  it("says what is missing without a model", async () => {
    await settings().update("model.provider", "none", vscode.ConfigurationTarget.Workspace);
    await vscode.commands.executeCommand("fixwright.ui.restart");
    const report = await turn("fixwright.ui.ask", { prompt: "Anybody?" });
    assert.equal(report.status, "refused");
    assert.match(report.reason ?? "", /needs a model/);
    await settings().update("model.provider", "scripted", vscode.ConfigurationTarget.Workspace);
  });

  it("is contributed with all of its commands, and each of them is there", async () => {
    const manifest = vscode.extensions.getExtension("fixwright.fixwright")?.packageJSON as {
      contributes: { commands: { command: string }[] };
    };
    const contributed = manifest.contributes.commands.map(({ command }) => command).sort();
    const known = (await vscode.commands.getCommands(true)).sort();
    assert.deepEqual(
      known.filter((name) => name.startsWith("fixwright.ui.")),
      contributed,
    );
  });
});
