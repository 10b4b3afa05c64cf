/** The seals of the record, and whether the record still agrees with them. */

import { useEffect, useId, useState } from "react";
import { Answer, Failure } from "../app/Answer";
import { announce } from "../app/announce";
import { Wide } from "../charts/Wide";
import { count, Moment } from "../format/format";
import { texts } from "../texts";
import { type Seals, useSeals, useVerify, type Verification } from "./queries";

const SEALS = [10, 50, 100, 200] as const;

export function SealsPanel() {
  const seals = useSeals();
  return <Answer query={seals}>{(data) => <SealsView seals={data} />}</Answer>;
}

export function SealsView({ seals }: { seals: Seals }) {
  const words = texts.audit.seals;
  return (
    <>
      <VerificationPanel verification={seals.verification} />
      <section className="panel stack" aria-labelledby="seals-title">
        <h2 id="seals-title">{words.title}</h2>
        <p className="muted">{words.words}</p>
        {seals.gaps.map((gap) => (
          <p key={gap.number} className="notice warn">
            {words.gap(count(gap.number), count(gap.replaces))}
          </p>
        ))}
        {seals.unsealed > 0 && <p>{words.unsealed(count(seals.unsealed))}</p>}
        {seals.seals.length === 0 ? (
          <p>{words.none}</p>
        ) : (
          <Wide name={words.title}>
            <table>
              <thead>
                <tr>
                  <th scope="col">{words.number}</th>
                  <th scope="col">{words.sealed}</th>
                  <th scope="col">{words.range}</th>
                  <th scope="col" className="number">
                    {words.events}
                  </th>
                  <th scope="col">{words.root}</th>
                </tr>
              </thead>
              <tbody>
                {seals.seals.map((seal) => (
                  <tr key={seal.number}>
                    <th scope="row">{count(seal.number)}</th>
                    <td>
                      <Moment at={seal.sealed_at} />
                    </td>
                    <td>{words.rangeOf(count(seal.first_seq), count(seal.last_seq))}</td>
                    <td className="number">{count(seal.events)}</td>
                    <td>
                      <span className="digest" title={seal.root}>
                        {seal.root}
                      </span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Wide>
        )}
      </section>
    </>
  );
}

function VerificationPanel({ verification }: { verification: Verification | null }) {
  const words = texts.audit.verification;
  const id = useId();
  const verify = useVerify();
  const [number, setNumber] = useState<number>(100);
  const result = verify.data;
  useEffect(() => {
    if (result) announce(result.intact ? words.intact : words.altered, { now: !result.intact });
  }, [result, words]);
  return (
    <section className="panel stack" aria-labelledby={`${id}title`}>
      <div className="panel-head">
        <h2 id={`${id}title`}>{words.title}</h2>
        <div className="row">
          <label htmlFor={`${id}seals`}>{words.seals}</label>
          <select
            id={`${id}seals`}
            value={number}
            onChange={(event) => setNumber(Number(event.target.value))}
          >
            {SEALS.map((each) => (
              <option key={each} value={each}>
                {count(each)}
              </option>
            ))}
          </select>
          <button
            type="button"
            className="primary"
            disabled={verify.isPending}
            onClick={() => verify.mutate(number)}
          >
            {words.run}
          </button>
        </div>
      </div>
      {verify.isPending && <p role="status">{words.running}</p>}
      {verify.error && <Failure error={verify.error} />}
      {verification === null ? <p>{words.never}</p> : <Result verification={verification} />}
    </section>
  );
}

function Result({ verification }: { verification: Verification }) {
  const words = texts.audit.verification;
  const { intact, first_wrong, first_seq, last_seq, findings, differences } = verification;
  return (
    <div className={`notice ${intact ? "good" : "bad"}`}>
      <div className="stack">
        <p>
          <span className={`tag ${intact ? "good" : "bad"}`}>{intact ? words.intact : words.altered}</span>{" "}
          {intact
            ? words.intactWords(count(verification.verified), count(verification.seals))
            : words.alteredWords(count(differences))}
        </p>
        {first_wrong !== null && (
          <p>
            <strong>{words.first}</strong> {first_wrong.sentence}
          </p>
        )}
        {first_seq !== null && last_seq !== null && <p>{words.range(count(first_seq), count(last_seq))}</p>}
        {findings.length > 1 && (
          <ul>
            {findings.map((finding) => (
              <li key={finding}>{finding}</li>
            ))}
          </ul>
        )}
        {(verification.unsealed > 0 || verification.unverified > 0) && (
          <p>{words.not(count(verification.unsealed), count(verification.unverified))}</p>
        )}
        {!intact && <p>{words.next}</p>}
        <p className="hint">
          {words.by(verification.by)} <Moment at={verification.verified_at} />
        </p>
      </div>
    </div>
  );
}
