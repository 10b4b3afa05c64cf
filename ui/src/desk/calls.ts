/** The requests of the desk, each with its name. */
import { api, body, type Schemas, send } from "../api/client";
import { purposeHeader } from "../api/header";
import type { Case, State } from "./shapes";

const at = (case_id: string) => ({ path: { case_id }, header: purposeHeader() });

export interface QueueFilters {
  line: string;
  state: State | "";
  holder: "me" | "";
  q: string;
  due_before: string;
}

/** Leaves out what is empty, for a query. */
function filled<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], "" | null> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value)) as {
    [K in keyof T]?: Exclude<T[K], "" | null>;
  };
}

export function listQueue(filters: QueueFilters, cursor: string | null, signal: AbortSignal) {
  const query = filled({ ...filters, cursor });
  return body(api.GET("/app/queue", { params: { query, header: purposeHeader() }, signal }));
}

export function takeNext() {
  return body(api.POST("/app/queue/next", { params: { header: purposeHeader() }, body: {} }));
}

export function readCase(id: string, signal?: AbortSignal): Promise<Case> {
  return body(api.GET("/app/cases/{case_id}", { params: at(id), ...(signal && { signal }) }));
}

/** A decision as it is sent; a repetition of it is the very same. */
export type DecisionRequest = Schemas["DecisionRequest"];

export function decide(id: string, version: number, key: string, decision: DecisionRequest) {
  const header = { ...purposeHeader(), "if-match": `"v${version}"`, "idempotency-key": key };
  const params = { path: { case_id: id }, header };
  return body(api.POST("/app/cases/{case_id}/decision", { params, body: decision }));
}

export function undo(id: string, decision_id: string) {
  return body(api.POST("/app/cases/{case_id}/undo", { params: at(id), body: { decision_id } }));
}

export type Action =
  | { action: "skip" | "renew" | "release"; generation: number }
  | { action: "snooze"; generation: number; until: string; reason: string }
  | { action: "hand_over"; generation: number; to: string; reason: string }
  | { action: "take" };

export function act(id: string, action: Action) {
  return body(api.POST("/app/cases/{case_id}/actions", { params: at(id), body: action }));
}

export function unmask(id: string, reason: string) {
  return body(api.POST("/app/cases/{case_id}/unmask", { params: at(id), body: { reason } }));
}

export function askWhatIf(id: string, changes: Record<string, unknown>) {
  return body(api.POST("/app/cases/{case_id}/what-if", { params: at(id), body: { changes } }));
}

export function listLinks(id: string, hops: 1 | 2, signal: AbortSignal) {
  const params = { ...at(id), query: { hops } };
  return body(api.GET("/app/cases/{case_id}/links", { params, signal }));
}

export function listPhotos(id: string, signal: AbortSignal) {
  return body(api.GET("/app/cases/{case_id}/photos", { params: at(id), signal }));
}

export async function readPhoto(id: string, image: number, signal: AbortSignal): Promise<Blob> {
  const address = `/app/cases/${encodeURIComponent(id)}/photos/${encodeURIComponent(image)}`;
  return (await send(address, { signal })).blob();
}
