'use strict';
// The cells of a session: where what runs as `fixwright-cell:N` stands in its file now.

const fs = require('node:fs');
const Module = require('node:module');

const cells = new Map();

// A cell: `name`, `file`, the zero-based `line` where its text begins, the text's `lines`, and
// the source map, where what runs is not the text itself.
exports.add = function add(cell) {
  cells.set(cell.name, { ...cell, map: cell.map && new Module.SourceMap(JSON.parse(cell.map)) });
};

// The place in the file for a place in what runs; undefined for what is no cell's.
exports.place = function place(name, line, column) {
  const cell = cells.get(name);
  if (!cell) return undefined;
  let found = { line, column };
  if (cell.map) {
    const entry = cell.map.findEntry(line - 1, column - 1);
    if (entry.originalLine !== undefined) found = { line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  }
  const shift = cell.moves ? shiftOf(cell) : 0;
  if (shift === undefined) return { file: cell.gone, ...found };
  return { file: cell.file, line: found.line + shift, column: found.column };
};

// How many lines further down a cell's text stands now; undefined where it does no longer.
function shiftOf({ file, line, lines }) {
  let now;
  try {
    now = fs.readFileSync(file, 'utf8').split(/\r\n|\n|\r/);
  } catch {
    return 0;
  }
  let best;
  for (let at = 0; at + lines.length <= now.length; at++) {
    if (!lines.every((text, n) => now[at + n] === text)) continue;
    if (best === undefined || Math.abs(at - line) < Math.abs(best)) best = at - line;
  }
  return best;
}
