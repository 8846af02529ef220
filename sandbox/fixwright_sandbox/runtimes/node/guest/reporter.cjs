'use strict';
// A reporter for node:test, in the process of the tests: it has the errors themselves.

const { describe, say } = require('./hook.cjs').telling();

module.exports = async function* report(events) {
  const names = [];
  for await (const { type, data } of events) {
    if (type === 'test:start') {
      names.length = data.nesting;
      names[data.nesting] = data.name;
    }
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const path = [...names.slice(0, data.nesting), data.name];
    const error = data.details?.error;
    const cause = error?.code === 'ERR_TEST_FAILURE' && error.cause !== undefined ? error.cause : error;
    say({
      type: 'test',
      names: path,
      suite: data.details?.type === 'suite',
      outcome: type === 'test:pass' ? (data.skip !== undefined || data.todo !== undefined ? 'skipped' : 'passed') : 'failed',
      todo: data.todo !== undefined,
      seconds: (data.details?.duration_ms ?? 0) / 1000,
      file: data.file,
      line: data.line,
      column: data.column,
      failure: error?.failureType,
      error: error === undefined || type === 'test:pass' ? undefined : describe(cause),
    });
  }
  yield '';
};
