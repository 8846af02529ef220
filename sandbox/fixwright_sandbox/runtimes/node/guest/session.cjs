'use strict';
// Executes the cells of a session, one after the other, as V8's own console does (`replMode`):
// what is declared stays and may be declared anew, `await` stands anywhere, and the last value is
// told. The driver talks to it over one descriptor, and over another to its second thread, which
// ends code that does not let go; their numbers are the arguments.

const fs = require('node:fs');
const inspector = require('node:inspector');
const Module = require('node:module');
const net = require('node:net');
const path = require('node:path');
const url = require('node:url');
const util = require('node:util');
const vm = require('node:vm');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

const LONGEST = 100_000;
const INTERRUPTED = 130;
const PATIENCE = 250; // milliseconds for code to hear of an interrupt before it is ended

// ---- the second thread

function watch(over, handle) {
  // Not read at once and waiting: the process could not end then.
  new net.Socket({ fd: handle }).on('data', (data) => {
    const cell = data.readUInt32LE(data.length - 4);
    const ended = (wait) => {
      const last = Atomics.load(over, 0);
      return last >= cell || Atomics.wait(over, 0, last, wait) !== 'timed-out';
    };
    if (ended(PATIENCE)) return;
    // Connected no longer than for this: the process would wait for it at its end.
    const session = new inspector.Session();
    session.connectToMainThread();
    // What comes to an idle thread ends the next thing that it does. So it is told again.
    do {
      session.post('Runtime.terminateExecution', () => undefined);
      if (ended(PATIENCE)) break;
      parentPort.postMessage('interrupt');
    } while (!ended(PATIENCE));
    session.disconnect();
  });
}

// ---- cells

function keep() {
  const { describe } = require('./hook.cjs').telling();
  const cells = require('./cells.cjs');
  const [linked, interrupts] = process.argv.splice(1).slice(1).map(Number);
  const over = new Int32Array(new SharedArrayBuffer(4));
  const interrupter = new Worker(__filename, { workerData: { over: over.buffer, handle: interrupts }, execArgv: [], env: {} });
  const interpreter = new Interpreter();
  const link = new net.Socket({ fd: linked });
  const say = (message) => link.write(JSON.stringify(message) + '\n');
  let stop;

  const interrupt = () => stop?.({ interrupted: true });
  interrupter.on('message', interrupt);
  interrupter.unref();
  process.on('SIGINT', interrupt);
  process.on('uncaughtException', (error) => {
    if (stop) stop({ failed: true, value: error });
    else complain(error);
  });

  async function execute(order) {
    const stopped = new Promise((resolve) => (stop = resolve));
    let end;
    try {
      openInput(order.stdin);
      cells.add(order);
      surround(order.base);
      end = await Promise.race([interpreter.perform(order, stopped), stopped]);
      // What was rejected and nobody caught is known at the end of the turn.
      if (!end.failed && !end.interrupted) end = await Promise.race([stopped, new Promise((resolve) => setImmediate(resolve, end))]);
      if (!end.failed && !end.interrupted && end.value !== undefined) {
        say({ result: { 'text/plain': shown(end.value) } });
        define('_', end.value);
      }
    } catch (error) {
      end = { failed: true, value: error };
    }
    stop = undefined;
    interpreter.settle();
    if (end.failed && !end.syntax) complain(end.value);
    if (end.interrupted) process.stderr.write('Interrupted\n');
    await Promise.all([process.stdout, process.stderr].map(flushed));
    Atomics.store(over, 0, order.number);
    Atomics.notify(over, 0);
    const error = end.failed ? describe(end.value) : undefined;
    say({ done: end.interrupted ? INTERRUPTED : end.failed ? 1 : 0, error, place: end.syntax, importing: end.importing });
  }

  let begun = '';
  link.setEncoding('utf8');
  link.on('data', (data) => {
    const lines = (begun + data).split('\n');
    begun = lines.pop();
    for (const line of lines) execute(JSON.parse(line));
  });
  link.on('close', () => process.exit());
}

class Interpreter {
  constructor() {
    this.begin();
  }

  begin() {
    this.waiting = 0;
    this.session = new inspector.Session();
    this.session.connect();
    define('__fixwrightHold', (value) => (this.held = value));
    this.session.post('Runtime.evaluate', { expression: '__fixwrightHold' }, (_, reply) => (this.hold = reply.result.objectId));
    delete globalThis.__fixwrightHold;
  }

  // Forget what has not ended and was given up: V8 answers, in the midst of collecting garbage,
  // that its promise was collected, and Node can not bear that.
  settle() {
    if (!this.waiting) return;
    this.session.disconnect();
    this.begin();
  }

  // Import what the cell imports, then run it: `{ value }`, `{ failed, value }`; with `syntax`,
  // the place of what can't be parsed, with `importing`, which import could not be done.
  async perform({ code, name, imports, typed }, stopped) {
    let over = false;
    stopped.then(() => (over = true));
    for (const [importing, wanted] of imports.entries()) {
      try {
        await this.bind(wanted, typed);
      } catch (error) {
        return { failed: true, value: error, importing };
      }
      if (over) return {};
    }
    return this.evaluate(`${code}\n//# sourceURL=${name}`);
  }

  async bind({ specifier, options, bindings }, typed) {
    const found = await globalThis.$mport(specifier, options ?? undefined);
    for (const [name] of bindings) {
      // What a module of TypeScript does not export may be a type.
      if (!typed && name !== '*' && !(name in found)) {
        throw new SyntaxError(`The requested module '${specifier}' does not provide an export named '${name}'`);
      }
    }
    define('__fixwrightImported', found);
    const values = bindings.map(([name, local]) => `${local} = __fixwrightImported${name === '*' ? '' : `[${JSON.stringify(name)}]`}`);
    const done = values.length ? await this.evaluate(`let ${values.join(', ')};`) : {};
    delete globalThis.__fixwrightImported;
    if (done.failed) throw done.value;
  }

  async evaluate(expression) {
    this.waiting++;
    const { session } = this;
    const [error, reply] = await new Promise((resolve) => {
      session.post('Runtime.evaluate', { expression, replMode: true, objectGroup: 'cell' }, (...answer) => resolve(answer));
    });
    if (session !== this.session) return { interrupted: true };
    this.waiting--;
    if (error) return { interrupted: true }; // nothing but an end from outside is answered so
    const { result, exceptionDetails: details } = reply;
    const value = this.value(details ? details.exception : result);
    this.session.post('Runtime.releaseObjectGroup', { objectGroup: 'cell' }, () => undefined);
    if (!details) return { value };
    const parsed = !(value instanceof SyntaxError) || String(value.stack).includes('fixwright-cell:') || String(value.stack).includes('<cell ');
    const syntax = parsed || details.url ? undefined : { line: details.lineNumber, column: details.columnNumber };
    return { failed: true, value, syntax };
  }

  // The value that a remote object stands for.
  value({ objectId, unserializableValue, value }) {
    const argument = objectId ? { objectId } : unserializableValue ? { unserializableValue } : { value };
    const call = { objectId: this.hold, functionDeclaration: 'function (value) { this(value); }', arguments: [argument] };
    this.session.post('Runtime.callFunctionOn', call, () => undefined);
    const { held } = this;
    this.held = undefined;
    return held;
  }
}

// ---- what a cell finds

function define(name, value) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

const { emitWarning } = process;
process.emitWarning = function (warning, ...rest) {
  if (!String(warning).startsWith('vm.USE_MAIN_CONTEXT_DEFAULT_LOADER')) emitWarning.call(this, warning, ...rest);
};

let surrounded;

// `$mport` stands for `import` of modules: V8's console has none of its own.
function surround(file) {
  if (file === surrounded) return;
  surrounded = file;
  const importModuleDynamically = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  if (!importModuleDynamically) throw new Error(`A session needs Node.js 20.12 or newer; this is ${process.version}.`);
  const code = '(specifier, options) => import(specifier, options)';
  const load = new vm.Script(code, { filename: file, importModuleDynamically }).runInThisContext();
  const require = Module.createRequire(file);
  load.meta = {
    url: url.pathToFileURL(file).href,
    filename: file,
    dirname: path.dirname(file),
    resolve: (specifier) => (Module.isBuiltin(specifier) ? specifier : url.pathToFileURL(require.resolve(specifier)).href),
  };
  const given = { $mport: load, require, __filename: file, __dirname: path.dirname(file), display };
  for (const [name, value] of Object.entries(given)) define(name, value);
}

function display(...values) {
  for (const value of values) console.log(value);
}

let input;

// Makes descriptor 0 another one: the lowest that is free is what opening gives.
function openInput(file) {
  input?.destroy();
  input = undefined;
  try {
    fs.closeSync(0);
  } catch {
    // The program has closed it itself.
  }
  fs.openSync(file, 'r');
  Object.defineProperty(process, 'stdin', { configurable: true, enumerable: true, get: () => (input ??= reader()) });
}

function reader() {
  if (fs.fstatSync(0).isFIFO()) return new net.Socket({ fd: 0, readable: true, writable: false });
  return fs.createReadStream('', { fd: 0, autoClose: false });
}

// ---- what people read

function shown(value) {
  const text = util.inspect(value, { depth: 4, maxStringLength: LONGEST, maxArrayLength: 1000 });
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function complain(error) {
  let told;
  try {
    told = util.inspect(error);
  } catch {
    told = '<an error that can not be shown>';
  }
  process.stderr.write(`Uncaught ${told}\n`);
}

function flushed(stream) {
  return stream.writable ? new Promise((resolve) => stream.write('', resolve)) : undefined;
}

if (isMainThread) keep();
else watch(new Int32Array(workerData.over), workerData.handle);
