'use strict';
// A reporter for Mocha: prints as its own does, and tells of each test besides.

const path = require('node:path');
const { describe, say } = require('./hook.cjs').telling();

const root = process.cwd();
const Mocha = require(require.resolve('mocha', { paths: [root] }));

module.exports = class Reporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const tell = (outcome) => (test, error) =>
      say({
        type: 'test',
        names: typeof test.titlePath === 'function' ? test.titlePath() : [test.title],
        suite: false,
        outcome,
        seconds: (test.duration ?? 0) / 1000,
        file: test.file && path.resolve(root, test.file),
        error: error && describe(error),
      });
    runner.on('pass', tell('passed'));
    runner.on('fail', tell('failed'));
    runner.on('pending', tell('skipped'));
  }
};
