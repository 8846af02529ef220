// The command line of the server: its variables, and the check before it is started.
import { execFile } from "node:child_process";

/** The oldest server whose protocol this extension speaks. */
export const MINIMUM_VERSION = "0.1.0";
const VERSION_TIMEOUT_MS = 15_000;

/** A server that cannot be used; the message is a sentence for the user. */
export class ServerUnusable extends Error {}

export interface Variables {
  workspaceFolder: string | undefined;
  userHome: string;
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * Replaces `${workspaceFolder}`, `${userHome}` and `${env:NAME}` in a command line.
 * @throws ServerUnusable when the command line is empty or a variable has no value.
 */
export function expand(command: readonly string[], variables: Variables): string[] {
  if (!command[0]) {
    throw new ServerUnusable(
      "The setting fixwright.server.command is empty, so there is no server to start.",
    );
  }
  return command.map((word) =>
    word.replace(/\$\{([^}]*)\}/g, (whole, name: string) => {
      const value = name.startsWith("env:")
        ? variables.env[name.slice("env:".length)]
        : { workspaceFolder: variables.workspaceFolder, userHome: variables.userHome }[name];
      if (value === undefined) {
        throw new ServerUnusable(`${whole} in the setting fixwright.server.command has no value.`);
      }
      return value;
    }),
  );
}

/** The words that ask for the version: those before `serve`, then `--version`. */
export function versionCommand(command: readonly string[]): string[] {
  const serve = command.indexOf("serve", 1);
  return [...(serve < 0 ? command : command.slice(0, serve)), "--version"];
}

/** Is dotted version `a` older than `b`? */
export function isOlder(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (left?.[i] ?? 0) - (right?.[i] ?? 0);
    if (difference !== 0) {
      return difference < 0;
    }
  }
  return false;
}

/**
 * Asks the server for its version, so that a wrong command line is found out before
 * a language client waits for it.
 * @throws ServerUnusable when it cannot be run, is no Fixwright, or is too old.
 */
export async function checkVersion(command: readonly string[], cwd: string): Promise<string> {
  const [program = "", ...args] = versionCommand(command);
  const asked = [program, ...args].join(" ");
  const output = await new Promise<string>((resolve, reject) => {
    execFile(program, args, { cwd, timeout: VERSION_TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout);
      } else {
        reject(new ServerUnusable(failure(program, asked, error, stderr)));
      }
    });
  });
  const version = /fixwright\D*(\d+\.\d+\.\d+)/i.exec(output)?.[1];
  if (version === undefined) {
    throw new ServerUnusable(
      `\`${asked}\` answered "${output.trim().slice(0, 100)}", which is not Fixwright's version. ` +
        "Does the setting fixwright.server.command name another program?",
    );
  }
  if (isOlder(version, MINIMUM_VERSION)) {
    throw new ServerUnusable(
      `The server is Fixwright ${version}; this extension needs ${MINIMUM_VERSION} or newer. ` +
        "Upgrade the server.",
    );
  }
  return version;
}

function failure(
  program: string,
  asked: string,
  error: Error & { code?: string | number | null | undefined; killed?: boolean | undefined },
  stderr: string,
): string {
  if (error.code === "ENOENT") {
    return (
      `The program "${program}" was not found. Install the server (see the README of Fixwright), ` +
      "or say in the setting fixwright.server.command where it is."
    );
  }
  if (error.killed) {
    return `\`${asked}\` gave no answer within ${VERSION_TIMEOUT_MS / 1000} seconds.`;
  }
  const detail = stderr.trim().split("\n").at(-1) || error.message;
  return `\`${asked}\` failed: ${detail}`;
}
