// Where the parts meet. Nothing is decided here.
import * as vscode from "vscode";
import { registerCommands, serverCommand } from "./commands";
import { RunOutput, type Reveal } from "./runOutput";
import { Server } from "./server";
import { StatusItem, type Health } from "./statusItem";

/** What the tests in the extension host look at. */
export interface Exports {
  server: Server;
  health(): Health;
}

export async function activate(context: vscode.ExtensionContext): Promise<Exports> {
  const log = vscode.window.createOutputChannel("Fixwright", { log: true });
  const status = new StatusItem();
  const output = new RunOutput(() =>
    vscode.workspace.getConfiguration("fixwright").get<Reveal>("run.revealOutput", "onStart"),
  );
  let health: Health = { state: "starting" };
  const server: Server = new Server(log, {
    health(now) {
      health = now;
      status.update(now);
      if (now.state === "starting" || now.state === "stopped") {
        output.reset();
      }
    },
    runEvent: (event) => output.handle(event),
    command: (command, [argument]) => serverCommand(parts, command, argument ?? {}),
  });
  const parts = { server, output, log };
  context.subscriptions.push(
    log,
    status,
    output,
    server,
    registerCommands(parts),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("fixwright.server.command")) {
        void server.restart();
      } else if (event.affectsConfiguration("fixwright")) {
        void server.settingsChanged();
      }
    }),
  );
  current = server;
  await server.restart();
  return { server, health: () => health };
}

let current: Server | undefined;

export async function deactivate(): Promise<void> {
  await current?.stop();
}
