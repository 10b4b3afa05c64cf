/** What was typed about cases and not sent: in memory only, so that a look at another screen loses nothing. */
import { forgetOnSignOut } from "../app/forget";
import type { Verdict } from "./shapes";

export interface Draft {
  verdict: Verdict | null;
  grounds: readonly string[];
  note: string;
  secondLook: boolean;
}

export const EMPTY: Draft = { verdict: null, grounds: [], note: "", secondLook: false };

const drafts = new Map<string, Draft>();

export const readDraft = (id: string): Draft => drafts.get(id) ?? EMPTY;

export function keepDraft(id: string, draft: Draft): void {
  if (draft === EMPTY) drafts.delete(id);
  else drafts.set(id, draft);
}

forgetOnSignOut(() => drafts.clear());
