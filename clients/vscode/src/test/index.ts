// What VS Code's extension host calls: `extensionTestsPath` names the bundled form of
// this file, and `run` decides the outcome.
import * as fs from "node:fs";
import * as path from "node:path";
import Mocha from "mocha";

export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: "bdd", color: false, timeout: 30_000, reporter: "spec" });
  for (const name of fs.readdirSync(__dirname).sort()) {
    if (name.endsWith(".test.js")) {
      mocha.addFile(path.join(__dirname, name));
    }
  }
  const failures = await new Promise<number>((done) => mocha.run(done));
  if (failures > 0) {
    throw new Error(`${failures} test(s) failed`);
  }
}
