// Commands of the server's that the user chose, and what is shown of the reports they bring.
import * as vscode from "vscode";
import { Agent } from "./agent";
import type { AgentOutput } from "./agentOutput";
import { installSentence, safetySentence } from "./agentReports";
import { fix } from "./fix";
import { cancellable, mention, say } from "./messages";
import type { DependencyReport, FixArgument, RunReport, SafetyReport } from "./protocol";
import { notRun } from "./reports";
import type { RunOutput } from "./runOutput";
import { NotRunning, type Server } from "./server";

const RUNS = new Set([
  "fixwright.runFile",
  "fixwright.runSelection",
  "fixwright.runTests",
  "fixwright.runCell",
]);

export interface Parts {
  server: Server;
  output: RunOutput;
  agent: Agent;
  agentOutput: AgentOutput;
  log: vscode.LogOutputChannel;
}

/**
 * Runs a command of the server's for the user, who gets to see what came of it. All
 * ways lead here: keybindings, menus, code actions and code lenses.
 */
export async function serverCommand(
  parts: Parts,
  command: string,
  argument: object,
): Promise<unknown> {
  try {
    return await shown(parts, command, argument);
  } catch (error) {
    tellError(error, parts.log);
    return undefined;
  }
}

async function shown(parts: Parts, command: string, argument: object): Promise<unknown> {
  const { server, output, agent } = parts;
  if (Agent.isTurn(command)) {
    return agent.turn(command, argument);
  }
  switch (command) {
    case "fixwright.fix":
      return output.during(() => fix(server, argument as FixArgument));
    case "fixwright.accept":
    case "fixwright.reject":
      return agent.decide(command, argument);
    case "fixwright.undo":
      return agent.undo(argument);
    case "fixwright.installDependencies":
      return output.during(() => install(server, argument));
    case "fixwright.safety": {
      const report = await server.execute<SafetyReport>(command, argument);
      void say(safetySentence(report));
      return report;
    }
    case "fixwright.restartSession": {
      const result = await server.execute<{ restarted: boolean }>(command, argument);
      mention(result.restarted ? "the next cell starts anew." : "there is no session to restart.");
      return result;
    }
  }
  if (!RUNS.has(command)) {
    return server.execute(command, argument);
  }
  const report = await output.during(() => server.execute<RunReport>(command, argument));
  tellRun(report, output);
  return report;
}

async function install(server: Server, argument: object): Promise<DependencyReport | undefined> {
  const report = await cancellable("installing packages", (token, told) =>
    server.execute<DependencyReport>("fixwright.installDependencies", argument, token, told),
  );
  if (report) {
    void say(installSentence(report));
  }
  return report;
}

/** Output and diagnostics tell most of it; a run that did not take place needs words. */
function tellRun(report: RunReport, output: RunOutput): void {
  const text = notRun(report);
  if (text === undefined) {
    return;
  }
  const showOutput = "Show Output";
  void say({ severity: "error", text }, showOutput).then((choice) => {
    if (choice === showOutput) {
      output.show();
    }
  });
}

export function tellError(error: unknown, log: vscode.LogOutputChannel): void {
  const text = error instanceof Error ? error.message : String(error);
  log.error(text);
  const restart = "Restart Server";
  const showLog = "Show Log";
  const buttons = error instanceof NotRunning ? [restart, showLog] : [showLog];
  void say({ severity: "error", text }, ...buttons).then((choice) => {
    if (choice === showLog) {
      log.show();
    } else if (choice === restart) {
      void vscode.commands.executeCommand("fixwright.ui.restart");
    }
  });
}
