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
  status: "passed" | "failed" | "timeout" | "memory" | "cancelled" | "refused" | "error";
  reason?: string | null;
  exitCode?: number | null;
  signal?: string | null;
  durationMs: number;
  backend: string;
  failures: Failure[];
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

/** One moment of a run; `t` is in seconds since the run's start. */
export type RunEvent = { runId: string; t: number } & (
  | { type: "start"; data: { title: string; uri?: string | null } }
  | { type: "stdout" | "stderr"; data: string }
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
export const serverStatus = new NotificationType<ServerStatus>("fixwright/status");
export const applyEdit = new RequestType<ApplyEditParams, ApplyEditResult, void>(
  "fixwright/applyEdit",
);
