// The extension's own commands, and what is shown of the reports that they bring.
import * as vscode from "vscode";
import { fix, fixAtCursor } from "./fix";
import type { FixArgument, RunReport } from "./protocol";
import type { RunOutput } from "./runOutput";
import { NotRunning, type Server } from "./server";

const RUNS = new Set(["fixwright.runFile", "fixwright.runSelection", "fixwright.runTests"]);
const MENU = [
  { label: "$(run) Run File", command: "fixwright.ui.runFile" },
  { label: "$(debug-stop) Stop Running", command: "fixwright.ui.stop" },
  { label: "$(output) Show Run Output", command: "fixwright.ui.showOutput" },
  { label: "$(list-flat) Show Log", command: "fixwright.ui.showLog" },
  { label: "$(refresh) Restart Server", command: "fixwright.ui.restart" },
  { label: "$(info) Show Status", command: "fixwright.ui.status" },
];

interface Parts {
  server: Server;
  output: RunOutput;
  log: vscode.LogOutputChannel;
}

/**
 * Runs a command of the server's for the user, who gets to see what came of it. All
 * ways lead here: keybindings, menus, code actions and code lenses.
 */
export async function serverCommand(
  { server, output, log }: Parts,
  command: string,
  argument: object,
): Promise<unknown> {
  try {
    if (command === "fixwright.fix") {
      return await fix(server, argument as FixArgument);
    }
    const result: unknown = await server.execute(command, argument);
    if (RUNS.has(command)) {
      tellRun(result as RunReport, output);
    }
    return result;
  } catch (error) {
    tellError(error, log);
    return undefined;
  }
}

/** Registers `fixwright.ui.*`. */
export function registerCommands(parts: Parts): vscode.Disposable {
  const { server, output, log } = parts;
  const inEditor =
    (run: (editor: vscode.TextEditor) => Promise<unknown>) => async (): Promise<unknown> => {
      const editor = vscode.window.activeTextEditor;
      if (!editor) {
        void vscode.window.showInformationMessage("Fixwright: open a file in an editor first.");
        return undefined;
      }
      try {
        return await run(editor);
      } catch (error) {
        tellError(error, log);
        return undefined;
      }
    };
  const place = ({ document, selection }: vscode.TextEditor) => {
    const convert = server.running.code2ProtocolConverter;
    return { uri: convert.asUri(document.uri), range: convert.asRange(selection) };
  };

  const handlers: Record<string, () => unknown> = {
    runFile: inEditor((editor) =>
      serverCommand(parts, "fixwright.runFile", { uri: place(editor).uri }),
    ),
    runSelection: inEditor((editor) =>
      serverCommand(parts, "fixwright.runSelection", place(editor)),
    ),
    // A selection names the tests in it; without one, all tests of the file run.
    runTests: inEditor((editor) => {
      const { uri, range } = place(editor);
      const argument = editor.selection.isEmpty ? { uri } : { uri, range };
      return serverCommand(parts, "fixwright.runTests", argument);
    }),
    fix: inEditor((editor) => fixAtCursor(server, editor)),
    stop: () => stop(parts),
    clear: () => serverCommand(parts, "fixwright.clear", {}),
    restart: () => server.restart(),
    showLog: () => log.show(),
    showOutput: () => output.show(),
    status: () => status(parts),
    menu: async () => {
      const picked = await vscode.window.showQuickPick(MENU, { title: "Fixwright" });
      return picked && vscode.commands.executeCommand(picked.command);
    },
  };
  return vscode.Disposable.from(
    ...Object.entries(handlers).map(([name, handler]) =>
      vscode.commands.registerCommand(`fixwright.ui.${name}`, handler),
    ),
  );
}

async function stop(parts: Parts): Promise<unknown> {
  const result = (await serverCommand(parts, "fixwright.cancel", {})) as
    { cancelled: number } | undefined;
  if (result) {
    const { cancelled } = result;
    const text = cancelled === 0 ? "nothing is running" : `stopped (${cancelled})`;
    vscode.window.setStatusBarMessage(`Fixwright: ${text}`, 5000);
  }
  return result;
}

/** Writes the server's status to the log, whole, and shows it. */
async function status(parts: Parts): Promise<unknown> {
  const result = await serverCommand(parts, "fixwright.status", {});
  if (result !== undefined) {
    parts.log.info(`Status: ${JSON.stringify(result, null, 2)}`);
    parts.log.show(true);
  }
  return result;
}

/** Output and diagnostics tell most of it; a run that did not take place needs words. */
function tellRun(report: RunReport, output: RunOutput): void {
  if (report.status !== "refused" && report.status !== "error") {
    return;
  }
  const showOutput = "Show Output";
  const what = report.status === "refused" ? "The run was refused." : "The run could not be made.";
  void vscode.window
    .showErrorMessage(`Fixwright: ${what} ${report.reason ?? ""}`.trim(), showOutput)
    .then((choice) => {
      if (choice === showOutput) {
        output.show();
      }
    });
}

function tellError(error: unknown, log: vscode.LogOutputChannel): void {
  const text = error instanceof Error ? error.message : String(error);
  log.error(text);
  const restart = "Restart Server";
  const showLog = "Show Log";
  const buttons = error instanceof NotRunning ? [restart, showLog] : [showLog];
  void vscode.window.showErrorMessage(`Fixwright: ${text}`, ...buttons).then((choice) => {
    if (choice === showLog) {
      log.show();
    } else if (choice === restart) {
      void vscode.commands.executeCommand("fixwright.ui.restart");
    }
  });
}
