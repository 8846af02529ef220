// Runs the mocha suites in a real extension host; the exit status is their verdict.
//   node host.mjs --url URL --modules DIR --folder FOLDER --extension DIR
import path from "node:path";
import { parseArgs } from "node:util";
import { Workbench } from "./browser.mjs";

const LIMIT_MS = 240_000;
const { values: opt } = parseArgs({
  options: {
    url: { type: "string" },
    modules: { type: "string" },
    folder: { type: "string" },
    extension: { type: "string" },
  },
});

const workbench = await Workbench.launch(opt);
const log = []; // the workbench's own, of interest only after a failure
let finish;
const exit = new Promise((resolve) => (finish = resolve));
// The workbench calls these two where they exist: the runner's output, and its exit code.
await workbench.page.exposeFunction("codeAutomationLog", (type, args) => {
  let [format = "", ...rest] = args;
  if (typeof format === "string" && /%[sdjo]/.test(format)) {
    format = format.replace(/%[sdjo]/g, () => rest.shift() ?? "");
    console.log([format, ...rest].join(" "));
  } else {
    log.push(`${type}: ${args.join(" ")}`);
  }
});
await workbench.page.exposeFunction("codeAutomationExit", (code) => finish(code));
const extension = path.resolve(opt.extension);
await workbench.openFolder(opt.folder, [
  ["extensionDevelopmentPath", workbench.remote(extension)],
  ["extensionTestsPath", workbench.remote(path.join(extension, "dist/test/index.js"))],
]);
const late = setTimeout(() => finish("no answer from the extension host"), LIMIT_MS);
const code = await exit;
clearTimeout(late);
if (code !== 0) console.error(log.join("\n"));
console.log(`extension host exit: ${code}`);
await workbench.close();
process.exitCode = code === 0 ? 0 : 1;
