/** Search for claims by id, or by a value that claims share. */

import { type FormEvent, useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { Answer } from "../app/Answer";
import { announce } from "../app/announce";
import { useFilters } from "../app/filters";
import { useLines } from "../app/LineChoice";
import { Page } from "../app/Page";
import "../app/overview.css";
import { Wide } from "../charts/Wide";
import { Moment } from "../format/format";
import { texts } from "../texts";
import { type Found, useSearchClaims, type Wanted } from "./queries";

/** Claims of one answer: more may match. */
const MOST = 50;

export default function SearchScreen() {
  const words = texts.search;
  const lines = useLines("claim.read");
  const [filters, change] = useFilters(["q", "line", "by", "column"]);
  const byValue = filters.by === "value";
  const [id, setId] = useState(filters.q);
  // A value of a claim is never in the address, which the browser keeps.
  const [value, setValue] = useState("");
  const [column, setColumn] = useState(filters.column);
  const [wrong, setWrong] = useState(false);
  const [asked, setAsked] = useState<{ wanted: Wanted; number: number } | null>(() =>
    filters.q && !byValue ? { wanted: { q: filters.q, line: filters.line }, number: 0 } : null,
  );
  const found = useSearchClaims(asked?.wanted ?? null, asked?.number ?? 0);
  const shown = found.data?.claims;
  useEffect(() => {
    if (shown) announce(shown.length === 0 ? texts.search.none : texts.search.found(shown.length));
  }, [shown]);
  const last = useRef(filters.q);
  useEffect(() => {
    // Back and forward lead to an earlier search.
    if (filters.q === last.current) return;
    last.current = filters.q;
    setId(filters.q);
    setAsked((before) =>
      filters.q ? { wanted: { q: filters.q, line: filters.line }, number: (before?.number ?? 0) + 1 } : null,
    );
  }, [filters.q, filters.line]);

  function send(event: FormEvent) {
    event.preventDefault();
    const number = (asked?.number ?? 0) + 1;
    if (byValue) {
      if (!value.trim() || !column.trim()) return setWrong(true);
      setWrong(false);
      change({ q: "", column: column.trim() });
      last.current = "";
      setAsked({ wanted: { column: column.trim(), value, line: filters.line }, number });
    } else {
      if (!id.trim()) return setWrong(true);
      setWrong(false);
      last.current = id.trim();
      change({ q: id.trim(), column: "" });
      setAsked({ wanted: { q: id.trim(), line: filters.line }, number });
    }
  }

  return (
    <Page title={words.title}>
      <search>
        <form className="panel stack" noValidate onSubmit={send}>
          <fieldset className="segments">
            <legend>{words.by}</legend>
            {(["id", "value"] as const).map((each) => (
              <label key={each}>
                <input
                  type="radio"
                  name="by"
                  checked={byValue === (each === "value")}
                  onChange={() => {
                    setWrong(false);
                    change({ by: each === "value" ? each : "" }, { replace: true });
                  }}
                />
                <span>{each === "id" ? words.byId : words.byValue}</span>
              </label>
            ))}
          </fieldset>
          <div className="filters">
            {byValue ? (
              <>
                <div className="field">
                  <label htmlFor="search-column">{words.column}</label>
                  <input
                    id="search-column"
                    value={column}
                    autoComplete="off"
                    autoCapitalize="none"
                    spellCheck={false}
                    aria-invalid={wrong && !column.trim()}
                    aria-describedby="search-column-hint"
                    onChange={(event) => setColumn(event.target.value)}
                  />
                </div>
                <div className="field">
                  <label htmlFor="search-value">{words.value}</label>
                  <input
                    id="search-value"
                    value={value}
                    autoComplete="off"
                    spellCheck={false}
                    aria-invalid={wrong && !value.trim()}
                    aria-describedby="search-value-hint"
                    onChange={(event) => setValue(event.target.value)}
                  />
                </div>
              </>
            ) : (
              <div className="field">
                <label htmlFor="search-id">{words.id}</label>
                <input
                  id="search-id"
                  type="search"
                  value={id}
                  maxLength={400}
                  autoComplete="off"
                  spellCheck={false}
                  aria-invalid={wrong}
                  onChange={(event) => setId(event.target.value)}
                />
              </div>
            )}
            <div className="field">
              <label htmlFor="search-line">{words.line}</label>
              <select
                id="search-line"
                value={filters.line}
                onChange={(event) => change({ line: event.target.value }, { replace: true })}
              >
                <option value="">{words.anyLine}</option>
                {lines.map((line) => (
                  <option key={line}>{line}</option>
                ))}
              </select>
            </div>
            <button type="submit" className="primary">
              {words.submit}
            </button>
          </div>
          {wrong && (
            <p role="alert" className="notice bad">
              {byValue ? words.missingValue : words.missingId}
            </p>
          )}
          {byValue && (
            <p className="hint">
              <span id="search-column-hint">{words.columnHint}</span>{" "}
              <span id="search-value-hint">{words.valueHint}</span>
            </p>
          )}
          <p className="hint">{words.recorded}</p>
        </form>
      </search>
      {asked === null ? (
        <p className="muted">{words.empty}</p>
      ) : (
        <Answer query={found}>{(answer) => <Results found={answer} />}</Answer>
      )}
    </Page>
  );
}

export function Results({ found }: { found: Found }) {
  const words = texts.search;
  const { claims, unsearchable } = found;
  return (
    <>
      {unsearchable.length > 0 && <p className="notice">{words.unsearchable(unsearchable.join(", "))}</p>}
      {claims.length === 0 ? <p>{words.none}</p> : <Claims claims={claims} />}
    </>
  );
}

function Claims({ claims }: { claims: Found["claims"] }) {
  const words = texts.search;
  return (
    <section className="panel">
      <h2>{words.found(claims.length)}</h2>
      <Wide name={words.found(claims.length)}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.claim}</th>
              <th scope="col">{words.line}</th>
              <th scope="col">{words.state}</th>
              <th scope="col">{words.verdict}</th>
              <th scope="col">{words.received}</th>
            </tr>
          </thead>
          <tbody>
            {claims.map((claim) => (
              <tr key={`${claim.line}/${claim.claim_id}`}>
                <th scope="row" className="mono">
                  {claim.case_id ? (
                    <Link href={`/case/${claim.case_id}`} aria-label={words.open(claim.claim_id)}>
                      {claim.claim_id}
                    </Link>
                  ) : (
                    claim.claim_id
                  )}
                </th>
                <td>{claim.line}</td>
                <td>
                  {claim.state ? (
                    texts.team.states[claim.state]
                  ) : (
                    <span className="muted">{words.noCase}</span>
                  )}
                </td>
                <td>
                  {claim.verdict ? (
                    texts.statistics.verdicts[claim.verdict]
                  ) : (
                    <span className="muted">{words.undecided}</span>
                  )}
                </td>
                <td>
                  <Moment at={claim.received_at} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      {claims.length >= MOST && <p className="hint">{words.limit}</p>}
    </section>
  );
}
