/** Why a claim is here: its score, the reasons for it, and what was decided about claims with the same main reasons. */
import { amount, count, factor, formatCode, formatDate, percent } from "../format/format";
import { texts } from "../texts";
import type { Case, Reason } from "./shapes";
import { humanize, VerdictTag } from "./words";

const words = texts.case.why;

/** A bar of a reason; the number next to it says the same. */
export function Bar({ part, tone = "bad" }: { part: number; tone?: "bad" | "plain" }) {
  const width = Math.max(1, Math.min(100, 100 * part));
  return (
    <svg className={`bar ${tone}`} viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      <rect className="bar-ground" width="100" height="10" rx="2" />
      <rect className="bar-part" width={width} height="10" rx="2" />
    </svg>
  );
}

function Typical({ reason }: { reason: Reason }) {
  if (reason.masked) return <span className="muted">{texts.case.masked}</span>;
  // A typical text is one of the feature's categories.
  const shown = formatCode(reason.typical);
  return shown ? shown : <span className="muted">–</span>;
}

export function Reasons({ reasons }: { reasons: readonly Reason[] }) {
  const most = Math.max(...reasons.map((reason) => reason.contribution), Number.EPSILON);
  // Models that were trained on few outcomes know no fraud rates.
  const rated = reasons.some((reason) => typeof reason.fraud_ratio === "number");
  return (
    <div className="table-wrap">
      <table className="reasons">
        <caption className="visually-hidden">{words.caption}</caption>
        <thead>
          <tr>
            <th scope="col">{words.reason}</th>
            <th scope="col" className="number">
              {words.typical}
            </th>
            {rated && (
              <th scope="col" className="number">
                {words.ratio}
              </th>
            )}
            <th scope="col" className="bar-head">
              {words.share}
            </th>
          </tr>
        </thead>
        <tbody>
          {reasons.map((reason) => (
            <tr key={reason.feature}>
              <th scope="row">
                <span className="reason-text">{reason.text || humanize(reason.feature)}</span>
                {reason.meaning && <span className="hint block">{reason.meaning}</span>}
              </th>
              <td className="number" data-label={words.typical}>
                <Typical reason={reason} />
              </td>
              {rated && (
                <td className="number" data-label={words.ratio}>
                  {typeof reason.fraud_ratio === "number" ? words.times(factor(reason.fraud_ratio)) : "–"}
                </td>
              )}
              <td className="bar-cell" data-label={words.share}>
                <Bar part={reason.contribution / most} />
                <span>
                  {reason.share === null || reason.share === undefined
                    ? `+${factor(reason.contribution)}`
                    : percent(reason.share)}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Similar({ similar }: { similar: NonNullable<Case["similar"]> }) {
  const { decided, fraud, low, high, newest, reasons } = similar;
  const same = reasons.map(humanize).join(", ");
  return (
    <section className="similar" aria-label={words.similar}>
      <h3>{words.similar}</h3>
      {decided === 0 ? (
        <p>{words.similarNone(same)}</p>
      ) : (
        <>
          <p>
            {words.similarSome(
              decided,
              count(decided),
              count(fraud),
              percent(fraud / decided),
              low === null || high === null ? null : texts.charts.range(percent(low), percent(high)),
              same,
            )}
          </p>
          {newest.length > 0 && (
            <ul className="newest">
              {newest.map((one) => (
                <li key={`${one.line}/${one.claim_id}`}>
                  <span className="mono">{one.claim_id}</span> <VerdictTag verdict={one.verdict} />{" "}
                  <span className="muted">{one.decided_at && formatDate(one.decided_at)}</span>
                </li>
              ))}
            </ul>
          )}
        </>
      )}
    </section>
  );
}

export function Why({ shown }: { shown: Case }) {
  const { score, similar, blinded, amount: sum } = shown;
  if (!score) {
    return (
      <section className="panel why">
        <h2>{words.title}</h2>
        <p>{blinded ? words.blinded : words.noScore}</p>
      </section>
    );
  }
  return (
    <section className="panel why">
      <h2>{words.title}</h2>
      <p className="verdict-of-model">
        {words.score(percent(score.probability), percent(1 - score.percentile / 100))}
        {sum !== null && <> {words.stake(amount(score.probability * sum))}</>}
      </p>
      {score.reasons && score.reasons.length > 0 ? (
        <Reasons reasons={score.reasons} />
      ) : (
        <p className="muted">{words.noReasons}</p>
      )}
      {similar && <Similar similar={similar} />}
      <p className="hint">{words.model(score.model_version)}</p>
    </section>
  );
}
