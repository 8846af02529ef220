// Reports as sentences. Pure: no editor in here.
import type { FixReport, RunReport } from "./protocol";

export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Why a run did not pass, in a word or two: `ZeroDivisionError`, `exit code 2`, `timeout`. */
export function cause(report: RunReport): string {
  const [first, ...others] = report.failures;
  if (first) {
    return others.length > 0 ? `${first.kind} and ${others.length} more` : first.kind;
  }
  if (report.status !== "failed") {
    return report.status;
  }
  if (report.signal) {
    return report.signal;
  }
  return typeof report.exitCode === "number" ? `exit code ${report.exitCode}` : "failed";
}

/** One line that ends a run's output. */
export function runSummary(report: RunReport): string {
  const parts: string[] = [];
  if (report.status === "passed") {
    parts.push(`✓ passed in ${duration(report.durationMs)}`);
  } else {
    const what = cause(report);
    const status = what === report.status ? what : `${report.status}: ${what}`;
    parts.push(`✗ ${status} after ${duration(report.durationMs)}`);
  }
  if (report.tests) {
    const { passed, failed, skipped } = report.tests;
    parts.push(`tests: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  }
  const warnings = report.warnings?.length ?? 0;
  if (warnings > 0) {
    parts.push(warnings === 1 ? "1 warning" : `${warnings} warnings`);
  }
  if (report.backend) {
    parts.push(report.backend);
  }
  // A failure that has a name was printed already; anything else needs its sentence.
  const explained = report.status === "failed" && report.failures.length > 0;
  return parts.join(" · ") + (report.reason && !explained ? `\n  ${report.reason}` : "");
}

const NOT_RUN: Partial<Record<RunReport["status"], string>> = {
  refused: "The run was refused.",
  engine: "The sandbox's engine is not there.",
  image: "The sandbox can't run this language yet.",
  error: "The run could not be made.",
};

/** Why a run did not take place at all; nothing where it did. */
export function notRun(report: RunReport): string | undefined {
  const what = NOT_RUN[report.status];
  return what && `${what} ${report.reason ?? ""}`.trim();
}

/** What was run before and after a fix, as far as it was. */
export function evidence(report: FixReport): string {
  const { before, after } = report;
  const parts: string[] = [];
  if (before) {
    parts.push(`before: ${before.status === "passed" ? "passed" : cause(before)}`);
  }
  if (after) {
    const result = after.status === "passed" ? "passed" : cause(after);
    parts.push(`after: ${result} in ${duration(after.durationMs)}`);
  }
  return parts.join("; ");
}

export interface Sentence {
  severity: "info" | "warning" | "error";
  text: string;
}

/** What the user is told when a fix has come to its end. */
export function fixSentence(report: FixReport, file: string): Sentence {
  const reason = report.reason ? ` ${report.reason}` : "";
  const ran = evidence(report);
  switch (report.status) {
    case "verified": {
      const proof = `verified: ran ${file}; ${ran}`;
      return report.applied
        ? { severity: "info", text: `${report.title} — ${proof}.` }
        : { severity: "warning", text: `${report.title} — ${proof}. It is not applied.${reason}` };
    }
    case "unverified": {
      const applied = report.applied ? "applied" : "not applied";
      const proof = ran ? ` (${ran})` : "";
      return {
        severity: "warning",
        text: `${report.title} — not verified${proof}, ${applied}.${reason}`,
      };
    }
    case "none":
      return { severity: "warning", text: `No fix found in ${file}.${reason}` };
    case "stale":
      return {
        severity: "warning",
        text: `The fix was dropped: the code changed meanwhile.${reason} Nothing was changed.`,
      };
    case "cancelled":
      return { severity: "info", text: "The fix was cancelled. Nothing was changed." };
    case "refused":
      return { severity: "error", text: `The fix was refused.${reason}` };
    case "error":
      return { severity: "error", text: `The fix failed.${reason}` };
  }
}
