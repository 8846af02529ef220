// An output channel that is written in pieces, and knows whether a line is open.
import * as vscode from "vscode";

export class LineChannel implements vscode.Disposable {
  private readonly channel: vscode.OutputChannel;
  private atLineStart = true;

  constructor(name: string) {
    this.channel = vscode.window.createOutputChannel(name);
  }

  /** Adds a line of its own. */
  line(text: string): void {
    this.write((this.atLineStart ? "" : "\n") + text + "\n");
  }

  write(text: string): void {
    if (text !== "") {
      this.channel.append(text);
      this.atLineStart = text.endsWith("\n");
    }
  }

  /** Shows the channel; the keyboard stays in the editor. */
  show(): void {
    this.channel.show(true);
  }

  dispose(): void {
    this.channel.dispose();
  }
}
