/** Access events as files. */
import type { AccessEvent } from "./queries";

export const COLUMNS = [
  "seq",
  "at",
  "actor",
  "via",
  "action",
  "line",
  "object",
  "purpose",
  "reason",
  "request_id",
  "outcome",
  "model_version",
] as const satisfies readonly (keyof AccessEvent)[];

// What spreadsheets take for the beginning of a formula; they treat the full-width signs alike. The apostrophe is
// escaped, too, so that the text can be had back.
const FORMULA = /^[=+\-@\t\r\n＝＋－＠']/;

/** Returns a cell of a CSV file; a text that a spreadsheet would take for a formula gets an apostrophe in front. */
export function cell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",;\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Returns events as CSV (RFC 4180) with a header. The mark at the beginning tells spreadsheets that it is UTF-8. */
export function toCsv(events: readonly AccessEvent[]): string {
  const rows = events.map((event) => COLUMNS.map((column) => cell(event[column])).join(","));
  return `\ufeff${[COLUMNS.join(","), ...rows].join("\r\n")}\r\n`;
}

/** Returns events as NDJSON: one object in each line, every text as it is. */
export function toNdjson(events: readonly AccessEvent[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join("");
}

/** Gives the person a file. Its address is taken back as soon as the browser has it. */
export function saveFile(name: string, type: string, text: string, open: Opener): void {
  const address = open.openBlob(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => open.closeBlob(address), 10_000);
}

export interface Opener {
  openBlob(blob: Blob): string;
  closeBlob(address: string): void;
}
