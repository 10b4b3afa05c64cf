/** The champion and a candidate side by side: the numbers of both, and in words which one is better. */
import { Wide } from "../charts/Wide";
import { texts } from "../texts";
import { compare, formatDifference, formatMetric } from "./metrics";
import type { Model } from "./queries";

interface Props {
  champion: Model | undefined;
  candidate: Model | undefined;
  candidates: readonly Model[];
  onChoose: (version: string) => void;
}

const metricOf = (model: Model | undefined, name: string): number | null => {
  const value = model?.metrics[name];
  return typeof value === "number" ? value : null;
};

/** Returns the names of the metrics that any of the models has, those that the desk explains first. */
function namesOf(models: readonly (Model | undefined)[]): string[] {
  const found = new Set(models.flatMap((model) => Object.keys(model?.metrics ?? {})));
  const explained = Object.keys(texts.models.metrics).filter((name) => found.has(name));
  return [...explained, ...[...found].filter((name) => !(name in texts.models.metrics)).sort()];
}

export function Comparison({ champion, candidate, candidates, onChoose }: Props) {
  const words = texts.models.compare;
  if (!champion && !candidate) return null;
  return (
    <section className="panel stack" aria-labelledby="compare-title">
      <div className="panel-head">
        <h2 id="compare-title">{words.title}</h2>
        {candidates.length > 1 && candidate && (
          <div className="row">
            <label htmlFor="candidate">{words.candidate}</label>
            <select
              id="candidate"
              value={candidate.version}
              onChange={(event) => onChoose(event.target.value)}
            >
              {candidates.map((model) => (
                <option key={model.version}>{model.version}</option>
              ))}
            </select>
          </div>
        )}
      </div>
      {!champion && <p>{words.noChampion}</p>}
      {!candidate && <p>{words.noCandidate}</p>}
      <Wide name={words.title}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.metric}</th>
              {champion && (
                <th scope="col" className="number">
                  {words.championIs(champion.version)}
                </th>
              )}
              {candidate && (
                <th scope="col" className="number">
                  {words.candidateIs(candidate.version)}
                </th>
              )}
              {champion && candidate && <th scope="col">{words.difference}</th>}
            </tr>
          </thead>
          <tbody>
            {namesOf([champion, candidate]).map((name) => (
              <tr key={name}>
                <th scope="row">
                  {texts.models.metrics[name] ?? name.replaceAll("_", " ")}
                  <span className="meaning">{texts.models.meanings[name]}</span>
                </th>
                {champion && <td className="number">{formatMetric(name, metricOf(champion, name))}</td>}
                {candidate && <td className="number">{formatMetric(name, metricOf(candidate, name))}</td>}
                {champion && candidate && (
                  <td>
                    <Difference
                      name={name}
                      champion={metricOf(champion, name)}
                      candidate={metricOf(candidate, name)}
                    />
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      {champion && candidate && <p className="hint">{words.note}</p>}
    </section>
  );
}

interface DifferenceProps {
  name: string;
  champion: number | null;
  candidate: number | null;
}

function Difference({ name, champion, candidate }: DifferenceProps) {
  const words = texts.models.compare;
  const { result, by } = compare(name, champion, candidate);
  switch (result) {
    case "unknown":
      return <span className="muted">{words.notComparable}</span>;
    case "same":
      return <span className="muted">{words.same}</span>;
    case "differs":
      return words.differs(formatDifference(name, by));
    case "better":
      return <span className="tag good">{words.better(formatDifference(name, by))}</span>;
    case "worse":
      return <span className="tag warn">{words.worse(formatDifference(name, by))}</span>;
  }
}
