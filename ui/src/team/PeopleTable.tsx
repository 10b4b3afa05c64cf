/** How people decide, so that a lead notices decisions which only repeat the score. Nobody is ranked. */

import { IntervalDots } from "../charts/IntervalDots";
import { Wide } from "../charts/Wide";
import { count, percent } from "../format/format";
import { texts } from "../texts";
import { duration } from "./duration";
import type { Colleague, Proportion } from "./queries";

function Share({ proportion }: { proportion: Proportion | null }) {
  if (proportion?.share == null) return "–";
  const { share, low, high } = proportion;
  return (
    <>
      {percent(share)}
      {low !== null && high !== null && (
        <span className="hint"> {texts.charts.range(percent(low), percent(high))}</span>
      )}
    </>
  );
}

export function PeopleTable({ people, enough }: { people: readonly Colleague[]; enough: number }) {
  const words = texts.team.people;
  const sorted = [...people].sort((one, two) => one.person.localeCompare(two.person));
  const described = sorted.filter((each) => each.enough);
  return (
    <section className="panel stack" aria-labelledby="people-title">
      <h2 id="people-title">{words.title}</h2>
      <p className="muted">{words.words}</p>
      {sorted.some((each) => !each.enough) && <p className="hint">{words.few(enough)}</p>}
      {sorted.length === 0 ? (
        <p>{words.none}</p>
      ) : (
        <Wide name={words.title}>
          <table>
            <thead>
              <tr>
                <th scope="col">{words.person}</th>
                <th scope="col" className="number">
                  {words.decided}
                </th>
                <th scope="col" className="number" title={words.followsHint}>
                  {words.follows}
                </th>
                <th scope="col" className="number">
                  {words.inconclusive}
                </th>
                <th scope="col" className="number">
                  {words.fast}
                </th>
                <th scope="col" className="number">
                  {words.median}
                </th>
              </tr>
            </thead>
            <tbody>
              {sorted.map((each) => (
                <tr key={each.person}>
                  <th scope="row">{each.person}</th>
                  <td className="number">{count(each.decided)}</td>
                  {each.enough ? (
                    <>
                      <td className="number">
                        <Share proportion={each.follows_score} />
                      </td>
                      <td className="number">
                        <Share proportion={each.inconclusive} />
                      </td>
                      <td className="number">
                        <Share proportion={each.fast} />
                      </td>
                      <td className="number">
                        {each.median_seconds === null ? "–" : duration(each.median_seconds)}
                      </td>
                    </>
                  ) : (
                    <td colSpan={4} className="muted">
                      {words.tooFew(count(each.decided))}
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
      {described.length > 0 && (
        <IntervalDots
          title={words.chart}
          description={words.chartWords}
          labelName={words.person}
          valueName={words.follows}
          ofName={words.of}
          from={0}
          to={1}
          estimates={described.map(({ person, follows_score }) => ({
            label: person,
            value: follows_score?.share ?? null,
            low: follows_score?.low ?? null,
            high: follows_score?.high ?? null,
            of: follows_score?.of ?? 0,
          }))}
        />
      )}
    </section>
  );
}
