/**
 * A decision from the first key to the server's answer. It is sent with a key of its own and repeated with the very
 * same one, so that a lost answer decides nothing twice. What was typed stays until the server has accepted it.
 */
import { useCallback, useEffect, useRef, useState } from "react";
import { ConnectionLost, isProblem } from "../api/problems";
import { explain } from "../app/Answer";
import { announce } from "../app/announce";
import { useUnsaved } from "../app/unsaved";
import { texts } from "../texts";
import { type DecisionRequest, decide } from "./calls";
import { type Draft, EMPTY, keepDraft, readDraft } from "./drafts";
import type { Case, Decided } from "./shapes";
import { useSecondsOnScreen } from "./usePresence";

export type Sending =
  | { step: "typing" }
  | { step: "sending" }
  /** No connection: it is sent again when the connection is back. */
  | { step: "waiting" }
  | { step: "refused"; error: unknown };

/** A decision that did not reach the server is sent again after this time, or as soon as the browser is online. */
const RETRY = 8000;

interface Handlers {
  decided: (answer: Decided, draft: Draft) => void;
  /** The server does not accept the lease. */
  lost: () => void;
  /** The case is not as it is shown. */
  changed: () => void;
}

/** What is missing from a draft, as a sentence. */
function missing(draft: Draft): string | null {
  if (!draft.verdict) return texts.case.chooseVerdict;
  if (draft.grounds.length === 0) return texts.case.chooseGround;
  return null;
}

export function useDecision(shown: Case, handlers: Handlers) {
  const { case_id: id, version, lease } = shown;
  const [draft, setDraft] = useState(() => readDraft(id));
  const [sending, setSending] = useState<Sending>({ step: "typing" });
  const [problem, setProblem] = useState<string | null>(null);
  const seconds = useSecondsOnScreen();
  const sent = useRef<{ content: string; key: string; decision: DecisionRequest } | null>(null);
  const busy = useRef(false);
  useUnsaved(`decision ${id}`, draft.note.trim() !== "");

  const change = useCallback(
    (changes: Partial<Draft>) => {
      setDraft((known) => {
        const next = { ...known, ...changes };
        keepDraft(id, next);
        return next;
      });
      setProblem(null);
      setSending((known) => (known.step === "refused" ? { step: "typing" } : known));
    },
    [id],
  );

  async function submit(): Promise<void> {
    if (busy.current || !lease) return;
    const lacking = missing(draft);
    if (lacking || !draft.verdict) {
      setProblem(lacking);
      if (lacking) announce(lacking, { now: true });
      return;
    }
    const wanted = {
      generation: lease.generation,
      verdict: draft.verdict,
      grounds: [...draft.grounds],
      note: draft.note.trim(),
      second_look: draft.secondLook,
    };
    const content = JSON.stringify(wanted);
    const attempt =
      sent.current?.content === content
        ? sent.current
        : {
            content,
            key: crypto.randomUUID(),
            decision: { ...wanted, seconds: Math.min(seconds(), 86_400) },
          };
    sent.current = attempt;
    const { key, decision } = attempt;
    busy.current = true;
    setSending({ step: "sending" });
    try {
      const answer = await decide(id, version, key, decision);
      keepDraft(id, EMPTY);
      setDraft(EMPTY);
      setSending({ step: "typing" });
      handlers.decided(answer, draft);
    } catch (error) {
      if (error instanceof ConnectionLost) {
        setSending({ step: "waiting" });
        announce(texts.case.notSent, { now: true });
        return;
      }
      setSending({ step: "refused", error });
      if (isProblem(error, "stale")) handlers.lost();
      else {
        announce(explain(error), { now: true });
        if (isProblem(error, "changed", "decided", "not_open")) handlers.changed();
      }
    } finally {
      busy.current = false;
    }
  }

  const again = useRef(submit);
  again.current = submit;
  const waiting = sending.step === "waiting";
  useEffect(() => {
    if (!waiting) return;
    const retry = () => void again.current();
    const timer = setInterval(() => document.visibilityState === "visible" && retry(), RETRY);
    addEventListener("online", retry);
    return () => {
      clearInterval(timer);
      removeEventListener("online", retry);
    };
  }, [waiting]);

  return { draft, change, sending, problem, submit };
}
