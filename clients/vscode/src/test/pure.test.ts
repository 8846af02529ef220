import * as assert from "node:assert/strict";
import {
  agentSentence,
  agentSummary,
  diffText,
  installSentence,
  sessionPage,
} from "../agentReports";
import type { AgentReport, FixReport, RunReport } from "../protocol";
import { fixSentence, notRun, runSummary } from "../reports";
import { checkVersion, expand, isOlder, ServerUnusable, versionCommand } from "../serverCommand";
import { believed, serverSettings } from "../settings";

const passed: RunReport = {
  runId: "1",
  status: "passed",
  exitCode: 0,
  durationMs: 35.2,
  backend: "docker",
  failures: [],
  files: [],
};
const failed: RunReport = {
  ...passed,
  status: "failed",
  exitCode: 1,
  failures: [{ kind: "ZeroDivisionError", message: "division by zero" }],
};
const fixed: FixReport = {
  status: "verified",
  title: "Guard against zero",
  diff: "",
  applied: true,
  before: failed,
  after: passed,
};

describe("settings for the server", () => {
  it("leaves out what is not set, and what is the extension's own", () => {
    const section = {
      server: { command: ["fixwright"] },
      trace: { server: "verbose" },
      run: { revealOutput: "never" },
      model: { provider: "none", name: null },
      sandbox: { memory: null },
    };
    assert.deepEqual(serverSettings(section), { model: { provider: "none" } });
    assert.deepEqual(serverSettings(undefined), {});
  });

  it("believes nothing that an untrusted workspace says", () => {
    const merged = { sandbox: { image: "evil", memory: "64m" } };
    const inspected = { globalValue: { sandbox: { memory: "64m" } }, workspaceValue: merged };
    assert.deepEqual(believed(merged, inspected, true), merged);
    assert.deepEqual(believed(merged, inspected, false), { sandbox: { memory: "64m" } });
    assert.equal(believed(merged, undefined, false), undefined);
  });
});

describe("the server's command line", () => {
  const variables = { workspaceFolder: "/w", userHome: "/h", env: { TOOLS: "/t" } };

  it("replaces variables", () => {
    const command = ["${userHome}/bin/fixwright", "${env:TOOLS}", "${workspaceFolder}"];
    assert.deepEqual(expand(command, variables), ["/h/bin/fixwright", "/t", "/w"]);
  });

  it("says what is wrong with it", () => {
    assert.throws(() => expand([], variables), ServerUnusable);
    assert.throws(() => expand(["${env:NONE}"], variables), /\$\{env:NONE\} in the setting/);
    const folderless = { ...variables, workspaceFolder: undefined };
    assert.throws(() => expand(["${workspaceFolder}"], folderless), ServerUnusable);
  });

  it("asks for the version in place of serving", () => {
    assert.deepEqual(versionCommand(["fixwright", "serve"]), ["fixwright", "--version"]);
    assert.deepEqual(versionCommand(["py", "-m", "fixwright", "serve", "--x"]), [
      "py",
      "-m",
      "fixwright",
      "--version",
    ]);
  });

  it("compares versions by their numbers", () => {
    assert.ok(isOlder("0.9.0", "0.10.0"));
    assert.ok(!isOlder("1.0.0", "0.10.0"));
    assert.ok(!isOlder("0.1.0", "0.1.0"));
  });

  it("refuses an older server", async () => {
    const old = ["/bin/sh", "-c", "echo fixwright, version 0.0.9", "serve"];
    await assert.rejects(checkVersion(old, "/"), /is Fixwright 0\.0\.9; this extension needs/);
  });

  it("shows the last line of a server's complaint", async () => {
    const broken = ["/bin/sh", "-c", "echo first >&2; echo No module named fixwright >&2; exit 1"];
    await assert.rejects(checkVersion(broken, "/"), /failed: No module named fixwright$/);
  });
});

const answered: AgentReport = {
  sessionId: "s1",
  status: "done",
  reason: null,
  text: "It added one too much.\nNow it does not.",
  claims: [
    { text: "The test passes.", standing: "shown" },
    { text: "It is faster.", standing: "unproven" },
  ],
  diff: [
    "diff --git a/mean.py b/mean.py",
    "--- a/mean.py",
    "+++ b/mean.py",
    "@@ -1,2 +1,2 @@",
    " def mean(numbers):",
    "--- a comment of Lua",
    "+++ b",
    "+more",
    "diff --git a/new.py b/new.py",
    "new file mode 100644",
    "",
  ].join("\n"),
  applied: false,
  proposalId: "proposal-1",
  runs: [passed],
  usage: { inputTokens: 20, outputTokens: 5, cacheReadTokens: 10, costUsd: 0.01 },
};

describe("the agent's reports", () => {
  it("say what it would change, and what was shown", () => {
    assert.equal(diffText(answered.diff), "2 files, +2 −1");
    assert.deepEqual(agentSentence(answered), {
      severity: "info",
      text:
        "It added one too much. It would change 2 files, +2 −1. " +
        "1 of 2 claims shown by a run of exactly this text.",
    });
    assert.match(agentSentence({ ...answered, applied: true }).text, /much\. Applied\. 1 of 2/);
  });

  it("say why it did not come to its end", () => {
    const bad = { ...answered, status: "limit", reason: "The budget is spent." } as const;
    assert.deepEqual(agentSentence(bad), {
      severity: "warning",
      text: "The agent stopped at a limit. The budget is spent.",
    });
    for (const status of ["stale", "cancelled", "refused", "error"] as const) {
      assert.match(agentSentence({ ...bad, status }).text, /The budget is spent\./, status);
    }
  });

  it("end a turn in the output", () => {
    assert.deepEqual(agentSummary(answered), [
      "■ done",
      "  ✓ The test passes.",
      "  ? It is faster.",
      "  ▶ ✓ passed in 35 ms · docker",
      "  ± 2 files, +2 −1",
      "  20 tokens read (10 cached), 5 written, $0.0100",
    ]);
  });

  it("show a session with what was seen of it", () => {
    const times = { created: 0, updated: 1, tokens: 7, costUsd: null };
    const session = { id: "s1", title: "Repair mean", status: "done", mode: "propose", ...times };
    const page = sessionPage(session, "→ read mean.py\n");
    assert.match(page, /^# Repair mean\n\n- done, mode propose\n/);
    assert.match(
      page,
      /- 7 tokens\n- `s1`\n\n## In this window\n\n````text\n→ read mean\.py\n````/,
    );
    assert.doesNotMatch(sessionPage(session, ""), /In this window/);
  });

  it("tell of packages", () => {
    const installed = [{ name: "six", version: "1.17.0" }];
    const report = { status: "installed", reason: null, installed } as const;
    assert.equal(installSentence({ ...report, installed }).text, "Installed: six 1.17.0.");
    const failed = { ...report, status: "failed", reason: "No network.", installed: [] } as const;
    assert.equal(
      installSentence({ ...failed, installed: [] }).text,
      "The packages could not be installed. No network.",
    );
  });
});

describe("sentences", () => {
  it("say why a run did not take place", () => {
    assert.equal(notRun(failed), undefined);
    const engine: RunReport = { ...passed, status: "engine", reason: "Docker does not answer." };
    assert.equal(notRun(engine), "The sandbox's engine is not there. Docker does not answer.");
    const image: RunReport = { ...engine, status: "image", reason: "Build fixwright/go." };
    assert.equal(notRun(image), "The sandbox can't run this language yet. Build fixwright/go.");
  });

  it("count warnings", () => {
    const warning = { kind: "unused", message: "x is never used" };
    assert.equal(
      runSummary({ ...passed, warnings: [warning, warning] }),
      "✓ passed in 35 ms · 2 warnings · docker",
    );
  });

  it("end a run in one line", () => {
    assert.equal(runSummary(passed), "✓ passed in 35 ms · docker");
    assert.equal(runSummary(failed), "✗ failed: ZeroDivisionError after 35 ms · docker");
    assert.equal(runSummary({ ...failed, reason: "Exit code 1." }), runSummary(failed));
    const timeout: RunReport = {
      ...passed,
      status: "timeout",
      reason: "It took too long.",
      durationMs: 61234,
    };
    assert.equal(runSummary(timeout), "✗ timeout after 61.2 s · docker\n  It took too long.");
    const killed: RunReport = { ...passed, status: "failed", exitCode: null, signal: "SIGSEGV" };
    assert.equal(runSummary(killed), "✗ failed: SIGSEGV after 35 ms · docker");
    const tests: RunReport = { ...failed, tests: { passed: 2, failed: 1, skipped: 0 } };
    assert.match(runSummary(tests), /tests: 2 passed, 1 failed, 0 skipped/);
  });

  it("give a fix's evidence", () => {
    assert.deepEqual(fixSentence(fixed, "a.py"), {
      severity: "info",
      text:
        "Guard against zero — verified: ran a.py; " +
        "before: ZeroDivisionError; after: passed in 35 ms.",
    });
  });

  it("never call a fix verified that is not", () => {
    const others = ["unverified", "none", "stale", "cancelled", "refused", "error"] as const;
    for (const status of others) {
      const { text } = fixSentence({ ...fixed, status, applied: false }, "a.py");
      assert.doesNotMatch(text, /— verified/, status);
    }
    const { text } = fixSentence({ ...fixed, applied: false, reason: "It is read-only." }, "a.py");
    assert.match(text, /It is not applied\. It is read-only\.$/);
  });
});
