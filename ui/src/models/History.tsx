/** What went live and why, what was refused, and which trainings there were. */
import { Wide } from "../charts/Wide";
import { Moment } from "../format/format";
import { texts } from "../texts";
import type { Models } from "./queries";

export function History({ models }: { models: Models }) {
  const words = texts.models.history;
  const { promotions, refused } = models;
  return (
    <section className="panel stack" aria-labelledby="history-title">
      <h2 id="history-title">{words.title}</h2>
      {refused && (
        <div className="notice warn">
          <div>
            <strong>{words.refusedTitle}</strong>{" "}
            {words.refused(refused.version === null ? words.noVersion : refused.version, refused.by)}{" "}
            <Moment at={refused.at} />
            <p>{refused.because}</p>
          </div>
        </div>
      )}
      {promotions.length === 0 ? (
        <p>{words.none}</p>
      ) : (
        <Wide name={words.title}>
          <table>
            <thead>
              <tr>
                <th scope="col">{words.what}</th>
                <th scope="col">{words.when}</th>
                <th scope="col">{words.who}</th>
                <th scope="col">{words.why}</th>
              </tr>
            </thead>
            <tbody>
              {promotions.map((each) => (
                <tr key={`${each.request_id} ${each.at} ${each.role}`}>
                  <th scope="row">
                    {words.words(
                      each.version === null ? words.noVersion : each.version,
                      words.actions[each.action],
                      texts.models[each.role],
                    )}
                  </th>
                  <td>
                    <Moment at={each.at} />
                  </td>
                  <td>{each.by}</td>
                  <td>
                    {each.why}
                    {each.trusted.length > 0 && (
                      <div className="hint">{words.trusted(each.trusted.join(", "))}</div>
                    )}
                    {each.equal_to !== null && <div className="hint">{words.equal(each.equal_to)}</div>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
    </section>
  );
}

const TONES = {
  registered: "good",
  refused: "bad",
  failed: "bad",
  starting: "accent",
  running: "accent",
} as const;

export function Trainings({ models }: { models: Models }) {
  const words = texts.models.trainings;
  return (
    <section className="panel stack" aria-labelledby="trainings-title">
      <h2 id="trainings-title">{words.title}</h2>
      {models.trainings.length === 0 ? (
        <p>{words.none}</p>
      ) : (
        <Wide name={words.title}>
          <table>
            <thead>
              <tr>
                <th scope="col">{words.version}</th>
                <th scope="col">{words.status}</th>
                <th scope="col">{words.asked}</th>
                <th scope="col">{words.ended}</th>
                <th scope="col">{words.why}</th>
                <th scope="col">{words.error}</th>
              </tr>
            </thead>
            <tbody>
              {models.trainings.map((each) => (
                <tr key={each.training_id}>
                  <th scope="row">{each.version}</th>
                  <td>
                    <span className={`tag ${TONES[each.status]}`}>{words.statuses[each.status]}</span>
                  </td>
                  <td>
                    <Moment at={each.asked_at} />
                  </td>
                  <td>
                    {each.ended_at === null ? (
                      <span className="muted">{words.running}</span>
                    ) : (
                      <Moment at={each.ended_at} />
                    )}
                  </td>
                  <td>
                    {each.why}
                    <div className="hint">{each.asked_by}</div>
                  </td>
                  <td>{each.error}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
    </section>
  );
}
