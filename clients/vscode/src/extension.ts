// Where the parts meet. Nothing is decided here.
import * as vscode from "vscode";
import { Agent } from "./agent";
import { AgentOutput } from "./agentOutput";
import { registerCommands } from "./commands";
import { ReadOnlyDocuments } from "./readOnly";
import { RunOutput, type Reveal } from "./runOutput";
import { Server } from "./server";
import { serverCommand } from "./serverCommands";
import { StatusItem, type Health } from "./statusItem";

/** What the tests in the extension host look at. */
export interface Exports {
  server: Server;
  health(): Health;
}

export async function activate(context: vscode.ExtensionContext): Promise<Exports> {
  const log = vscode.window.createOutputChannel("Fixwright", { log: true });
  const status = new StatusItem();
  const reveal = () =>
    vscode.workspace.getConfiguration("fixwright").get<Reveal>("run.revealOutput", "onStart");
  const output = new RunOutput(reveal);
  const agentOutput = new AgentOutput(reveal);
  const documents = new ReadOnlyDocuments();
  let health: Health = { state: "starting" };
  const server: Server = new Server(log, {
    health(now) {
      health = now;
      status.update(now);
      if (now.state === "starting" || now.state === "stopped") {
        output.reset();
        agentOutput.reset();
      }
    },
    runEvent(event) {
      const agents = agent.isWorking && !output.isWanted && !output.knows(event.runId);
      if (agents || agentOutput.isRun(event.runId)) {
        agentOutput.runEvent(event);
      } else {
        output.handle(event);
      }
    },
    agentEvent: (event) => agent.handle(event),
    command: (command, [argument]) => serverCommand(parts, command, argument ?? {}),
  });
  const agent = new Agent(server, agentOutput, documents);
  const parts = { server, output, agent, agentOutput, log };
  context.subscriptions.push(
    log,
    status,
    output,
    agentOutput,
    documents,
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
