// The hooks of `import` for Node before 22.15, which runs them in a thread of their own.

import { createRequire } from 'node:module';

const { Files, load: loadFile, resolve: resolveFile } = createRequire(import.meta.url)('./loading.cjs');

let config;
let files;

export function initialize(data) {
  config = data;
  files = new Files(data);
}

export function resolve(specifier, context, next) {
  return resolveFile(config, specifier, context.parentURL, () => next(specifier, context));
}

export function load(address, context, next) {
  const found = loadFile(files, address);
  if (found?.format === 'commonjs') return { format: 'commonjs', shortCircuit: true };
  return found ?? next(address, context);
}
