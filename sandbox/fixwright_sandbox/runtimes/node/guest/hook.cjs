'use strict';
// Loaded before the program (`node --require`). Tells what nobody caught, and where `process.exit`
// was called, in lines of JSON; loads TypeScript. What the program sees of Node stays as it is:
// handlers, exit codes and stderr are Node's own.

const fs = require('node:fs');
const path = require('node:path');
const url = require('node:url');
const util = require('node:util');
const { isMainThread, threadId } = require('node:worker_threads');

const KEPT_FRAMES = 100;
const LONGEST = 16000;
const DEEPEST = 16;
const MOST_MEMBERS = 32;
const MOST_NAMES = 500;

module.exports = function start(config) {
  const say = recorder(config.records);
  const mapped = mapping(config);
  const traces = keepTraces(mapped);
  watchUncaught(say, traces, mapped);
  watchExit(say, traces);
  if (config.shows) surround(config.shows);
  telling = { say, describe: (error) => describe(error, traces, new Set(), DEEPEST) };
};

// For reporters of tests, which run in the same process.
module.exports.telling = () => telling;

let telling;

// Gives the place in the source for a place in what runs, where the two can differ.
function mapping(config) {
  const loaded = config.loads ? require('./loading.cjs').install(config) : undefined;
  if (!config.cells) return loaded;
  const cells = require('./cells.cjs');
  return (file, line, column) => cells.place(file, line, column) ?? loaded?.(file, line, column);
}

function recorder(file) {
  const { openSync, writeSync, closeSync } = fs;
  const { stringify } = JSON;
  const who = { pid: process.pid, thread: isMainThread ? 0 : threadId };
  return (record) => {
    try {
      const handle = openSync(file, 'a');
      writeSync(handle, stringify({ ...who, ...record }) + '\n');
      closeSync(handle);
    } catch {
      // No descriptor or no room is left: stderr still tells.
    }
  };
}

// ---- stack traces

// V8 keeps 10 frames unless told otherwise; the innermost of the tree may lie deeper, below a
// library's. So more are kept, and as many as before are shown.
function keepTraces(mapped) {
  const shown = Error.stackTraceLimit;
  const before = Error.prepareStackTrace;
  const kept = new WeakMap();
  Error.stackTraceLimit = KEPT_FRAMES;
  const prepare = (error, sites) => {
    const all = withoutRunner(sites).filter((site) => !isOurs(site));
    try {
      kept.set(error, all);
    } catch {
      // Not an object: captureStackTrace makes no such calls, a program may.
    }
    const few = Error.stackTraceLimit === KEPT_FRAMES ? all.slice(0, shown) : all;
    const text = before ? before(error, few) : written(error, few);
    return mapped ? inSource(text, few, mapped) : text;
  };
  Object.defineProperty(Error, 'prepareStackTrace', {
    value: prepare, writable: true, configurable: true, enumerable: false,
  });
  return {
    of(error) {
      void error.stack; // Makes V8 prepare it, unless the program has read it already.
      return kept.get(error)?.map((site) => frame(site, mapped));
    },
    here(below) {
      const holder = {};
      Error.captureStackTrace(holder, below);
      return this.of(holder) ?? [];
    },
  };
}

const OURS = new Set(['hook.cjs', 'loading.cjs', 'session.cjs'].map((name) => path.join(__dirname, name)));
const RUNS_CELLS = path.join(__dirname, 'session.cjs');

function isOurs(site) {
  return OURS.has(site.getFileName());
}

// What runs a cell is none of the program's: the inspector, and what called that.
function withoutRunner(sites) {
  const runner = sites.findIndex((site) => site.getFileName() === RUNS_CELLS);
  if (runner < 0) return sites;
  const inspector = sites.findLastIndex((site, at) => at < runner && site.getFileName() === 'node:inspector');
  return sites.slice(0, inspector < 0 ? runner : inspector);
}

function written(error, sites) {
  let head;
  try {
    head = Error.prototype.toString.call(error);
    const symbols = Object.getOwnPropertySymbols(error).map(String);
    if (symbols.includes('Symbol(kIsNodeError)')) head = `${error.name} [${error.code}]: ${error.message}`;
  } catch {
    head = '<error>';
  }
  return sites.length ? `${head}\n    at ${sites.join('\n    at ')}` : head;
}

function inSource(text, sites, mapped) {
  for (const site of sites) {
    const file = fileOf(site);
    const place = file && mapped(file, site.getLineNumber(), site.getColumnNumber());
    if (place) {
      const made = `${file}:${site.getLineNumber()}:${site.getColumnNumber()}`;
      text = text.replace(made, () => `${place.file ?? file}:${place.line}:${place.column}`);
    }
  }
  return text;
}

function frame(site, mapped) {
  const text = String(site);
  const file = fileOf(site);
  const line = site.getLineNumber();
  const column = site.getColumnNumber();
  const place = (file && mapped?.(file, line, column)) || { line, column };
  const open = text.lastIndexOf(' (');
  const name = open > 0 && text.endsWith(')') ? text.slice(0, open) : '';
  return { file: plain(place.file ?? file), line: place.line, column: place.column, name: name.slice(0, 500) };
}

function fileOf(site) {
  return site.getFileName() || site.getScriptNameOrSourceURL() || '';
}

function plain(file) {
  try {
    return file.startsWith('file:') ? url.fileURLToPath(file) : file;
  } catch {
    return file;
  }
}

// ---- what nobody caught

function watchUncaught(say, traces, mapped) {
  process.on('uncaughtExceptionMonitor', (error, origin) => {
    const handled =
      process.listenerCount('uncaughtException') > 0 ||
      process.hasUncaughtExceptionCaptureCallback();
    const told = describe(error, traces, new Set(), DEEPEST);
    say({ type: 'uncaught', origin, handled, error: told });
    if (mapped && !handled) showSource(error, told);
  });
}

// For a file that was transformed, Node can't show the line that failed: its own is another one.
function showSource(error, told) {
  const first = told.frames?.find((one) => path.isAbsolute(one.file));
  if (!first || first !== told.frames[0]) return;
  try {
    const line = fs.readFileSync(first.file, 'utf8').split(/\r\n|\n|\r/)[first.line - 1];
    if (line === undefined || error.stack.startsWith(first.file)) return;
    const lead = line.slice(0, first.column - 1).replace(/[^\t]/g, ' ');
    error.stack = `${first.file}:${first.line}\n${line}\n${lead}^\n\n${error.stack}`;
  } catch {
    // The file is gone, or the error frozen: Node shows the rest.
  }
}

function describe(value, traces, seen, depth) {
  if (!util.types.isNativeError(value) && !(value instanceof Error)) {
    return { kind: null, message: shown(value) };
  }
  seen.add(value);
  const told = {
    kind: kind(value),
    message: text(() => value.message),
    stack: text(() => value.stack),
    facts: facts(value),
  };
  told.frames = attempt(() => traces.of(value));
  if (!depth) return told;
  const cause = attempt(() => value.cause);
  if (cause !== undefined && cause !== null && !seen.has(cause)) {
    told.cause = describe(cause, traces, seen, depth - 1);
  }
  const members = attempt(() => value.errors);
  if (Array.isArray(members)) {
    told.errors = members
      .slice(0, MOST_MEMBERS)
      .filter((member) => !seen.has(member))
      .map((member) => describe(member, traces, seen, depth - 1));
  }
  return told;
}

// The class says more than the name where a subclass has not set one; `DOMException` says less.
function kind(error) {
  const name = text(() => error.name) || 'Error';
  const made = text(() => error.constructor.name);
  const inherited = name === 'Error' || (name !== made && Object.hasOwn(globalThis, name));
  return inherited && made && made !== 'Object' && made !== 'NodeError' ? made : name;
}

function facts(error) {
  const found = {};
  for (const key of ['code', 'errno', 'syscall', 'path', 'dest', 'address', 'port', 'operator', 'generatedMessage']) {
    const value = attempt(() => error[key]);
    if (['string', 'number', 'boolean'].includes(typeof value)) {
      found[key] = typeof value === 'string' ? value.slice(0, 1000) : value;
    }
  }
  if (attempt(() => error.code) === 'ERR_ASSERTION' || kind(error) === 'AssertionError') {
    for (const key of ['expected', 'actual']) {
      if (attempt(() => Object.hasOwn(error, key))) found[key] = shown(attempt(() => error[key]));
    }
  }
  const message = text(() => error.message);
  const candidates = attempt(() => known(error, message));
  if (candidates?.length) found.known = candidates.slice(0, MOST_NAMES);
  return found;
}

// Names that may have been meant, as far as they can be told without calling the program's code.
function known(error, message) {
  if (error instanceof ReferenceError) return Object.getOwnPropertyNames(globalThis);
  const called = /^(?:\(intermediate value\)|([A-Za-z_$][\w$]*))\.[\w$.]*?([\w$]+) is not a (?:function|constructor)$/.exec(message);
  if (called?.[1]) {
    const owner = Object.getOwnPropertyDescriptor(globalThis, called[1])?.value;
    if (owner !== undefined && owner !== null) return namesOf(owner);
  }
  if (called) return [Array, String, Map, Set, Promise, Number, Date, RegExp, Object].flatMap((of) => Object.getOwnPropertyNames(of.prototype));
  if (/^Cannot find (?:module|package) '[\w@]/.test(message)) return require('node:module').builtinModules;
  const asked = /^The requested module '((?:node:)?[\w/]+)' does not provide/.exec(message);
  if (asked && require('node:module').isBuiltin(asked[1])) return namesOf(require(asked[1]));
  return undefined;
}

function namesOf(value) {
  const names = new Set();
  for (let at = value, n = 0; at && n < 8 && at !== Object.prototype; n++) {
    if (util.types.isProxy(at)) break;
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
    at = Object.getPrototypeOf(at);
  }
  return [...names];
}

function shown(value) {
  const options = { customInspect: false, depth: 3, maxStringLength: 2000, showProxy: true };
  return text(() => util.inspect(value, options)) || `<${typeof value}>`;
}

function text(get) {
  const value = attempt(get);
  return typeof value === 'string' ? value.slice(0, LONGEST) : '';
}

function attempt(get) {
  try {
    return get();
  } catch {
    return undefined;
  }
}

// ---- the program's own end

function watchExit(say, traces) {
  const { exit } = process;
  process.exit = function (code) {
    const status = code ?? process.exitCode ?? 0;
    if (Number(status) !== 0) say({ type: 'exit', code: Number(status), frames: attempt(() => traces.here(process.exit)) });
    return exit.call(this, code);
  };
  Object.defineProperty(process.exit, 'name', { value: 'exit' });
}

// What pieces of a file find around them, be they a module's or not.
function surround(file) {
  const { log } = console;
  const given = {
    __fixwrightShow: (value) => value === undefined || log(typeof value === 'string' ? util.inspect(value) : value),
    require: require('node:module').createRequire(file),
    __filename: file,
    __dirname: path.dirname(file),
  };
  for (const [name, value] of Object.entries(given)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}
