/** Words for the codes of the desk. */
import { serverNow } from "../api/transport";
import { distance, formatDate, Moment } from "../format/format";
import { texts } from "../texts";
import type { State, Verdict } from "./shapes";

/** Returns a name of the contract or a code as words. */
export function humanize(name: string): string {
  const words = name.replaceAll(/[._]/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const verdictName = (verdict: Verdict) => texts.case.verdicts[verdict];

export const groundName = (ground: string) => texts.case.groundNames[ground] ?? humanize(ground);

export const actionName = (action: string) => texts.case.actionNames[action] ?? humanize(action);

export function StateTag({ state }: { state: State }) {
  const tone = state === "decided" || state === "settled" ? "good" : state === "open" ? "accent" : "warn";
  return <span className={`tag ${state === "withdrawn" ? "" : tone}`}>{texts.case.states[state]}</span>;
}

export function VerdictTag({ verdict }: { verdict: Verdict }) {
  const tone = { fraud: "bad", not_fraud: "good", inconclusive: "warn" }[verdict];
  return <span className={`tag ${tone}`}>{verdictName(verdict)}</span>;
}

const DAY = 86_400_000;

/** When a case is due: in words, and marked if it is late or nearly so. */
export function Due({ at, full = false }: { at: string; full?: boolean }) {
  const then = Date.parse(at);
  const now = serverNow();
  const late = then < now;
  const soon = !late && then - now < 2 * DAY;
  return (
    <span className={late ? "due late" : soon ? "due soon" : "due"}>
      {late ? texts.case.overdue(distance(then, now)) : texts.case.due(distance(then, now))}
      {full && (
        <>
          {" · "}
          <Moment at={at} day />
        </>
      )}
      {!full && <span className="visually-hidden"> ({formatDate(at)})</span>}
    </span>
  );
}
