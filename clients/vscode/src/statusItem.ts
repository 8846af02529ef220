// The one status bar item: what the server is doing, and the way to its menu.
import * as vscode from "vscode";
import type { ServerStatus } from "./protocol";

export type Health = { state: "starting" } | { state: "stopped"; message: string } | ServerStatus;

export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    "status",
    vscode.StatusBarAlignment.Left,
    10,
  );

  constructor() {
    this.item.name = "Fixwright";
    this.item.command = "fixwright.ui.menu";
    this.update({ state: "starting" });
    this.item.show();
  }

  update(health: Health): void {
    const { icon, text } = label(health);
    this.item.text = `${icon} Fixwright`;
    this.item.tooltip = `Fixwright: ${text}`;
    this.item.accessibilityInformation = { label: `Fixwright: ${text}` };
    this.item.backgroundColor =
      health.state === "error" || health.state === "stopped"
        ? new vscode.ThemeColor("statusBarItem.warningBackground")
        : undefined;
  }

  dispose(): void {
    this.item.dispose();
  }
}

function label(health: Health): { icon: string; text: string } {
  switch (health.state) {
    case "starting":
      return { icon: "$(loading~spin)", text: "the server is starting" };
    case "stopped":
      return { icon: "$(circle-slash)", text: health.message };
    case "error":
      return { icon: "$(warning)", text: health.message };
    case "running": {
      const jobs = health.jobs > 1 ? ` (${health.jobs} jobs)` : "";
      return { icon: "$(loading~spin)", text: (health.message || "running") + jobs };
    }
    case "idle": {
      const backend = health.backend ? `, sandbox: ${health.backend}` : "";
      return { icon: "$(beaker)", text: (health.message || "ready") + backend };
    }
  }
}
