/**
 * Requests to promote or roll back that were sent from this page and are not carried out yet. They are in memory only:
 * the record is the server's.
 */
import { createStore, type Store } from "../app/store";
import type { Models } from "./queries";

export interface Pending {
  line: string;
  request_id: string;
  /** What was requested, in words. */
  what: string;
  /** Milliseconds of this computer's clock. */
  since: number;
}

export type Outcome = { state: "pending" } | { state: "done" } | { state: "refused"; because: string };

export const pending: Store<readonly Pending[]> = createStore<readonly Pending[]>([]);

export function remember(request: Pending): void {
  pending.set([...pending.get().filter((each) => each.line !== request.line), request]);
}

export function forget(line: string): void {
  pending.set(pending.get().filter((each) => each.line !== line));
}

/** Returns what became of a request, as far as the list of promotions shows it. */
export function outcomeOf(request: Pending, models: Models): Outcome {
  if (models.promotions.some((each) => each.request_id === request.request_id)) return { state: "done" };
  if (models.refused?.request_id === request.request_id)
    return { state: "refused", because: models.refused.because };
  return { state: "pending" };
}
