// The language client's life: start, stop and restart, one at a time.
import { randomUUID } from "node:crypto";
import { homedir } from "node:os";
import * as vscode from "vscode";
import {
  DidChangeConfigurationNotification,
  ExecuteCommandRequest,
  LanguageClient,
  RevealOutputChannelOn,
  State,
  WorkDoneProgress,
  type ExecuteCommandParams,
  type LanguageClientOptions,
  type Middleware,
  type StaticFeature,
} from "vscode-languageclient/node";
import { applyEdit } from "./applyEdit";
import * as protocol from "./protocol";
import { checkVersion, expand, ServerUnusable } from "./serverCommand";
import { believed, serverSettings } from "./settings";
import type { Health } from "./statusItem";
import { TextSyncOrder } from "./textSyncOrder";

export interface ServerEvents {
  health(health: Health): void;
  runEvent(event: protocol.RunEvent): void;
  agentEvent(event: protocol.AgentEvent): void;
  /** A command of the server's that the user chose: a code action, a lens, a keybinding. */
  command(command: string, args: unknown[]): Promise<unknown>;
}

/** Announces that this client knows Fixwright's own messages, and reviews proposals itself. */
const announcement: StaticFeature = {
  fillClientCapabilities(capabilities) {
    const others = capabilities.experimental as Record<string, unknown> | undefined;
    capabilities.experimental = { ...others, fixwright: 1, fixwrightReviews: true };
  },
  initialize: () => undefined,
  getState: () => ({ kind: "static" }),
  clear: () => undefined,
};

function ownSettings(scope?: vscode.Uri): object {
  const all = vscode.workspace.getConfiguration(undefined, scope);
  const { isTrusted } = vscode.workspace;
  return serverSettings(believed(all.get("fixwright"), all.inspect("fixwright"), isTrusted));
}

/** There is no running server to ask. */
export class NotRunning extends Error {
  constructor() {
    super("Fixwright's server is not running.");
  }
}

export class Server implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private busy: Promise<void> = Promise.resolve();
  private queued: Promise<void> | undefined;
  private readonly inOrder = new TextSyncOrder();

  constructor(
    private readonly log: vscode.LogOutputChannel,
    private readonly events: ServerEvents,
  ) {}

  get isRunning(): boolean {
    return this.client?.state === State.Running;
  }

  /** The running client, for its converters. @throws NotRunning */
  get running(): LanguageClient {
    if (this.client?.state !== State.Running) {
      throw new NotRunning();
    }
    return this.client;
  }

  /**
   * Stops the server if it runs and starts it with the settings of now. While one
   * restart is under way at most one more waits, whoever asks for it.
   */
  restart(): Promise<void> {
    this.queued ??= this.busy.then(async () => {
      this.queued = undefined;
      this.busy = this.stopNow().then(() => this.startNow());
      await this.busy;
    });
    return this.queued;
  }

  async stop(): Promise<void> {
    await this.busy;
    await this.stopNow();
  }

  dispose(): void {
    void this.stop();
  }

  /**
   * Runs one of the server's commands and returns its report; `report` hears what it is at.
   * @throws NotRunning, or the server's ResponseError.
   */
  async execute<T>(
    command: string,
    argument: object,
    token?: vscode.CancellationToken,
    report?: (message: string) => void,
  ): Promise<T> {
    const client = this.running;
    const params: ExecuteCommandParams = { command, arguments: [argument] };
    if (!report) {
      return (await client.sendRequest(ExecuteCommandRequest.type, params, token)) as T;
    }
    const workDoneToken = randomUUID();
    const listening = client.onProgress(WorkDoneProgress.type, workDoneToken, (value) => {
      if (value.kind !== "end" && value.message) {
        report(value.message);
      }
    });
    try {
      const asked = { ...params, workDoneToken };
      return (await client.sendRequest(ExecuteCommandRequest.type, asked, token)) as T;
    } finally {
      listening.dispose();
    }
  }

  /** Sends the settings of now. */
  async settingsChanged(): Promise<void> {
    if (!this.isRunning) {
      return;
    }
    const client = this.running;
    const settings = { fixwright: ownSettings() };
    try {
      await client.sendNotification(DidChangeConfigurationNotification.type, { settings });
    } catch (error) {
      if (this.client === client) {
        throw error;
      } // else it is being stopped: the next one starts with the settings of then
    }
  }

  /** Answers `fixwright/applyEdit` when the server has been sent the changes that it made. */
  async applyEdit(params: protocol.ApplyEditParams): Promise<protocol.ApplyEditResult> {
    const result = await applyEdit(params);
    await this.inOrder.changesSent();
    return result;
  }

  private async stopNow(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client === undefined) {
      return;
    }
    try {
      await client.dispose();
    } catch (error) {
      this.log.warn(`The server did not stop in order: ${String(error)}`);
    }
  }

  /** Never throws: what goes wrong is shown with the way out. */
  private async startNow(): Promise<void> {
    this.events.health({ state: "starting" });
    try {
      const [program = "", ...args] = this.commandLine();
      // Not the workspace: programs and modules found there are not trusted.
      const cwd = homedir();
      const version = await checkVersion([program, ...args], cwd);
      this.log.info(`Starting Fixwright ${version}: ${[program, ...args].join(" ")}`);
      const client = new LanguageClient(
        "fixwright",
        "Fixwright",
        { command: program, args, options: { cwd } },
        this.options(),
      );
      this.connect(client);
      this.client = client;
      await client.start();
    } catch (error) {
      this.client = undefined;
      this.explain(error);
    }
  }

  private commandLine(): string[] {
    const settings = vscode.workspace.getConfiguration("fixwright");
    return expand(settings.get<string[]>("server.command", []), {
      workspaceFolder: vscode.workspace.workspaceFolders?.[0]?.uri.fsPath,
      userHome: homedir(),
      env: process.env,
    });
  }

  private options(): LanguageClientOptions {
    return {
      // The server knows which languages it can do something for.
      documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
      initializationOptions: () => ownSettings(),
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      middleware: this.middleware(),
      progressOnInitialization: false,
    };
  }

  private middleware(): Middleware {
    return {
      ...this.inOrder.middleware,
      executeCommand: (command, args) => this.events.command(command, args),
      workspace: {
        configuration: async (params, token, next) => {
          const answers: unknown = await next(params, token);
          return (Array.isArray(answers) ? answers : []).map((answer: unknown, i) => {
            const item = params.items[i];
            const scope = item?.scopeUri ? vscode.Uri.parse(item.scopeUri) : undefined;
            return item?.section === "fixwright" ? ownSettings(scope) : answer;
          });
        },
        // `settingsChanged` sends it, also to a server that did not register for it.
        didChangeConfiguration: () => Promise.resolve(),
      },
    };
  }

  private connect(client: LanguageClient): void {
    client.registerFeature(announcement);
    client.onNotification(protocol.runEvent, (event) => this.events.runEvent(event));
    client.onNotification(protocol.agentEvent, (event) => this.events.agentEvent(event));
    client.onNotification(protocol.serverStatus, (status) => this.events.health(status));
    client.onRequest(protocol.applyEdit, (params) => this.applyEdit(params));
    client.onDidChangeState(({ newState }) => {
      if (this.client !== client) {
        return; // stopped on purpose: the next state is another client's
      }
      if (newState === State.Running) {
        this.events.health({ state: "idle", message: "", backend: null, jobs: 0 });
      } else if (newState === State.Stopped || newState === State.StartFailed) {
        this.events.health({ state: "stopped", message: "the server is not running" });
      }
    });
  }

  private explain(error: unknown): void {
    const detail = error instanceof Error ? error.message : String(error);
    const text = error instanceof ServerUnusable ? detail : `The server did not start: ${detail}`;
    this.log.error(text);
    this.events.health({ state: "stopped", message: text });
    const showLog = "Show Log";
    const openSettings = "Open Settings";
    // Not awaited: a restart is over when it is over, not when the message is read.
    void vscode.window
      .showErrorMessage(`Fixwright: ${text}`, showLog, openSettings)
      .then(async (choice) => {
        if (choice === showLog) {
          this.log.show();
        } else if (choice === openSettings) {
          await vscode.commands.executeCommand(
            "workbench.action.openSettings",
            "fixwright.server.command",
          );
        }
      });
  }
}
