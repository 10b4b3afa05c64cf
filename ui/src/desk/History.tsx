/** What was decided and done before. In a second look the first verdict stays hidden until the person has decided. */
import { Moment } from "../format/format";
import { texts } from "../texts";
import { type Case, type Decision, isOpen } from "./shapes";
import { actionName, groundName, VerdictTag } from "./words";

const words = texts.case.history;

function DecisionEntry({ decision, hidden }: { decision: Decision; hidden: boolean }) {
  const { verdict, grounds, note, by, at, undone, final } = decision;
  return (
    <li className="decision">
      <p className="row">
        {hidden || !verdict ? <span className="tag">{words.hidden}</span> : <VerdictTag verdict={verdict} />}
        {undone && <span className="tag">{words.undone}</span>}
        {final && !undone && <span className="tag good">{words.final}</span>}
        <span>{by}</span>
        <span className="muted">
          <Moment at={at} />
        </span>
      </p>
      {!hidden && verdict && grounds.length > 0 && <p>{grounds.map(groundName).join(", ")}</p>}
      {!hidden && verdict && note && <p className="note-text">{note}</p>}
    </li>
  );
}

export function History({ shown }: { shown: Case }) {
  const { decisions, events, outcome, origin, opened_at, received_at } = shown;
  // The server hides them, too.
  const hidden = isOpen(shown.state);
  return (
    <section className="panel history" aria-labelledby="history-title">
      <h2 id="history-title">{words.title}</h2>
      {decisions.length > 0 && (
        <ul className="decisions stack">
          {decisions.map((decision) => (
            <DecisionEntry
              key={decision.decision_id}
              decision={decision}
              hidden={hidden && !decision.undone}
            />
          ))}
        </ul>
      )}
      <dl className="facts">
        <dt>{words.received}</dt>
        <dd>
          <Moment at={received_at} />
        </dd>
        <dt>{words.opened}</dt>
        <dd>
          <Moment at={opened_at} />
        </dd>
        {origin && (
          <>
            <dt>{words.origin}</dt>
            <dd>{words.origins[origin]}</dd>
          </>
        )}
        {outcome && (
          <>
            <dt>{words.outcome}</dt>
            <dd>
              <VerdictTag verdict={outcome.is_fraud ? "fraud" : "not_fraud"} />{" "}
              {outcome.decided_at && <Moment at={outcome.decided_at} day />}
            </dd>
          </>
        )}
      </dl>
      {events.length > 0 && (
        <ol className="case-events">
          {events.map((event) => (
            <li key={`${event.at} ${event.action} ${event.actor}`}>
              <span className="muted">
                <Moment at={event.at} />
              </span>
              <span>
                {actionName(event.action)} · {event.actor}
                {event.reason && <span className="note-text block">{event.reason}</span>}
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
