/** Access events, the newest first, page by page. */

import { useEffect } from "react";
import { Failure, Loading } from "../app/Answer";
import { announce } from "../app/announce";
import { Wide } from "../charts/Wide";
import { count, Moment } from "../format/format";
import { texts } from "../texts";
import { type AccessEvent, type EventFilters, useEvents } from "./queries";

export function Events({ filters }: { filters: EventFilters }) {
  const words = texts.audit.events;
  const events = useEvents(filters);
  const shown = events.data?.pages.flatMap((page) => page.events) ?? [];
  const number = events.data ? shown.length : null;
  useEffect(() => {
    if (number !== null)
      announce(number === 0 ? texts.audit.events.none : texts.audit.events.shown(count(number)));
  }, [number]);
  return (
    <section className="panel stack" aria-labelledby="events-title">
      <h2 id="events-title">{words.title}</h2>
      {number === null && !events.error && <Loading />}
      {number === 0 && <p>{words.none}</p>}
      {shown.length > 0 && (
        <>
          <Wide name={words.title}>
            <table className="events">
              <thead>
                <tr>
                  <th scope="col">{words.when}</th>
                  <th scope="col">{words.who}</th>
                  <th scope="col">{words.action}</th>
                  <th scope="col">{words.object}</th>
                  <th scope="col">{words.purpose}</th>
                  <th scope="col">{words.outcome}</th>
                  <th scope="col">{words.why}</th>
                </tr>
              </thead>
              <tbody>
                {shown.map((event) => (
                  <EventRow key={event.seq} event={event} />
                ))}
              </tbody>
            </table>
          </Wide>
          <p className="hint">
            {words.shown(count(shown.length))} {!events.hasNextPage && words.end}
          </p>
        </>
      )}
      {events.error && (
        <Failure
          error={events.error}
          again={() => void (number === null ? events.refetch() : events.fetchNextPage())}
        />
      )}
      {events.hasNextPage && (
        <div className="row">
          <button
            type="button"
            disabled={events.isFetchingNextPage}
            onClick={() => void events.fetchNextPage()}
          >
            {events.isFetchingNextPage ? texts.app.loading : words.more}
          </button>
        </div>
      )}
    </section>
  );
}

const TONES = { answered: "", refused: "bad", not_found: "warn", rejected: "warn" } as const;

function EventRow({ event }: { event: AccessEvent }) {
  const words = texts.audit.events;
  return (
    <tr>
      <td className="when">
        <Moment at={event.at} />
        <div className="hint">{event.seq}</div>
      </td>
      <td className="who">
        {event.actor}
        <div className="hint">{words.via[event.via]}</div>
      </td>
      <td className="action mono">{event.action}</td>
      <td className="object">
        {words.line(event.line ?? "", event.object ?? "")}
        {event.model_version !== null && <div className="hint">{words.model(event.model_version)}</div>}
      </td>
      <td>
        {event.purpose === null ? (
          <span className="muted">{words.noPurpose}</span>
        ) : (
          (texts.purpose.names[event.purpose] ?? event.purpose)
        )}
      </td>
      <td className="outcome">
        {TONES[event.outcome] ? (
          <span className={`tag ${TONES[event.outcome]}`}>{words.outcomes[event.outcome]}</span>
        ) : (
          words.outcomes[event.outcome]
        )}
      </td>
      <td className="why">{event.reason}</td>
    </tr>
  );
}
