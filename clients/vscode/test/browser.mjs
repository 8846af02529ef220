// Helpers for tests in the page: a headless browser, and what a person does in VS Code.
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const TIMEOUT = 60_000;

/** Polls: the editor and the server answer in their own time. */
export async function until(what, check, ms = TIMEOUT) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`timed out waiting for ${what}`);
    await new Promise((r) => setTimeout(r, 50));
  }
}

/** The workbench at `url`, in a browser that talks to nothing else. */
export class Workbench {
  /** `modules` is a directory under which playwright-core is installed. */
  static async launch({ url, modules, shots }) {
    const { chromium } = createRequire(path.join(path.resolve(modules), "x.js"))("playwright-core");
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
    });
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const home = new URL(url).host;
    // Failing the extension gallery and the like at once is faster than waiting for them.
    await context.route(
      (to) => to.protocol.startsWith("http") && to.host !== home,
      (route) => route.abort(),
    );
    const page = await context.newPage();
    page.setDefaultTimeout(TIMEOUT);
    return new Workbench(browser, page, url, shots);
  }

  constructor(browser, page, url, shots) {
    Object.assign(this, { browser, page, url, shots });
  }

  close() {
    return this.browser.close();
  }

  /** A path as this workbench's page names it. */
  remote(file) {
    return `vscode-remote://${new URL(this.url).host}${file}`;
  }

  /** Opens a folder; `payload` pairs are VS Code's own start-up options. */
  async openFolder(folder, payload = []) {
    const url = new URL(this.url);
    url.searchParams.set("folder", folder);
    url.searchParams.set("payload", JSON.stringify([["skipWelcome", "true"], ...payload]));
    await this.page.goto(url.toString());
  }

  /** Opens the folder of a file with that file in the editor. */
  async openFile(file, line = 1, column = 1) {
    await this.openFolder(path.dirname(file), [
      ["openFile", this.remote(`${file}:${line}:${column}`)],
      ["gotoLineMode", "true"],
    ]);
    await this.page.locator(".editor-instance .view-lines .view-line").first().waitFor();
  }

  /** What the active editor shows (rendered lines only: keep test files short). */
  text() {
    const lines = ".editor-group-container.active .editor-instance .view-lines .view-line";
    return this.page.$$eval(lines, (found) =>
      found
        .map((line) => [parseInt(line.style.top, 10), line.textContent.replace(/\u00a0/g, " ")])
        .sort((a, b) => a[0] - b[0])
        .map(([, text]) => text)
        .join("\n"),
    );
  }

  /** The accessible text of a status bar entry; "" when it is not shown. */
  status(id) {
    return this.page.evaluate(
      (i) => document.getElementById(i)?.getAttribute("aria-label") ?? "",
      id,
    );
  }

  /** Gives the first editor group the keyboard; keys sent while a widget closes are lost. */
  async focus() {
    const editor = this.page.locator(
      ".editor-group-container.active .editor-instance .monaco-editor.focused",
    );
    await until("the editor to have the focus", async () => {
      const asking = await this.page.locator(".quick-input-widget").isVisible();
      if ((await editor.count()) && !asking) return true;
      await this.page.keyboard.press("Control+1");
      await this.page.waitForTimeout(100);
      return false;
    });
  }

  /** Presses a key until what it opens is there. */
  async press(key, locator) {
    await until(`${key} to open something`, async () => {
      await this.page.keyboard.press(key);
      return locator.waitFor({ timeout: 3000 }).then(
        () => true,
        () => false,
      );
    });
  }

  async goTo(line, column) {
    await this.focus();
    const input = this.page.locator(".quick-input-widget input").first();
    await this.press("Control+g", input);
    await input.fill(`:${line}:${column}`);
    await this.page.keyboard.press("Enter");
    await until("the cursor", async () =>
      (await this.status("status.editor.selection")).includes(`Ln ${line}, Col ${column}`),
    );
    await this.focus();
  }

  /** Opens the code actions at the cursor and takes the one that `matches`. */
  async codeAction(matches) {
    const rows = this.page.locator(".action-widget .monaco-list-row.action");
    await this.press("Control+.", rows.first());
    const titles = await rows.allTextContents();
    assert.ok(
      titles.some((title) => matches.test(title)),
      `none of ${JSON.stringify(titles)}`,
    );
    await this.shot("code-actions");
    // By keyboard: in some versions a transparent layer swallows clicks.
    const focused = this.page.locator(".action-widget .monaco-list-row.action.focused");
    await until("the action to be focused", async () => {
      if (matches.test((await focused.textContent()) ?? "")) return true;
      await this.page.keyboard.press("ArrowDown");
      return false;
    });
    await this.page.keyboard.press("Enter");
  }

  /** Runs a command by its full label in the palette. */
  async command(label) {
    const input = this.page.locator(".quick-input-widget input").first();
    await this.press("F1", input);
    await input.fill(`>${label}`);
    await this.page
      .locator(".quick-input-list .monaco-list-row.focused", { hasText: label })
      .waitFor();
    await this.page.keyboard.press("Enter");
  }

  /** A notification with this text, as a toast or in the notification centre. */
  notification(text) {
    return this.page.locator(".notification-list-item", { hasText: text }).first();
  }

  async shot(name) {
    if (this.shots) {
      fs.mkdirSync(this.shots, { recursive: true });
      // Notifications slide in and fade out: take the picture when all have come to rest.
      await this.page.evaluate(() =>
        Promise.allSettled(
          document
            .getAnimations()
            .filter((each) => each.effect?.getComputedTiming().iterations !== Infinity)
            .map((each) => each.finished),
        ),
      );
      await this.page.screenshot({ path: path.join(this.shots, `${name}.png`) });
    }
  }
}
