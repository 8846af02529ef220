// The output channel that shows runs while they run.
import * as vscode from "vscode";
import type { RunEvent, RunReport } from "./protocol";
import { runSummary } from "./reports";

export type Reveal = "onStart" | "onFailure" | "never";

/** Streams the events of all runs into one channel, and says which run is speaking. */
export class RunOutput implements vscode.Disposable {
  private readonly channel = vscode.window.createOutputChannel("Fixwright: Run");
  private readonly titles = new Map<string, string>();
  private speaking: string | undefined;
  private atLineStart = true;

  constructor(private readonly reveal: () => Reveal) {}

  handle(event: RunEvent): void {
    switch (event.type) {
      case "start":
        this.start(event.runId, event.data.title);
        break;
      case "stdout":
      case "stderr":
        this.turn(event.runId);
        this.write(event.data);
        break;
      case "file":
        this.turn(event.runId);
        this.line(`  ${event.data.change} ${event.data.path} (${event.data.bytes} bytes)`);
        break;
      case "end":
        this.end(event.runId, event.data);
        break;
    }
  }

  /** Shows the channel; the keyboard stays in the editor. */
  show(): void {
    this.channel.show(true);
  }

  /** A server that is gone ends its runs without a word: forget them. */
  reset(): void {
    this.titles.clear();
    this.speaking = undefined;
  }

  dispose(): void {
    this.channel.dispose();
  }

  private start(runId: string, title: string): void {
    this.titles.set(runId, title);
    this.line(`▶ ${title}`);
    this.speaking = runId;
    if (this.reveal() === "onStart") {
      this.show();
    }
  }

  private end(runId: string, report: RunReport): void {
    this.turn(runId);
    this.line(runSummary(report));
    this.line("");
    this.titles.delete(runId);
    this.speaking = undefined;
    if (this.reveal() === "onFailure" && report.status !== "passed") {
      this.show();
    }
  }

  /** Two runs at once write into one channel: name the one that goes on. */
  private turn(runId: string): void {
    if (this.speaking !== runId) {
      this.line(`▷ ${this.titles.get(runId) ?? runId}`);
      this.speaking = runId;
    }
  }

  private line(text: string): void {
    this.write((this.atLineStart ? "" : "\n") + text + "\n");
  }

  private write(text: string): void {
    if (text !== "") {
      this.channel.append(text);
      this.atLineStart = text.endsWith("\n");
    }
  }
}
