/** Every case that waits, by due date. What is at stake does not order this list: it would tell what is hidden. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useId } from "react";
import { Link } from "wouter";
import { Failure, Loading } from "../app/Answer";
import { useAccess } from "../app/access";
import { useFilters } from "../app/filters";
import { useLines } from "../app/LineChoice";
import { Page } from "../app/Page";
import { useTyped } from "../app/typed";
import { amount, Moment } from "../format/format";
import { useKeys } from "../keyboard/keys";
import { texts } from "../texts";
import { listQueue, type QueueFilters } from "./calls";
import { type Item, isOpen, type State } from "./shapes";
import { useNext, waitingInWords } from "./useNext";
import { Due, StateTag } from "./words";
import "./desk.css";

const words = texts.queue;

const STATES: readonly State[] = ["open", "second_look", "third_look", "decided", "settled", "withdrawn"];

const FILTERS = ["line", "state", "holder", "q", "due"] as const;

/** Returns the first moment after a day of the viewer, in UTC; "" if it is no day. */
function endOfDay(day: string): string {
  const [year, month, date] = day.split("-").map(Number);
  if (!year || !month || !date) return "";
  return new Date(year, month - 1, date + 1).toISOString();
}

function Holder({ item }: { item: Item }) {
  if (item.holder === "me") return <span className="tag accent">{words.heldByMe}</span>;
  if (item.holder === "other") return <span className="tag">{words.heldByOther}</span>;
  return <span className="muted absent">–</span>;
}

function Row({ item }: { item: Item }) {
  return (
    <tr>
      <th scope="row">
        <Link href={`/case/${item.case_id}`} className="mono">
          {item.claim_id}
        </Link>
      </th>
      <td data-label={words.line}>{item.line}</td>
      <td data-label={words.state}>
        <StateTag state={item.state} />
        {item.snoozed_until && (
          <span className="hint">
            {" "}
            {words.snoozed} <Moment at={item.snoozed_until} />
          </span>
        )}
      </td>
      <td data-label={words.due}>
        {isOpen(item.state) ? <Due at={item.due_at} full /> : <Moment at={item.due_at} day />}
      </td>
      <td data-label={words.amount} className="number">
        {item.amount === null ? "–" : amount(item.amount)}
      </td>
      <td data-label={words.holder}>
        <Holder item={item} />
      </td>
      <td data-label={words.assigned}>{item.assigned_to ?? <span className="muted absent">–</span>}</td>
    </tr>
  );
}

export default function QueueScreen() {
  const access = useAccess();
  const lines = useLines("case.decide", "case.assign");
  const [filters, setFilters] = useFilters(FILTERS);
  const change = (changes: Partial<typeof filters>) => setFilters(changes, { replace: true });
  const begins = useTyped(filters.q, (q) => change({ q }));
  const due = useTyped(filters.due, (day) => change({ due: day }));
  const next = useNext();
  const id = useId();
  const mayDecide = access.can("case.decide");
  const asked: QueueFilters = {
    line: filters.line,
    state: STATES.find((state) => state === filters.state) ?? "",
    holder: filters.holder === "me" ? "me" : "",
    q: filters.q.trim(),
    due_before: endOfDay(filters.due),
  };
  const queue = useInfiniteQuery({
    queryKey: ["queue", asked],
    queryFn: ({ pageParam, signal }) => listQueue(asked, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.cursor,
    staleTime: 0,
  });
  const goOn = () => !next.isPending && next.mutate();
  useKeys(mayDecide ? [{ key: "n", label: texts.desk.next, group: texts.case.keys, run: goOn }] : []);
  const pages = queue.data?.pages ?? [];
  const cases = pages.flatMap((page) => page.cases);
  const waiting = pages[0]?.waiting;
  const filtered = Object.values(filters).some(Boolean);
  return (
    <Page
      title={words.title}
      aside={
        <span className="row" role="status">
          {waiting !== undefined && <span className="muted">{waitingInWords(waiting)}</span>}
        </span>
      }
    >
      <form className="filters" aria-label={words.filters} onSubmit={(event) => event.preventDefault()}>
        <div className="field">
          <label htmlFor={`${id}-q`}>{words.search}</label>
          <input id={`${id}-q`} type="search" {...begins} maxLength={400} autoComplete="off" />
        </div>
        {lines.length > 1 && (
          <div className="field">
            <label htmlFor={`${id}-line`}>{words.line}</label>
            <select
              id={`${id}-line`}
              value={filters.line}
              onChange={(event) => change({ line: event.target.value })}
            >
              <option value="">{words.allLines}</option>
              {lines.map((line) => (
                <option key={line}>{line}</option>
              ))}
            </select>
          </div>
        )}
        <div className="field">
          <label htmlFor={`${id}-state`}>{words.state}</label>
          <select
            id={`${id}-state`}
            value={asked.state}
            onChange={(event) => change({ state: event.target.value })}
          >
            <option value="">{words.allStates}</option>
            {STATES.map((state) => (
              <option key={state} value={state}>
                {texts.case.states[state]}
              </option>
            ))}
          </select>
        </div>
        <div className="field">
          <label htmlFor={`${id}-due`}>{words.dueUntil}</label>
          <input id={`${id}-due`} type="date" {...due} />
        </div>
        <label className="choice">
          <input
            type="checkbox"
            checked={asked.holder === "me"}
            onChange={(event) => change({ holder: event.target.checked ? "me" : "" })}
          />
          {words.mine}
        </label>
        {filtered && (
          <button
            type="button"
            className="quiet"
            onClick={() => change({ line: "", state: "", holder: "", q: "", due: "" })}
          >
            {words.clear}
          </button>
        )}
        {mayDecide && (
          <button type="button" className="primary push" onClick={goOn} disabled={next.isPending}>
            {texts.desk.next} <kbd>n</kbd>
          </button>
        )}
      </form>
      {next.error && <Failure error={next.error} again={goOn} />}
      {queue.error && cases.length === 0 ? (
        <Failure error={queue.error} again={() => void queue.refetch()} />
      ) : queue.isPending ? (
        <Loading />
      ) : cases.length === 0 ? (
        <p className="panel">{filtered ? words.noneFiltered : words.none}</p>
      ) : (
        <div className="panel table-panel">
          <table className="queue">
            <caption className="visually-hidden">{words.caption}</caption>
            <thead>
              <tr>
                <th scope="col">{words.claim}</th>
                <th scope="col">{words.line}</th>
                <th scope="col">{words.state}</th>
                <th scope="col">{words.due}</th>
                <th scope="col" className="number">
                  {words.amount}
                </th>
                <th scope="col">{words.holder}</th>
                <th scope="col">{words.assigned}</th>
              </tr>
            </thead>
            <tbody>
              {cases.map((item) => (
                <Row key={item.case_id} item={item} />
              ))}
            </tbody>
          </table>
          {queue.hasNextPage && (
            <button
              type="button"
              className="more"
              onClick={() => void queue.fetchNextPage()}
              disabled={queue.isFetchingNextPage}
            >
              {texts.app.more}
            </button>
          )}
          {queue.isFetchNextPageError && <Failure error={queue.error} />}
        </div>
      )}
    </Page>
  );
}
