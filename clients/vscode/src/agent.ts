// Turns of the agent: asked for, shown while they go on, and reviewed at their end.
import * as vscode from "vscode";
import { agentSentence, firstLine, sessionPage } from "./agentReports";
import type { AgentOutput } from "./agentOutput";
import { cancellable, mention, say } from "./messages";
import type {
  AgentArgument,
  AgentEvent,
  AgentReport,
  ReviewResult,
  SessionInfo,
  UndoResult,
} from "./protocol";
import type { ReadOnlyDocuments } from "./readOnly";
import type { Server } from "./server";

const SHOW = "Show Changes";
const ACCEPT = "Accept";
const REJECT = "Reject";
const SHOW_ANSWER = "Show Answer";
const NOTHING_WAITS = "no changes of the agent wait for a review.";
const GO_ON = "Go On";
/** Commands of the server's that are a turn and bring its report, with what they are called. */
const TURNS: Record<string, string> = {
  "fixwright.agent": "the agent works",
  "fixwright.explain": "explaining",
  "fixwright.generateTests": "generating tests",
  "fixwright.optimize": "optimising",
};

/** Which changes are meant; without a name, those that the last turn brought. */
export interface Proposal {
  proposalId?: string;
}

interface Turn {
  session: string | undefined;
  report(message: string): void;
}

export class Agent {
  private readonly turns = new Set<Turn>();
  private waiting: AgentReport | undefined;

  constructor(
    private readonly server: Server,
    private readonly output: AgentOutput,
    private readonly documents: ReadOnlyDocuments,
  ) {}

  static isTurn(command: string): boolean {
    return command in TURNS;
  }

  get isWorking(): boolean {
    return this.turns.size > 0;
  }

  /** Shows what happens in a turn, in the output and in the turn's own notification. */
  handle(event: AgentEvent): void {
    this.output.handle(event);
    const all = [...this.turns];
    const turn =
      all.find(({ session }) => session === event.sessionId) ??
      all.find(({ session }) => session === undefined);
    if (turn) {
      turn.session = event.sessionId;
      if (event.type === "toolCall") {
        turn.report(firstLine(event.sentence, 100));
      }
    }
  }

  /** Makes a turn. Its review is shown, not waited for. */
  async turn(command: string, argument: object): Promise<AgentReport | undefined> {
    const { prompt = "", sessionId } = argument as Partial<AgentArgument>;
    const what = TURNS[command] ?? command;
    this.output.begin(prompt ? firstLine(prompt) : what);
    const report = await cancellable(what, async (token, told) => {
      const turn: Turn = { session: sessionId, report: told };
      this.turns.add(turn);
      try {
        return await this.server.execute<AgentReport>(command, argument, token);
      } catch (error) {
        if (!token.isCancellationRequested) {
          this.output.note("■ the turn failed");
        }
        throw error;
      } finally {
        this.turns.delete(turn);
      }
    });
    this.output.end(report);
    if (report === undefined || report.status === "cancelled") {
      mention("the agent was stopped.");
    } else {
      void this.tell(report);
    }
    return report;
  }

  /** Asks what to do, then does it; `extra` says where, and in which session. */
  async ask(title: string, extra: Partial<AgentArgument>): Promise<AgentReport | undefined> {
    const prompt = await vscode.window.showInputBox({
      title: `Fixwright: ${title}`,
      prompt: extra.range ? "It is shown the selection." : "It is shown the open file.",
      placeHolder: extra.mode === "ask" ? "What do you want to know?" : "What shall be done?",
      ignoreFocusOut: true,
    });
    return prompt?.trim() ? this.turn("fixwright.agent", { ...extra, prompt }) : undefined;
  }

  /** Reviews what waits, once more. */
  async review(): Promise<void> {
    if (this.waiting) {
      await this.tell(this.waiting);
    } else {
      mention(NOTHING_WAITS);
    }
  }

  /** Accepts or rejects the changes that wait. */
  async decideOnWaiting(command: string, given?: Proposal): Promise<ReviewResult | undefined> {
    const proposalId = given?.proposalId ?? this.waiting?.proposalId;
    if (proposalId) {
      return this.decide(command, { proposalId });
    }
    mention(NOTHING_WAITS);
    return undefined;
  }

  /** Accepts or rejects; `argument` names the proposal, and maybe some of its changes. */
  async decide(command: string, argument: object): Promise<ReviewResult> {
    const result = await this.server.execute<ReviewResult>(command, argument);
    const { proposalId } = argument as { proposalId?: string };
    if (result.left === 0 && this.waiting?.proposalId === proposalId) {
      this.waiting = undefined;
    }
    const rejected = command === "fixwright.reject";
    const left = result.left > 0 ? `, ${result.left} left` : "";
    if (rejected || result.applied) {
      const text = (rejected ? "rejected" : "accepted") + left;
      this.output.note(`■ ${text}`);
      mention(`${text}.`);
    }
    if (result.reason) {
      void say({ severity: "warning", text: result.reason });
    }
    return result;
  }

  /** Takes back the last change of the agent's. */
  async undo(argument: object): Promise<UndoResult> {
    const result = await this.server.execute<UndoResult>("fixwright.undo", argument);
    if (result.applied) {
      this.output.note("■ the agent's last change was taken back");
      mention("the agent's last change was taken back.");
    }
    if (result.reason) {
      void say({ severity: result.applied ? "info" : "warning", text: result.reason });
    }
    return result;
  }

  /** Lists the sessions, to go on with one or to look at it. */
  async sessions(): Promise<void> {
    const found = await this.server.execute<SessionInfo[]>("fixwright.sessions", {});
    const show = { iconPath: new vscode.ThemeIcon("book"), tooltip: "Show" };
    const picker = vscode.window.createQuickPick<vscode.QuickPickItem & { session: SessionInfo }>();
    picker.title = "Fixwright: Sessions of the Agent";
    picker.placeholder = found.length ? "Choose one to go on with." : "There is no session yet.";
    picker.items = found.map((session) => ({
      label: session.title || session.id,
      description: `${session.status}, ${new Date(session.updated * 1000).toLocaleString()}`,
      buttons: [show],
      session,
    }));
    picker.onDidTriggerItemButton(({ item }) => {
      picker.hide();
      void this.showSession(item.session);
    });
    picker.onDidAccept(() => {
      const session = picker.selectedItems[0]?.session;
      picker.hide();
      if (session?.status === "interrupted") {
        // A turn that was cut, by a crash say, is done to its end first.
        const argument = { sessionId: session.id };
        void vscode.commands.executeCommand("fixwright.agent", argument);
      } else if (session) {
        void vscode.commands.executeCommand("fixwright.ui.agent", { sessionId: session.id });
      }
    });
    picker.onDidHide(() => picker.dispose());
    picker.show();
  }

  private async showSession(session: SessionInfo): Promise<void> {
    await this.documents.show(
      `session-${session.id}.md`,
      sessionPage(session, this.output.transcript(session.id)),
    );
  }

  /** How a turn ended; where changes wait, until they were decided on or put off. */
  private async tell(report: AgentReport): Promise<void> {
    const proposalId = report.applied ? null : report.proposalId;
    this.waiting = proposalId ? report : undefined;
    const sentence = agentSentence(report);
    const name = report.proposalId ?? report.sessionId ?? "answer";
    const buttons = [
      ...(report.diff ? [SHOW] : []),
      ...(proposalId ? [ACCEPT, REJECT] : []),
      ...(!report.diff && report.text.includes("\n") ? [SHOW_ANSWER] : []),
      ...(report.status === "limit" && report.sessionId ? [GO_ON] : []),
    ];
    for (;;) {
      const choice = await say(sentence, ...buttons);
      switch (choice) {
        case SHOW:
          await this.documents.show(`${name}.diff`, report.diff);
          if (proposalId && this.waiting === report) {
            continue; // the notification went with the click, the decision is still to be made
          }
          return;
        case SHOW_ANSWER:
          await this.documents.show(`${name}.md`, report.text);
          return;
        case GO_ON:
          await vscode.commands.executeCommand("fixwright.ui.agent", {
            sessionId: report.sessionId,
          });
          return;
        case ACCEPT:
        case REJECT: {
          const command = `fixwright.ui.${choice.toLowerCase()}`;
          await vscode.commands.executeCommand(command, { proposalId });
          return;
        }
        default:
          return;
      }
    }
  }
}
