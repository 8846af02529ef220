// *Fix this error*: ask the server, show that it works on it, say what came of it.
import * as vscode from "vscode";
import { LSPErrorCodes, ResponseError } from "vscode-languageclient/node";
import { candidates, choose } from "./diagnostics";
import type { FixArgument, FixReport } from "./protocol";
import { fixSentence, type Sentence } from "./reports";
import { NotRunning, type Server } from "./server";

const RUN_FILE = "Run File";
const SHOW_DIFF = "Show Diff";
const TRY_AGAIN = "Try Again";
type Message = (text: string, ...buttons: string[]) => Thenable<string | undefined>;
const MESSAGES: Record<Sentence["severity"], Message> = {
  info: (text, ...buttons) => vscode.window.showInformationMessage(text, ...buttons),
  warning: (text, ...buttons) => vscode.window.showWarningMessage(text, ...buttons),
  error: (text, ...buttons) => vscode.window.showErrorMessage(text, ...buttons),
};

/** Fixes the diagnostic at the cursor, or the only one of the file. */
export async function fixAtCursor(
  server: Server,
  editor: vscode.TextEditor,
): Promise<FixReport | undefined> {
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
  return fix(server, {
    uri: convert.asUri(document.uri),
    range: convert.asRange(diagnostic.range),
    diagnostic: convert.asDiagnostic(diagnostic),
    apply: true,
  });
}

/** Runs `fixwright.fix` under a notification whose Cancel button cancels the request. */
export async function fix(server: Server, argument: FixArgument): Promise<FixReport | undefined> {
  const file = fileName(argument.uri);
  const report = await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: `Fixwright: fixing ${file}`,
      cancellable: true,
    },
    async (progress, token) => {
      const report = (message: string) => progress.report({ message });
      try {
        return await server.execute<FixReport>("fixwright.fix", argument, token, report);
      } catch (error) {
        if (token.isCancellationRequested && isCancelled(error)) {
          return undefined;
        }
        throw error;
      }
    },
  );
  if (report === undefined || report.status === "cancelled") {
    vscode.window.setStatusBarMessage("Fixwright: the fix was cancelled.", 5000);
    return report;
  }
  // Shown, not waited for: the fix is over, and the message may stay as long as it likes.
  void tell(argument, report, file);
  return report;
}

async function tell(argument: FixArgument, report: FixReport, file: string): Promise<void> {
  const { severity, text } = fixSentence(report, file);
  const buttons = [
    ...(report.diff ? [SHOW_DIFF] : []),
    ...(report.status === "stale" ? [TRY_AGAIN] : []),
  ];
  const choice = await MESSAGES[severity](`Fixwright: ${text}`, ...buttons);
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

function isCancelled(error: unknown): boolean {
  const cancelled: number[] = [LSPErrorCodes.RequestCancelled, LSPErrorCodes.ServerCancelled];
  return error instanceof ResponseError && cancelled.includes(error.code);
}

function fileName(path: string): string {
  return decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
}
