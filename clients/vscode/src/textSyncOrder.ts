// Keeps what the editor says of a document in its order on the way to the server.
import type { Middleware } from "vscode-languageclient/node";

/**
 * The language client hands a change on some steps later than it hands on a close or an
 * answer to a request, so these could overtake a change that came first. Here they wait,
 * and only when there is something to wait for: nothing else may overtake them in turn.
 */
export class TextSyncOrder {
  private readonly changes = new Set<Promise<void>>();
  private readonly closes = new Set<Promise<void>>();

  readonly middleware: Pick<Middleware, "didOpen" | "didChange" | "didClose"> = {
    didOpen: (document, next) =>
      this.closes.size === 0
        ? next(document)
        : Promise.allSettled(this.closes).then(() => next(document)),
    didChange: (event, next) => remember(this.changes, next(event)),
    didClose: (document, next) =>
      remember(
        this.closes,
        this.changes.size === 0
          ? next(document)
          : Promise.allSettled(this.changes).then(() => next(document)),
      ),
  };

  /** Waits until every change of which the client knows is sent. */
  async changesSent(): Promise<void> {
    await Promise.allSettled(this.changes);
  }
}

function remember(set: Set<Promise<void>>, sending: Promise<void>): Promise<void> {
  const sent = sending.finally(() => set.delete(sent));
  set.add(sent);
  return sent;
}
