// StyLua as a command, from its WebAssembly package.
//
//   node stylua.mjs [--check] FILE...
//
// Reads .stylua.toml of the working directory. --check changes nothing, lists the files
// that differ and exits with 1 if there are any.
import fs from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

const stylua = createRequire(import.meta.url)("@johnnymorganz/stylua");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { check: { type: "boolean" } },
});

/** The flat `key = value` lines of .stylua.toml: numbers stay numbers, strings lose their quotes. */
function readSettings(file) {
  const settings = {};
  for (const line of fs.readFileSync(file, "utf8").split("\n")) {
    const match = /^(\w+)\s*=\s*(?:"(\w+)"|(\d+))\s*(?:#.*)?$/.exec(line);
    if (match) settings[match[1]] = match[2] ?? Number(match[3]);
    else if (line.trim() && !line.startsWith("#")) throw new Error(`${file}: cannot read: ${line}`);
  }
  return settings;
}

const choices = { indent_type: "IndentType", quote_style: "QuoteStyle", syntax: "LuaVersion" };

function config() {
  const result = stylua.Config.new();
  for (const [key, value] of Object.entries(readSettings(".stylua.toml"))) {
    const known = key in choices ? stylua[choices[key]][value] : value;
    if (known === undefined || !(key in result)) throw new Error(`.stylua.toml: unknown ${key} = ${value}`);
    result[key] = known;
  }
  return result;
}

let different = 0;
for (const file of positionals) {
  const before = fs.readFileSync(file, "utf8");
  const after = stylua.formatCode(before, config(), undefined, stylua.OutputVerification.Full);
  if (after === before) continue;
  different += 1;
  console.log(file);
  if (!values.check) fs.writeFileSync(file, after);
}
process.exitCode = values.check && different ? 1 : 0;
