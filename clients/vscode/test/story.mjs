// The main job as a person does it: open a broken file, run it, see the failure on its
// line, apply the fix, see the text change and the diagnostic go.
//   node story.mjs --url URL --modules DIR --folder FOLDER [--shots DIR]
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { until, Workbench } from "./browser.mjs";

const { values: opt } = parseArgs({
  options: {
    url: { type: "string" },
    modules: { type: "string" },
    folder: { type: "string" },
    shots: { type: "string" },
  },
});
const BROKEN = "def mean(values):\n    return sum(values) / len(value)\n\nprint(mean([1, 2, 3]))\n";
const FIXED = BROKEN.replace("len(value)", "len(values)");
const file = path.join(opt.folder, "mean.py");
fs.writeFileSync(file, BROKEN);
// What the model says, turn by turn, in the file that the user's settings name.
const edits = [{ old: "print(mean([1, 2, 3]))", new: "print(mean([2, 4]))" }];
const turns = [
  { tools: [{ name: "edit", input: { path: "mean.py", edits } }] },
  { text: "Two numbers will do." },
];
const script = path.join(path.dirname(opt.folder), "script.json");
fs.writeFileSync(script, JSON.stringify({ protocol: "anthropic", turns }));

const workbench = await Workbench.launch(opt);
const { page } = workbench;
const ok = (name) => console.log(`ok - ${name}`);
const problems = () => workbench.status("status.problems");
const item = () => workbench.status("fixwright.fixwright.status");

async function run() {
  await workbench.openFile(file, 1, 1);
  await until("the server", async () => /ready/.test(await item()));
  ok("the server runs, the status bar says so");

  await workbench.focus();
  await page.keyboard.press("Control+Alt+r");
  await page.locator(".monaco-editor .squiggly-error").first().waitFor();
  await until("one problem", async () => (await problems()) === "Errors: 1");
  await until("the output", async () => {
    const panel = await page.locator(".part.panel .view-lines").allTextContents();
    return (
      /NameError/.test(panel.join("\n")) &&
      /✗ failed: NameError/.test(panel.join(" ").replace(/\u00a0/g, " "))
    );
  });
  assert.ok(await page.locator(".monaco-editor.focused").count(), "the editor kept the focus");
  ok("run: the output streams, the diagnostic is there");

  await workbench.goTo(2, 32);
  await workbench.shot("1-failure");
  // A rule's fix that the server has verified already is offered under its own title.
  await workbench.codeAction(/^(Fix this error|Change 'value' to 'values' \(verified\))/);
  await until("the fix", async () => (await workbench.text()).includes("len(values)"));
  await until("no problem", async () => (await problems()) === "No Problems");
  const told = workbench.notification("verified");
  await told.waitFor();
  assert.match(await told.textContent(), /before: NameError; after: passed in/);
  await workbench.notification("fixing mean.py").waitFor({ state: "hidden" });
  await workbench.shot("2-fixed");
  ok("fix: the text changed, the diagnostic went, the evidence is told");

  await workbench.focus();
  await page.keyboard.press("Control+z");
  await until("the undo", async () => /len\(value\)/.test(await workbench.text()));
  await page.keyboard.press("Control+Shift+z");
  await until("the redo", async () => (await workbench.text()).includes("len(values)"));
  await page.keyboard.press("Control+s");
  await until("the file on disk", () => fs.readFileSync(file, "utf8") !== BROKEN);
  assert.equal(fs.readFileSync(file, "utf8"), FIXED);
  ok("the fix is one undo step, and the saved file is exactly the fixed one");

  await page.locator('[id="fixwright.fixwright.status"] a').click();
  await page.locator(".quick-input-list .monaco-list-row", { hasText: "Restart Server" }).waitFor();
  await workbench.shot("3-menu");
  await page.keyboard.press("Escape");
  ok("the status bar item opens the menu");

  // The agent proposes; its change is shown, accepted, and taken back.
  await workbench.focus();
  await page.keyboard.press("Control+Alt+a");
  const input = page.locator(".quick-input-widget input").first();
  await input.waitFor();
  await input.fill("Use two numbers.");
  await page.keyboard.press("Enter");
  const proposal = workbench.notification("Two numbers will do. It would change 1 file, +1 −1.");
  await proposal.waitFor();
  await workbench.shot("4-agent");
  await proposal.getByRole("button", { name: "Show Changes" }).click();
  await until("the diff", async () => (await workbench.text()).includes("+print(mean([2, 4]))"));
  await workbench.notification("It would change").waitFor();
  assert.equal(fs.readFileSync(file, "utf8"), FIXED);
  await workbench.notification("It would change").getByRole("button", { name: "Accept" }).click();
  await page.keyboard.press("Control+w");
  await until("the change", async () => (await workbench.text()).includes("mean([2, 4])"));
  ok("agent: its change is shown, and made when it was accepted");

  // A server that is not there is explained, with the way out; then all is well again.
  const settings = path.join(opt.folder, ".vscode", "settings.json");
  fs.mkdirSync(path.dirname(settings), { recursive: true });
  fs.writeFileSync(
    settings,
    JSON.stringify({ "fixwright.server.command": ["/no/such/fixwright", "serve"] }),
  );
  const missing = workbench.notification('The program "/no/such/fixwright" was not found.');
  await missing.waitFor();
  const buttons = await missing.locator(".monaco-button").allTextContents();
  assert.deepEqual(buttons.filter(Boolean), ["Show Log", "Open Settings"]);
  await until("the stopped state", async () => /not found/.test(await item()));
  await workbench.shot("5-missing-server");
  fs.writeFileSync(settings, "{}");
  await until("the server again", async () => /ready/.test(await item()));
  ok("a missing server is explained, and a corrected setting starts it");
}

try {
  await run();
} catch (error) {
  await workbench.shot("failed");
  throw error;
} finally {
  await workbench.close();
}
