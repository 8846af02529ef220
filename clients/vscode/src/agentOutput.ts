// The output channel that shows what the agent says and does, while it does it.
import type * as vscode from "vscode";
import { agentSummary, diffText, firstLine } from "./agentReports";
import { LineChannel } from "./lineChannel";
import type { AgentEvent, AgentReport, RunEvent } from "./protocol";
import type { Reveal } from "./runOutput";

const LONGEST_TRANSCRIPT = 200_000;
const DENIED = new Set(["deny", "no"]);

/** Streams the turns of all sessions into one channel, and keeps what was seen of each. */
export class AgentOutput implements vscode.Disposable {
  private readonly channel = new LineChannel("Fixwright: Agent");
  private readonly transcripts = new Map<string, string>();
  private readonly runs = new Set<string>();
  private speaking = "";
  private thinking = false;
  private changes = "";

  constructor(private readonly reveal: () => Reveal) {}

  /** A turn begins; its session may have no name yet. */
  begin(title: string): void {
    this.channel.line(`▶ ${title}`);
    this.speaking = "";
    this.thinking = false;
    this.changes = "";
    if (this.reveal() === "onStart") {
      this.show();
    }
  }

  handle(event: AgentEvent): void {
    this.turn(event.sessionId);
    if (event.type === "thinking") {
      if (!this.thinking) {
        this.line("… thinking");
      }
      this.thinking = true;
      return;
    }
    this.thinking = false;
    switch (event.type) {
      case "text":
        this.write(event.text);
        break;
      case "restart":
        this.line(`↻ the answer begins anew${event.model ? `, from ${event.model}` : ""}`);
        break;
      case "wait":
        this.line(`⧖ waiting ${Math.round(event.seconds)} s: ${event.reason}`);
        break;
      case "toolCall":
        this.line(`→ ${event.sentence}`);
        break;
      case "toolResult":
        this.line(`  ${event.error ? "✗" : "✓"} ${firstLine(event.text)}`);
        break;
      case "permission":
        if (DENIED.has(event.decision)) {
          this.line(`  ✗ denied by ${event.by}: ${event.action}`);
        }
        break;
      case "diff":
        this.diff(diffText(event.diff));
        break;
      case "compacted":
        this.line(`  the history is shorter by ${event.saved} tokens`);
        break;
      case "usage":
      case "end": // the report says both
        break;
    }
  }

  /** A run that the agent makes speaks here, not in the output of the user's runs. */
  runEvent(event: RunEvent): void {
    if (event.type === "start") {
      this.runs.add(event.runId);
      this.line(`  ▶ ${event.data.title}`);
    } else if (event.type === "stdout" || event.type === "stderr") {
      this.write(event.data);
    }
  }

  isRun(runId: string): boolean {
    return this.runs.has(runId);
  }

  /** How a turn ended; nothing where it was cancelled. */
  end(report: AgentReport | undefined): void {
    if (report?.sessionId) {
      this.turn(report.sessionId);
    }
    this.runs.clear();
    for (const line of report ? agentSummary(report) : ["■ cancelled"]) {
      this.line(line);
    }
    this.line("");
  }

  /** Something that happened to a session outside of its turns. */
  note(text: string): void {
    this.line(text);
  }

  /** What was seen of a session in this window; "" when it was not seen. */
  transcript(sessionId: string): string {
    return this.transcripts.get(sessionId) ?? "";
  }

  /** Shows the channel; the keyboard stays in the editor. */
  show(): void {
    this.channel.show();
  }

  /** A server that is gone ends its turns without a word: forget them. */
  reset(): void {
    this.runs.clear();
    this.speaking = "";
  }

  dispose(): void {
    this.channel.dispose();
  }

  /** Two turns at once write into one channel: name the one that goes on. */
  private turn(sessionId: string): void {
    if (this.speaking !== "" && this.speaking !== sessionId) {
      this.channel.line(`▷ session ${sessionId}`);
    }
    this.speaking = sessionId;
  }

  private diff(changes: string): void {
    if (this.changes !== changes) {
      this.changes = changes;
      this.line(`  ± ${changes}`);
    }
  }

  private line(text: string): void {
    this.channel.line(text);
    const before = this.transcript(this.speaking);
    this.keep((before === "" || before.endsWith("\n") ? "" : "\n") + text + "\n");
  }

  private write(text: string): void {
    this.channel.write(text);
    this.keep(text);
  }

  private keep(text: string): void {
    if (this.speaking !== "") {
      const whole = this.transcript(this.speaking) + text;
      this.transcripts.set(this.speaking, whole.slice(-LONGEST_TRANSCRIPT));
    }
  }
}
