// Which settings go to the server: those that the user set, and only the server's.

interface Tree {
  [key: string]: unknown;
}

/** Settings of this extension, which the server does not know. */
const CLIENT_ONLY = ["server", "trace", "run.revealOutput"];

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Leaves out `null` and, with it, sections that would be empty. */
function withoutUnset(tree: Tree, prefix: string): Tree {
  const kept: Tree = {};
  for (const [key, value] of Object.entries(tree)) {
    const path = prefix + key;
    if (value === null || value === undefined || CLIENT_ONLY.includes(path)) {
      continue;
    }
    if (!isTree(value)) {
      kept[key] = value;
      continue;
    }
    const section = withoutUnset(value, `${path}.`);
    if (Object.keys(section).length > 0) {
      kept[key] = section;
    }
  }
  return kept;
}

/**
 * The section `fixwright` as the server wants it. A setting that is `null` was not
 * set in the editor: it is left out, so that `fixwright.toml` and the environment decide.
 */
export function serverSettings(section: unknown): Tree {
  return isTree(section) ? withoutUnset(section, "") : {};
}

/** What the editor says of a section, layer by layer (`WorkspaceConfiguration.inspect`). */
export interface Inspected {
  globalValue?: unknown;
}

/**
 * The section that may be believed. A workspace without trust has no say at all, not even
 * in settings that this extension does not know and the editor therefore lets through.
 */
export function believed(merged: unknown, inspected: Inspected | undefined, trusted: boolean) {
  return trusted ? merged : inspected?.globalValue;
}
