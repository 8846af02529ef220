// What the agent reports, as sentences and pages. Pure: no editor in here.
import type {
  AgentReport,
  DependencyReport,
  SafetyReport,
  SessionInfo,
  TurnUsage,
} from "./protocol";
import { type Sentence, runSummary } from "./reports";

const LONGEST = 200;
const MARKS = { shown: "✓", stale: "~", failed: "✗", unproven: "?" } as const;

/** The first line of a text, for a place that has room for one. */
export function firstLine(text: string, most = LONGEST): string {
  const line = text.trim().split("\n")[0] ?? "";
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

export function usageText(usage: TurnUsage): string {
  const cached = usage.cacheReadTokens ? ` (${usage.cacheReadTokens} cached)` : "";
  const cost = usage.costUsd === null ? "" : `, $${usage.costUsd.toFixed(4)}`;
  return `${usage.inputTokens} tokens read${cached}, ${usage.outputTokens} written${cost}`;
}

/** How many lines a unified diff adds and takes, in how many files. */
export function diffText(diff: string): string {
  let [files, added, removed, inHunk] = [0, 0, 0, false];
  for (const line of diff.split("\n")) {
    if (line.startsWith("diff --git ")) {
      files++;
      inHunk = false; // the file's names come next: --- and +++
    } else if (line.startsWith("@@")) {
      inHunk = true;
    } else if (inHunk) {
      added += line.startsWith("+") ? 1 : 0;
      removed += line.startsWith("-") ? 1 : 0;
    }
  }
  return `${files === 1 ? "1 file" : `${files} files`}, +${added} −${removed}`;
}

/** What the user is told when a turn has come to its end. */
export function agentSentence(report: AgentReport): Sentence {
  const said = firstLine(report.text);
  const reason = report.reason ? ` ${report.reason}` : "";
  switch (report.status) {
    case "done": {
      const shown = report.claims.filter(({ standing }) => standing === "shown").length;
      const claims = report.claims.length
        ? ` ${shown} of ${report.claims.length} claims shown by a run of exactly this text.`
        : "";
      const changes = changesText(report, claims);
      return { severity: "info", text: `${said || "The agent is done."}${changes}` };
    }
    case "limit":
      return { severity: "warning", text: `The agent stopped at a limit.${reason}` };
    case "stale":
      return {
        severity: "warning",
        text: `The agent's changes do not fit any more.${reason} Nothing was changed.`,
      };
    case "cancelled":
      return { severity: "info", text: reason.trim() || "The agent was stopped." };
    case "refused":
      return { severity: "error", text: reason.trim() || "The agent refused." };
    case "error":
      return { severity: "error", text: `The agent failed.${reason}` };
  }
}

function changesText(report: AgentReport, claims: string): string {
  if (report.applied) {
    return ` Applied.${claims}`;
  }
  return report.diff ? ` It would change ${diffText(report.diff)}.${claims}` : claims;
}

/** The lines that end a turn in the agent's output. */
export function agentSummary(report: AgentReport): string[] {
  const done = report.status === "done";
  const lines = [done ? "■ done" : `■ ${report.status}: ${report.reason ?? ""}`.trim()];
  lines.push(...report.claims.map(({ standing, text }) => `  ${MARKS[standing]} ${text}`));
  lines.push(...report.runs.map((run) => `  ▶ ${runSummary(run)}`));
  if (report.diff) {
    lines.push(`  ± ${diffText(report.diff)}`);
  }
  if (report.usage) {
    lines.push(`  ${usageText(report.usage)}`);
  }
  return lines;
}

/** A session as a page of Markdown. */
export function sessionPage(session: SessionInfo, transcript: string): string {
  const moment = (seconds: number) => new Date(seconds * 1000).toLocaleString();
  const cost = session.costUsd === null ? "" : ` ($${session.costUsd.toFixed(4)})`;
  const facts = [
    `# ${session.title || "Session without a title"}`,
    "",
    `- ${session.status}, mode ${session.mode}`,
    `- begun ${moment(session.created)}, last used ${moment(session.updated)}`,
    `- ${session.tokens} tokens${cost}`,
    `- \`${session.id}\``,
  ];
  const seen = transcript
    ? ["", "## In this window", "", "````text", transcript.trimEnd(), "````"]
    : [];
  return [...facts, ...seen, ""].join("\n");
}

export function safetySentence({ summary, findings }: SafetyReport): Sentence {
  return { severity: findings.length > 0 ? "warning" : "info", text: summary };
}

export function installSentence(report: DependencyReport): Sentence {
  const reason = report.reason ? ` ${report.reason}` : "";
  const names = report.installed.map(({ name, version }) => `${name} ${version}`).join(", ");
  switch (report.status) {
    case "installed":
      return { severity: "info", text: `Installed${names ? `: ${names}` : ""}.${reason}` };
    case "nothing":
      return { severity: "info", text: "The project asks for no packages." };
    case "cancelled":
    case "planned":
      return { severity: "info", text: reason.trim() || "No package was installed." };
    case "refused":
      return { severity: "warning", text: `No package was installed.${reason}` };
    case "failed":
      return { severity: "error", text: `The packages could not be installed.${reason}` };
  }
}
