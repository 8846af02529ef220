// Bundles the extension, and with --tests the suites that run in the extension host.
import { build } from "esbuild";

const common = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  external: ["vscode", "mocha"],
  logLevel: "warning",
};

await build({
  ...common,
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  minify: true,
});
if (process.argv.includes("--tests")) {
  await build({
    ...common,
    entryPoints: ["src/test/index.ts", "src/test/*.test.ts"],
    outdir: "dist/test",
    sourcemap: "inline",
  });
}
