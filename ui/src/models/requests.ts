/**
 * Requests to promote or roll back that were sent from this page and are not carried out yet. They are in memory only:
 * the record is the server's.
 */
import { createStore, type Store } from "../app/store";
import { texts } from "../texts";
import type { Models } from "./queries";

export interface Pending {
  line: string;
  request_id: string;
  /** What was requested, in words. */
  what: string;
}

export type Outcome =
  | { state: "pending" }
  | { state: "done" }
  | { state: "unchanged" }
  | { state: "expired" }
  | { state: "refused"; because: string };

export const pending: Store<readonly Pending[]> = createStore<readonly Pending[]>([]);

export function remember(request: Pending): void {
  pending.set([...pending.get().filter((each) => each.line !== request.line), request]);
}

export function forget(line: string): void {
  pending.set(pending.get().filter((each) => each.line !== line));
}

/** Returns what became of a request, as far as the answer shows it. */
export function outcomeOf(request: Pending, models: Models): Outcome {
  const found = models.requests.find((each) => each.request_id === request.request_id);
  switch (found?.state) {
    case "carried_out":
      return { state: "done" };
    case "unchanged":
      return { state: "unchanged" };
    case "expired":
      return { state: "expired" };
    case "refused":
      return { state: "refused", because: found.because ?? "" };
    default:
      return { state: "pending" };
  }
}

/** Returns the request that this page waits for, or the newest one that somebody else waits for. */
export function waitingFor(models: Models, sent: readonly Pending[]): Pending | null {
  const own = sent.find((each) => each.line === models.line);
  if (own) return own;
  const asked = models.requests.find((each) => each.state === "asked");
  return asked ? { line: models.line, request_id: asked.request_id, what: wordsOf(asked) } : null;
}

function wordsOf({ action, version, role }: Models["requests"][number]): string {
  const words = texts.models.request;
  return action === "promote" ? words.whatPromote(version, texts.models[role]) : words.whatRollback;
}
