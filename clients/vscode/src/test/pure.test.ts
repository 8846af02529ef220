import * as assert from "node:assert/strict";
import type { FixReport, RunReport } from "../protocol";
import { fixSentence, runSummary } from "../reports";
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

describe("sentences", () => {
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
