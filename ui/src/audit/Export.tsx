/** Files of the events that match the filters. */
import { useEffect, useRef, useState } from "react";
import { Failure } from "../app/Answer";
import { announce } from "../app/announce";
import { closeBlob, openBlob } from "../app/blobs";
import { count } from "../format/format";
import { texts } from "../texts";
import { saveFile, toCsv, toNdjson } from "./eventFiles";
import { type AccessEvent, type EventFilters, readEvents } from "./queries";

/** Events of one file at most, so that a click does not read years. */
export const MOST = 20_000;

type Format = "csv" | "ndjson";
type State =
  | { step: "idle" }
  | { step: "reading"; read: number }
  | { step: "done"; text: string }
  | { step: "failed"; error: unknown };

const FILES = {
  csv: { type: "text/csv;charset=utf-8", write: toCsv },
  ndjson: { type: "application/x-ndjson;charset=utf-8", write: toNdjson },
} as const;

/** Reads the events that match, page after page; returns whether there are more than `most`. */
export async function readAll(
  filters: EventFilters,
  signal: AbortSignal,
  onRead: (read: number) => void,
  most = MOST,
): Promise<{ events: AccessEvent[]; cut: boolean }> {
  const events: AccessEvent[] = [];
  let cursor: string | null = null;
  do {
    signal.throwIfAborted();
    const page: { events: AccessEvent[]; cursor: string | null } = await readEvents(filters, cursor, signal);
    events.push(...page.events);
    onRead(events.length);
    cursor = page.cursor;
  } while (cursor !== null && events.length < most);
  return { events: events.slice(0, most), cut: cursor !== null || events.length > most };
}

export function Export({ filters }: { filters: EventFilters }) {
  const words = texts.audit.export;
  const [state, setState] = useState<State>({ step: "idle" });
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);

  async function start(format: Format) {
    const controller = new AbortController();
    stop.current = controller;
    setState({ step: "reading", read: 0 });
    try {
      const { events, cut } = await readAll(filters, controller.signal, (read) =>
        setState({ step: "reading", read }),
      );
      const name = `access-events-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}Z.${format}`;
      saveFile(name, FILES[format].type, FILES[format].write(events), { openBlob, closeBlob });
      const text = [words.done(count(events.length), name), cut ? words.cut(count(events.length)) : ""];
      setState({ step: "done", text: text.filter(Boolean).join(" ") });
      announce(text.filter(Boolean).join(" "));
    } catch (error) {
      setState(controller.signal.aborted ? { step: "done", text: words.stopped } : { step: "failed", error });
    }
  }

  const reading = state.step === "reading";
  return (
    <section className="panel stack" aria-labelledby="export-title">
      <h2 id="export-title">{words.title}</h2>
      <p className="muted">{words.words(count(MOST))}</p>
      <div className="row">
        <button type="button" disabled={reading} onClick={() => void start("csv")}>
          {words.csv}
        </button>
        <button type="button" disabled={reading} onClick={() => void start("ndjson")}>
          {words.ndjson}
        </button>
        {reading && (
          <>
            <span role="status">{words.running(count(state.read))}</span>
            <button type="button" onClick={() => stop.current?.abort()}>
              {words.stop}
            </button>
          </>
        )}
      </div>
      {state.step === "done" && <p className="notice good">{state.text}</p>}
      {state.step === "failed" && <Failure error={state.error} />}
      <p className="hint">
        {words.csvHint} {words.sealsHint}
      </p>
    </section>
  );
}
