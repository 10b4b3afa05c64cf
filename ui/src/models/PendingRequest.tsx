/** Says what became of a promotion that was requested here. It is shown as done only when the list shows it. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { announce } from "../app/announce";
import { useStore } from "../app/store";
import { texts } from "../texts";
import { type Models, modelsKey } from "./queries";
import { forget, type Outcome, outcomeOf, type Pending, pending, waitingFor } from "./requests";

/** Seconds between looks; each is one access event, so they are few, and none from a hidden page. */
const LOOKS = [2, 3, 5, 8, 12, 15, 15];

export function PendingRequest({ models }: { models: Models }) {
  const request = waitingFor(models, useStore(pending));
  return request ? <Watched key={request.request_id} request={request} models={models} /> : null;
}

const TONES = { done: "good", unchanged: "good", refused: "bad", expired: "bad", pending: "warn" } as const;

function sentence(what: string, outcome: Outcome, slow: boolean): string {
  const words = texts.models.request;
  switch (outcome.state) {
    case "done":
      return words.done(what);
    case "unchanged":
      return words.unchanged(what);
    case "expired":
      return words.expired(what);
    case "refused":
      return words.refused(what, outcome.because);
    case "pending":
      return slow ? words.slow(what) : words.pending(what);
  }
}

function Watched({ request, models }: { request: Pending; models: Models }) {
  const words = texts.models.request;
  const queries = useQueryClient();
  const [looks, setLooks] = useState(0);
  const outcome = outcomeOf(request, models);
  const wait = outcome.state === "pending" ? LOOKS[looks] : undefined;
  useEffect(() => {
    if (wait === undefined) return;
    let timer = 0;
    const look = () => {
      if (document.visibilityState === "hidden") return;
      setLooks((before) => before + 1);
      void queries.invalidateQueries({ queryKey: modelsKey(request.line) });
    };
    timer = window.setTimeout(look, wait * 1000);
    // A page that was hidden when it was time looks when it is shown again.
    document.addEventListener("visibilitychange", look);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [wait, queries, request.line]);
  const message = sentence(request.what, outcome, wait === undefined);
  useEffect(() => announce(message, { now: outcome.state === "refused" }), [message, outcome.state]);
  const tone = TONES[outcome.state];
  return (
    <div className={`notice ${tone}`}>
      <p>{message}</p>
      {outcome.state === "pending" && wait === undefined && (
        <button
          type="button"
          onClick={() => void queries.invalidateQueries({ queryKey: modelsKey(request.line) })}
        >
          {words.lookAgain}
        </button>
      )}
      {(outcome.state !== "pending" || wait === undefined) && (
        <button type="button" onClick={() => forget(request.line)}>
          {words.dismiss}
        </button>
      )}
    </div>
  );
}
