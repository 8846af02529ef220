// The extension's own commands: what they ask of the server, and for which place.
import * as vscode from "vscode";
import type { Proposal } from "./agent";
import { problemAtCursor } from "./fix";
import { mention } from "./messages";
import type { AgentArgument } from "./protocol";
import { serverCommand, tellError, type Parts } from "./serverCommands";

const MENU = [
  { label: "$(run) Run File", command: "fixwright.ui.runFile" },
  { label: "$(debug-stop) Stop Running", command: "fixwright.ui.stop" },
  { label: "$(sparkle) Run Agent", command: "fixwright.ui.agent" },
  { label: "$(history) Agent's Sessions", command: "fixwright.ui.sessions" },
  { label: "$(output) Show Run Output", command: "fixwright.ui.showOutput" },
  { label: "$(output) Show Agent Output", command: "fixwright.ui.showAgentOutput" },
  { label: "$(list-flat) Show Log", command: "fixwright.ui.showLog" },
  { label: "$(refresh) Restart Server", command: "fixwright.ui.restart" },
  { label: "$(info) Show Status", command: "fixwright.ui.status" },
];

/** Registers `fixwright.ui.*`. */
export function registerCommands(parts: Parts): vscode.Disposable {
  const { server, output, agent, agentOutput, log } = parts;
  const safely =
    <A extends unknown[]>(run: (...args: A) => Promise<unknown>) =>
    async (...args: A): Promise<unknown> => {
      try {
        return await run(...args);
      } catch (error) {
        tellError(error, log);
        return undefined;
      }
    };
  const inEditor =
    (run: (editor: vscode.TextEditor) => Promise<unknown>) => async (): Promise<unknown> => {
      const editor = vscode.window.activeTextEditor;
      if (!editor) {
        void vscode.window.showInformationMessage("Fixwright: open a file in an editor first.");
        return undefined;
      }
      return safely(run)(editor);
    };
  const place = ({ document, selection }: vscode.TextEditor) => {
    const convert = server.running.code2ProtocolConverter;
    return { uri: convert.asUri(document.uri), range: convert.asRange(selection) };
  };

  /** A selection is meant, where there is one; else all of the file. */
  const selected = (editor: vscode.TextEditor) => {
    const { uri, range } = place(editor);
    return editor.selection.isEmpty ? { uri } : { uri, range };
  };
  /** The open file, if it is one that the server knows. */
  const file = () => {
    const editor = vscode.window.activeTextEditor;
    const known = editor && ["file", "untitled"].includes(editor.document.uri.scheme);
    return known ? selected(editor) : {};
  };
  const agentCommand = (mode: "edit" | "ask", given: Partial<AgentArgument> = {}) => {
    const { prompt, sessionId } = given; // a menu passes the file's URI, which has neither
    const extra = { ...file(), mode, ...(sessionId ? { sessionId } : {}) };
    return prompt
      ? agent.turn("fixwright.agent", { ...extra, prompt })
      : agent.ask(mode === "ask" ? "Ask About the Code" : "Run the Agent", extra);
  };

  const handlers: Record<string, (...args: never[]) => unknown> = {
    runFile: inEditor((editor) =>
      serverCommand(parts, "fixwright.runFile", { uri: place(editor).uri }),
    ),
    runSelection: inEditor((editor) =>
      serverCommand(parts, "fixwright.runSelection", place(editor)),
    ),
    // A selection names the tests in it; without one, all tests of the file run.
    runTests: inEditor((editor) => serverCommand(parts, "fixwright.runTests", selected(editor))),
    runCell: inEditor((editor) => serverCommand(parts, "fixwright.runCell", place(editor))),
    restartSession: inEditor((editor) =>
      serverCommand(parts, "fixwright.restartSession", { uri: place(editor).uri }),
    ),
    installDependencies: safely(() =>
      serverCommand(parts, "fixwright.installDependencies", file()),
    ),
    safety: inEditor((editor) => serverCommand(parts, "fixwright.safety", selected(editor))),
    fix: inEditor(async (editor) => {
      const argument = await problemAtCursor(server, editor);
      return argument && serverCommand(parts, "fixwright.fix", argument);
    }),
    agent: safely((given?: Partial<AgentArgument>) => agentCommand("edit", given)),
    ask: safely((given?: Partial<AgentArgument>) => agentCommand("ask", given)),
    explain: inEditor((editor) => serverCommand(parts, "fixwright.explain", place(editor))),
    generateTests: inEditor((editor) =>
      serverCommand(parts, "fixwright.generateTests", place(editor)),
    ),
    optimize: inEditor((editor) => serverCommand(parts, "fixwright.optimize", place(editor))),
    accept: safely((given?: Proposal) => agent.decideOnWaiting("fixwright.accept", given)),
    reject: safely((given?: Proposal) => agent.decideOnWaiting("fixwright.reject", given)),
    review: safely(() => agent.review()),
    undo: safely(() => serverCommand(parts, "fixwright.undo", {})),
    sessions: safely(() => agent.sessions()),
    stop: () => stop(parts),
    clear: () => serverCommand(parts, "fixwright.clear", {}),
    restart: () => server.restart(),
    showLog: () => log.show(),
    showOutput: () => output.show(),
    showAgentOutput: () => agentOutput.show(),
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
    mention(cancelled === 0 ? "nothing is running" : `stopped (${cancelled})`);
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
