// *Fix this error*: ask the server, show that it works on it, say what came of it.
import * as vscode from "vscode";
import { candidates, choose } from "./diagnostics";
import type { FixArgument, FixReport } from "./protocol";
import { cancellable, mention, say } from "./messages";
import { fixSentence } from "./reports";
import { NotRunning, type Server } from "./server";

const RUN_FILE = "Run File";
const SHOW_DIFF = "Show Diff";
const TRY_AGAIN = "Try Again";

/** What to fix: the diagnostic at the cursor, or the only one of the file. */
export async function problemAtCursor(
  server: Server,
  editor: vscode.TextEditor,
): Promise<FixArgument | undefined> {
  if (!server.isRunning) {
    throw new NotRunning();
  }
  const { document, selection } = editor;
  const found = candidates(document.uri, selection.active);
  if (found.length === 0) {
    const choice = await vscode.window.showInformationMessage(
      `There is no error to fix in ${fileName(document.uri.path)}. Run it to find out.`,
      RUN_FILE,
    );
    if (choice === RUN_FILE) {
      await vscode.commands.executeCommand("fixwright.ui.runFile");
    }
    return undefined;
  }
  const diagnostic = await choose(found);
  if (!diagnostic) {
    return undefined;
  }
  const convert = server.running.code2ProtocolConverter;
  return {
    uri: convert.asUri(document.uri),
    range: convert.asRange(diagnostic.range),
    diagnostic: convert.asDiagnostic(diagnostic),
    apply: true,
  };
}

/** Runs `fixwright.fix` under a notification whose Cancel button cancels the request. */
export async function fix(server: Server, argument: FixArgument): Promise<FixReport | undefined> {
  const file = fileName(argument.uri);
  const report = await cancellable(`fixing ${file}`, (token, told) =>
    server.execute<FixReport>("fixwright.fix", argument, token, told),
  );
  if (report === undefined || report.status === "cancelled") {
    mention("the fix was cancelled.");
    return report;
  }
  // Shown, not waited for: the fix is over, and the message may stay as long as it likes.
  void tell(argument, report, file);
  return report;
}

async function tell(argument: FixArgument, report: FixReport, file: string): Promise<void> {
  const buttons = [
    ...(report.diff ? [SHOW_DIFF] : []),
    ...(report.status === "stale" ? [TRY_AGAIN] : []),
  ];
  const choice = await say(fixSentence(report, file), ...buttons);
  if (choice === SHOW_DIFF) {
    const content = { language: "diff", content: report.diff };
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(content), {
      preview: true,
    });
  } else if (choice === TRY_AGAIN) {
    // Where the diagnostic is by now only the editor knows.
    const shown = vscode.window.activeTextEditor?.document.uri.toString();
    if (shown === vscode.Uri.parse(argument.uri).toString()) {
      await vscode.commands.executeCommand("fixwright.ui.fix");
    }
  }
}

function fileName(path: string): string {
  return decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
}
