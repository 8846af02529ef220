'use strict';
// Loads TypeScript and JSX, and the pieces of a selection: what the driver has transformed
// before the program began, and by the transformer what nobody could foresee.

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const url = require('node:url');
const vm = require('node:vm');
const { spawnSync } = require('node:child_process');

const TRANSFORMED = /\.(?:[cm]?ts|tsx|jsx)$/;
const ENDINGS = ['.ts', '.tsx', '.mts', '.cts', '.jsx', '.js', '.mjs', '.cjs', '.json'];
const WRITTEN_AS = { '.js': ['.ts', '.tsx', '.jsx'], '.mjs': ['.mts'], '.cjs': ['.cts'], '.jsx': ['.tsx'] };

// Returns a function that gives the place in the source for a place in what runs.
exports.install = function install(config) {
  const files = new Files(config);
  if (Module.registerHooks) {
    Module.registerHooks({
      resolve: (specifier, context, next) => resolve(config, specifier, context.parentURL, () => next(specifier, context)),
      load: (address, context, next) => load(files, address) ?? next(address, context),
    });
  } else {
    beforeHooks(config, files);
  }
  return (file, line, column) => files.place(file, line, column);
};

exports.Files = class Files {
  constructor(config) {
    this.config = config;
    this.maps = new Map();
  }

  // What runs in place of a file: `{ code, format }`; undefined for a file that runs as it is.
  of(file) {
    const known = this.config.files[file];
    if (known && (!known.stamp || known.stamp === stamp(file))) {
      if (known.broken) {
        const error = new SyntaxError(known.broken);
        error.stack = `${file}:${known.line}\n\n${error.stack}`;
        throw error;
      }
      const code = fs.readFileSync(known.code, 'utf8');
      return { code: file === this.config.shows ? showing(code) : code, format: known.format };
    }
    return TRANSFORMED.test(file) && !file.includes(`${path.sep}node_modules${path.sep}`) ? this.made(file) : undefined;
  }

  made(file) {
    const source = fs.readFileSync(file, 'utf8');
    const format = formatOf(file, source);
    const argv = [file, `--format=${format === 'module' ? 'esm' : 'cjs'}`, '--sourcemap=inline', '--color=false', `--target=${this.config.target}`, '--jsx=automatic'];
    const done = spawnSync(this.config.esbuild, argv, { maxBuffer: 1 << 26, encoding: 'utf8' });
    if (done.error) throw done.error;
    if (done.status !== 0) throw new SyntaxError(done.stderr.trim());
    this.maps.set(file, mapIn(done.stdout));
    return { code: done.stdout, format };
  }

  place(address, line, column) {
    const file = address.startsWith('file:') ? url.fileURLToPath(address) : address;
    const known = this.config.files[file];
    if (!this.maps.has(file)) {
      if (!known?.code) return undefined;
      this.maps.set(file, mapIn(fs.readFileSync(known.code, 'utf8')));
    }
    const map = this.maps.get(file);
    let place = { line, column };
    if (map) {
      const entry = map.findEntry(line - 1, column - 1);
      if (entry.originalLine === undefined) return undefined;
      place = { line: entry.originalLine + 1, column: entry.originalColumn + 1 };
    }
    const piece = known?.pieces?.findLast((one) => one.at <= place.line - 1);
    if (piece) place.line += piece.line - piece.at;
    return map || piece ? place : undefined;
  }
};

const { Files } = exports;

exports.resolve = resolve;
exports.load = load;

function load(files, address) {
  if (!address.startsWith('file:')) return undefined;
  const found = files.of(url.fileURLToPath(address));
  return found && { format: found.format, source: found.code, shortCircuit: true };
}

// As Node resolves it; and where that fails, for importers that are transformed, as TypeScript does.
function resolve(config, specifier, parent, next) {
  const from = parent?.startsWith('file:') ? url.fileURLToPath(parent) : undefined;
  if (!from || !TRANSFORMED.test(from)) return next();
  const found = (error) => {
    const file = lookUp(config, specifier, path.dirname(from));
    if (!file) throw error;
    return { url: url.pathToFileURL(file).href, shortCircuit: true };
  };
  try {
    const result = next();
    return typeof result.then === 'function' ? result.catch(found) : result;
  } catch (error) {
    return found(error);
  }
}

function lookUp(config, specifier, folder) {
  if (/^\.{0,2}\//.test(specifier) || specifier === '.' || specifier === '..') return onDisk(path.resolve(folder, specifier));
  for (const { prefix, suffix, targets } of config.paths) {
    if (!specifier.startsWith(prefix) || !specifier.endsWith(suffix)) continue;
    const star = specifier.slice(prefix.length, specifier.length - suffix.length);
    for (const target of targets) {
      const file = onDisk(target.replace('*', () => star));
      if (file) return file;
    }
  }
  return undefined;
}

function onDisk(base) {
  const ending = path.extname(base);
  const renamed = (WRITTEN_AS[ending] ?? []).map((other) => base.slice(0, -ending.length) + other);
  const candidates = [base, ...renamed, ...ENDINGS.map((one) => base + one), ...ENDINGS.map((one) => path.join(base, 'index' + one))];
  return candidates.find((file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile());
}

function mapIn(code) {
  const at = code.lastIndexOf('//# sourceMappingURL=data:application/json;base64,');
  if (at < 0) return undefined;
  const data = code.slice(code.indexOf('base64,', at) + 7).trim();
  return new Module.SourceMap(JSON.parse(Buffer.from(data, 'base64').toString()));
}

function formatOf(file, source) {
  if (/\.mts$/.test(file)) return 'module';
  if (/\.cts$/.test(file)) return 'commonjs';
  return /^\s*(?:import|export)\b(?!\s*\()/m.test(source) ? 'module' : 'commonjs';
}

function stamp(file) {
  const found = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
  return found && `${found.mtimeNs}:${found.size}`;
}

// ---- selections

// Shows the value of the last statement if it is an expression, as a REPL does. It is found by
// trying: the text behind the n-th line from below, alone and in parentheses. What is put before
// it stands at the end of the line above, so that no column moves.
function showing(code) {
  const end = code.indexOf('//# sourceMappingURL=');
  const text = (end < 0 ? code : code.slice(0, end)).trimEnd();
  const rest = code.slice(text.length);
  const lines = text.split('\n');
  for (let first = lines.length - 1; first >= Math.max(0, lines.length - 50); first--) {
    const last = lines.slice(first).join('\n').replace(/;\s*$/, '');
    const before = lines.slice(0, first).join('\n');
    if (/^\s*(?:$|\{|(?:async\s+)?function\b|class\b|import\b(?!\s*[.(])|export\b|\/\/)/.test(last)) continue;
    if (!compiles(`(\n${last}\n)`) || !compiles(before.replace(/^\s*(?:import|export)\b[^(]*?from.*$|^\s*import\s*['"].*$|^\s*export\s+(?:default\s+)?/gm, ''))) continue;
    const head = first === 0 ? '__fixwrightShow(' : `${before};__fixwrightShow(\n`;
    const made = `${head}${last}\n);`;
    if (first > 0 && !compiles(made.replace(/^\s*(?:import|export)\b.*$/gm, ''))) continue;
    return made + rest;
  }
  return code;
}

function compiles(text) {
  try {
    new vm.Script(`(async function () {${text}\n})`);
    return true;
  } catch {
    return false;
  }
}

// ---- Node before 22.15, which has no hooks that both `require` and `import` go through

function beforeHooks(config, files) {
  const usual = Module._extensions['.js'];
  const extension = (module, file) => {
    const found = files.of(file);
    if (!found) return usual(module, file);
    if (found.format !== 'module') return module._compile(found.code, file);
    if (module === process.mainModule || module.id === '.') {
      import(url.pathToFileURL(file)); // What it throws nobody catches, as with any program.
      return undefined;
    }
    return module._compile(found.code, file, 'module');
  };
  for (const ending of ['.ts', '.tsx', '.cts', '.mts', '.jsx', '.js', '.cjs']) Module._extensions[ending] = extension;
  const before = Module._resolveFilename;
  Module._resolveFilename = function (specifier, parent, ...rest) {
    const from = parent?.filename && url.pathToFileURL(parent.filename).href;
    const next = () => ({ url: before.call(this, specifier, parent, ...rest) });
    const found = resolve(config, specifier, from, next).url;
    return found.startsWith('file:') ? url.fileURLToPath(found) : found;
  };
  Module.register(url.pathToFileURL(path.join(__dirname, 'loader.mjs')), { data: config });
}
