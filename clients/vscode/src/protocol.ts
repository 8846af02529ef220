// What Fixwright adds to LSP: the objects of its commands, its notifications, and
// the request that applies an edit to several documents or to none.
import {
  NotificationType,
  RequestType,
  type Diagnostic,
  type Range,
  type TextEdit,
} from "vscode-languageclient/node";

export interface Failure {
  kind: string;
  message: string;
  uri?: string | null;
  range?: Range | null;
  testId?: string | null;
}

export interface WrittenFile {
  path: string;
  change: "created" | "modified" | "deleted";
  bytes: number;
}

/** One execution in a sandbox, as `fixwright.runFile` and its siblings return it. */
export interface RunReport {
  runId: string;
  status:
    | "passed"
    | "failed"
    | "timeout"
    | "memory"
    | "processes"
    | "output"
    | "disk"
    | "cancelled"
    | "engine"
    | "image"
    | "refused"
    | "error";
  reason?: string | null;
  exitCode?: number | null;
  signal?: string | null;
  durationMs: number;
  backend: string;
  failures: Failure[];
  warnings?: Failure[];
  tests?: { passed: number; failed: number; skipped: number } | null;
  files: WrittenFile[];
}

/** The outcome of `fixwright.fix`; `verified` only where `after` ran exactly this edit. */
export interface FixReport {
  status: "verified" | "unverified" | "none" | "stale" | "cancelled" | "refused" | "error";
  reason?: string | null;
  title: string;
  diff: string;
  applied: boolean;
  before?: RunReport | null;
  after?: RunReport | null;
}

/** The argument of `fixwright.fix`. */
export interface FixArgument {
  uri: string;
  range: Range;
  diagnostic?: Diagnostic;
  apply: boolean;
}

/** Tokens and money of a turn, all models together. */
export interface TurnUsage {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  costUsd: number | null;
}

/** A turn of the agent: `fixwright.agent` and what else asks it. */
export interface AgentReport {
  sessionId: string | null;
  status: "done" | "stale" | "cancelled" | "refused" | "limit" | "error";
  reason: string | null;
  text: string;
  claims: { text: string; standing: "shown" | "stale" | "failed" | "unproven" }[];
  diff: string;
  applied: boolean;
  /** What waits to be accepted or rejected. */
  proposalId: string | null;
  runs: RunReport[];
  usage: TurnUsage | null;
}

/** One moment of a turn. Newer servers may send types that are not here. */
export type AgentEvent = { sessionId: string } & (
  | { type: "text" | "thinking"; text: string }
  | { type: "restart"; model?: string }
  | { type: "wait"; seconds: number; reason: string }
  | { type: "toolCall"; call: string; name: string; sentence: string }
  | { type: "toolResult"; call: string; name: string; error: boolean; text: string }
  | { type: "permission"; action: string; decision: string; by: string }
  | { type: "diff"; diff: string }
  | ({ type: "usage" } & TurnUsage)
  | { type: "compacted"; saved: number }
  | { type: "end"; status: string; reason: string | null }
);

/** The argument of `fixwright.agent`. */
export interface AgentArgument {
  prompt: string;
  uri?: string;
  range?: Range;
  sessionId?: string;
  mode?: "edit" | "ask" | "plan";
  apply?: boolean;
}

/** What became of a proposal, or of a part of it; `left` counts the changes that still wait. */
export interface ReviewResult {
  applied: boolean;
  left: number;
  reason: string | null;
}

export interface UndoResult {
  applied: boolean;
  reason: string | null;
}

export interface SessionInfo {
  id: string;
  title: string;
  status: string;
  mode: string;
  /** Seconds since 1970, as `updated`. */
  created: number;
  updated: number;
  tokens: number;
  costUsd: number | null;
}

export interface SafetyReport {
  summary: string;
  findings: { risk: string; name: string; message: string; range: Range }[];
}

export interface DependencyReport {
  status: "planned" | "nothing" | "installed" | "failed" | "refused" | "cancelled";
  reason: string | null;
  installed: { name: string; version: string }[];
}

/** One moment of a run; `t` is in seconds since the run's start. */
export type RunEvent = { runId: string; t: number } & (
  | { type: "start"; data: { title: string; uri?: string | null } }
  | { type: "stdout" | "stderr"; data: string }
  | { type: "result"; data: Record<string, unknown> }
  | { type: "file"; data: WrittenFile }
  | { type: "end"; data: RunReport }
);

export interface ServerStatus {
  state: "idle" | "running" | "error";
  message: string;
  backend: string | null;
  jobs: number;
}

/**
 * An edit of several documents. `version` is the one that the edit was made for;
 * null says that the document was not open in the editor.
 */
export interface ApplyEditParams {
  label: string;
  documents: { uri: string; version: number | null; edits: TextEdit[] }[];
  create?: { uri: string; text: string }[] | null;
}

export interface ApplyEditResult {
  applied: boolean;
  reason?: string;
}

export const runEvent = new NotificationType<RunEvent>("fixwright/runEvent");
export const agentEvent = new NotificationType<AgentEvent>("fixwright/agentEvent");
export const serverStatus = new NotificationType<ServerStatus>("fixwright/status");
export const applyEdit = new RequestType<ApplyEditParams, ApplyEditResult, void>(
  "fixwright/applyEdit",
);
