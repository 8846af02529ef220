// The output channel that shows runs while they run.
import type * as vscode from "vscode";
import { LineChannel } from "./lineChannel";
import type { RunEvent, RunReport } from "./protocol";
import { runSummary } from "./reports";

export type Reveal = "onStart" | "onFailure" | "never";

/** Streams the events of all runs into one channel, and says which run is speaking. */
export class RunOutput implements vscode.Disposable {
  private readonly channel = new LineChannel("Fixwright: Run");
  private readonly titles = new Map<string, string>();
  private speaking: string | undefined;
  private wanted = 0;

  constructor(private readonly reveal: () => Reveal) {}

  handle(event: RunEvent): void {
    switch (event.type) {
      case "start":
        this.start(event.runId, event.data.title);
        break;
      case "stdout":
      case "stderr":
        this.turn(event.runId);
        this.channel.write(event.data);
        break;
      case "result":
        this.turn(event.runId);
        this.channel.line(resultText(event.data));
        break;
      case "file":
        this.turn(event.runId);
        this.channel.line(`  ${event.data.change} ${event.data.path} (${event.data.bytes} bytes)`);
        break;
      case "end":
        this.end(event.runId, event.data);
        break;
    }
  }

  /** While this goes on, runs are what the user asked for. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.wanted++;
    try {
      return await work();
    } finally {
      this.wanted--;
    }
  }

  get isWanted(): boolean {
    return this.wanted > 0;
  }

  knows(runId: string): boolean {
    return this.titles.has(runId);
  }

  /** Shows the channel; the keyboard stays in the editor. */
  show(): void {
    this.channel.show();
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
    this.channel.line(`▶ ${title}`);
    this.speaking = runId;
    if (this.reveal() === "onStart") {
      this.show();
    }
  }

  private end(runId: string, report: RunReport): void {
    this.turn(runId);
    this.channel.line(runSummary(report));
    this.channel.line("");
    this.titles.delete(runId);
    this.speaking = undefined;
    if (this.reveal() === "onFailure" && report.status !== "passed") {
      this.show();
    }
  }

  /** Two runs at once write into one channel: name the one that goes on. */
  private turn(runId: string): void {
    if (this.speaking !== runId) {
      this.channel.line(`▷ ${this.titles.get(runId) ?? runId}`);
      this.speaking = runId;
    }
  }
}

/** The text of a value that a cell has shown; a picture is only named. */
function resultText(data: Record<string, unknown>): string {
  const text = data["text/plain"];
  return typeof text === "string" ? text : `[${Object.keys(data).join(", ")}]`;
}
