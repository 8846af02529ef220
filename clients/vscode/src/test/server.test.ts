import * as assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import * as vscode from "vscode";
import { State, type LanguageClient } from "vscode-languageclient/node";
import type { Exports } from "../extension";
import { BROKEN, extension, Scratch, until } from "./support";

/** Sets the server's command line for this workspace, or takes the setting away again. */
async function setCommand(command: string[] | undefined): Promise<void> {
  const settings = vscode.workspace.getConfiguration("fixwright");
  await settings.update("server.command", command, vscode.ConfigurationTarget.Workspace);
}

/** The notifications that a client sends from now on, in the order in which they are out. */
function recordSent(client: LanguageClient): string[] {
  const sent: string[] = [];
  const send = client.sendNotification.bind(client) as (...args: unknown[]) => Promise<void>;
  client.sendNotification = async (type: string | { method: string }, ...rest: unknown[]) => {
    await send(type, ...rest);
    const method = typeof type === "string" ? type : type.method;
    // What happens to files may be told at any moment: an earlier test wrote some.
    if (method.startsWith("textDocument/")) sent.push(method);
  };
  return sent;
}

describe("the server", () => {
  let scratch: Scratch;
  let api: Exports;

  before(async () => {
    api = await extension();
    scratch = new Scratch();
    await scratch.show("mean.py", BROKEN);
  });
  after(() => scratch.remove());
  afterEach(async () => {
    await setCommand(undefined);
    await until("the server", () => api.server.isRunning || undefined);
  });

  it("runs, and its commands are there", async () => {
    await until("the server", () => api.server.isRunning || undefined);
    const commands = await vscode.commands.getCommands(true);
    for (const name of ["runFile", "runSelection", "runTests", "fix", "status", "clear"]) {
      assert.ok(commands.includes(`fixwright.${name}`), name);
    }
  });

  it("restarts, once for many who ask", async () => {
    const before = api.server.running;
    await Promise.all([1, 2, 3].map(() => vscode.commands.executeCommand("fixwright.ui.restart")));
    assert.ok(api.server.isRunning);
    assert.notEqual(api.server.running, before);
    assert.ok(await api.server.execute("fixwright.status", {}));
  });

  it("knows the new text before it has the answer that the edit is applied", async () => {
    const { document } = await scratch.show("edited.py", "a = 1\n");
    const sent = recordSent(api.server.running);
    const start = { line: 0, character: 0 };
    const result = await api.server.applyEdit({
      label: "test",
      documents: [
        {
          uri: document.uri.toString(),
          version: document.version,
          edits: [{ range: { start, end: start }, newText: "b = 2\n" }],
        },
      ],
    });
    assert.deepEqual(result, { applied: true });
    assert.deepEqual(sent, ["textDocument/didChange"]);
  });

  it("hears of a change before it hears that the document was closed", async () => {
    const content = { language: "python", content: "a = 1\n" };
    const document = await vscode.workspace.openTextDocument(content);
    await vscode.window.showTextDocument(document);
    const sent = recordSent(api.server.running);
    // Closed without saving, an untitled document is emptied first.
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
    await until("the end of it", () => sent.includes("textDocument/didClose") || undefined);
    await until("quiet", () => sent.length >= 2 || undefined);
    assert.deepEqual(sent, ["textDocument/didChange", "textDocument/didClose"]);
  });

  it("comes back after its process died", async () => {
    const seen: string[] = [];
    const client = api.server.running;
    const listening = client.onDidChangeState(({ newState }) => seen.push(State[newState]));
    const { _serverProcess } = client as unknown as { _serverProcess: ChildProcess };
    _serverProcess.kill("SIGKILL");
    await until("the new process", () => seen.includes("Running") || undefined);
    listening.dispose();
    assert.deepEqual(seen, ["Stopped", "Starting", "Running"]);
    assert.equal(api.health().state, "idle");
    assert.ok(await api.server.execute("fixwright.status", {}));
  });

  it("explains a server that is not there", async () => {
    await setCommand(["/no/such/fixwright", "serve"]);
    const health = await until("the message", () => {
      const now = api.health();
      return now.state === "stopped" ? now : undefined;
    });
    assert.match(health.message, /The program "\/no\/such\/fixwright" was not found\. Install/);
    assert.ok(!api.server.isRunning);
    // A command now says so too, instead of failing somewhere inside.
    assert.equal(await vscode.commands.executeCommand("fixwright.ui.runFile"), undefined);
  });

  it("explains a server that is something else", async () => {
    await setCommand(["/bin/echo", "serve"]);
    const health = await until("the message", () => {
      const now = api.health();
      return now.state === "stopped" ? now : undefined;
    });
    assert.match(health.message, /which is not Fixwright's version/);
  });
});
