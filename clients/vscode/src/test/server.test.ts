import * as assert from "node:assert/strict";
import * as vscode from "vscode";
import type { Exports } from "../extension";
import { BROKEN, extension, Scratch, until } from "./support";

/** Sets the server's command line for this workspace, or takes the setting away again. */
async function setCommand(command: string[] | undefined): Promise<void> {
  const settings = vscode.workspace.getConfiguration("fixwright");
  await settings.update("server.command", command, vscode.ConfigurationTarget.Workspace);
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
