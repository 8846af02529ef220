// Sentences for the user, and what to do with errors of a request.
import * as vscode from "vscode";
import { LSPErrorCodes, ResponseError } from "vscode-languageclient/node";
import type { Sentence } from "./reports";

/** Shows a notification; answers with the button that was pressed. */
export function say(
  { severity, text }: Sentence,
  ...buttons: string[]
): Thenable<string | undefined> {
  const message = `Fixwright: ${text}`;
  switch (severity) {
    case "info":
      return vscode.window.showInformationMessage(message, ...buttons);
    case "warning":
      return vscode.window.showWarningMessage(message, ...buttons);
    case "error":
      return vscode.window.showErrorMessage(message, ...buttons);
  }
}

/** Says it in passing, in the status bar. */
export function mention(text: string): void {
  vscode.window.setStatusBarMessage(`Fixwright: ${text}`, 5000);
}

/** Runs a request under a notification whose Cancel button cancels it: then it brings nothing. */
export function cancellable<T>(
  title: string,
  request: (
    token: vscode.CancellationToken,
    report: (message: string) => void,
  ) => Promise<T | undefined>,
): Thenable<T | undefined> {
  const location = vscode.ProgressLocation.Notification;
  const options = { location, title: `Fixwright: ${title}`, cancellable: true };
  return vscode.window.withProgress(options, async (progress, token) => {
    try {
      return await request(token, (message) => progress.report({ message }));
    } catch (error) {
      if (token.isCancellationRequested && isCancelled(error)) {
        return undefined;
      }
      throw error;
    }
  });
}

function isCancelled(error: unknown): boolean {
  const cancelled: number[] = [LSPErrorCodes.RequestCancelled, LSPErrorCodes.ServerCancelled];
  return error instanceof ResponseError && cancelled.includes(error.code);
}
