/** The checked weeks of a line: verdicts, drift by feature, alarms, advice and the report of each week. */

import { useMemo, useState } from "react";
import { Link } from "wouter";
import { Answer } from "../app/Answer";
import { useFilters } from "../app/filters";
import { navigate } from "../app/hash";
import { LineChoice, useLines } from "../app/LineChoice";
import { Page } from "../app/Page";
import "../app/overview.css";
import type { ScreenProps } from "../app/screens";
import { HeatMap, type HeatRow } from "../charts/HeatMap";
import { Wide } from "../charts/Wide";
import { count, Moment } from "../format/format";
import { texts } from "../texts";
import { formatMetric } from "./metrics";
import "./models.css";
import { reportPath, useWeeks, type WeekAlarm, type Weeks, type Window } from "./queries";
import { StoredPage } from "./StoredPage";
import { VerdictGrid } from "./VerdictGrid";

export default function WeeksScreen({ params }: ScreenProps) {
  const words = texts.weeks;
  const lines = useLines("model.read");
  const line = params.line || lines[0] || "";
  const weeks = useWeeks(line);
  return (
    <Page title={words.title(line)}>
      <div className="filters">
        <LineChoice
          permission="model.read"
          value={line}
          onChange={(chosen) => navigate(`/weeks/${encodeURIComponent(chosen)}`)}
        />
        {line && (
          <Link className="button" href={`/models/${encodeURIComponent(line)}`}>
            {texts.models.navigation}
          </Link>
        )}
      </div>
      {line && <Answer query={weeks}>{(data) => <WeeksView weeks={data} />}</Answer>}
    </Page>
  );
}

export function WeeksView({ weeks }: { weeks: Weeks }) {
  const words = texts.weeks;
  const [filters, change] = useFilters(["week", "measure", "report"]);
  const newest = weeks.windows[0];
  if (newest === undefined) return <p>{words.none}</p>;
  const chosen = weeks.windows.find((each) => each.window === filters.week) ?? newest;
  const reading = filters.report === "1" && chosen.report;
  return (
    <>
      <VerdictGrid
        windows={weeks.windows}
        chosen={chosen.window}
        onChoose={(week) => change({ week, report: "" }, { replace: true })}
      />
      <WeekPanel
        window={chosen}
        alarms={weeks.alarms.filter((each) => each.window === chosen.window)}
        reading={reading}
        onReport={() => change({ week: chosen.window, report: "1" })}
      />
      {reading && (
        <StoredPage
          key={chosen.window}
          title={words.week.report(chosen.window)}
          path={reportPath(weeks.line, chosen.window)}
          onClose={() => change({ report: "" })}
        />
      )}
      <FeatureHeat
        weeks={weeks}
        measure={filters.measure}
        onMeasure={(measure) => change({ measure }, { replace: true })}
      />
    </>
  );
}

interface PanelProps {
  window: Window;
  alarms: readonly WeekAlarm[];
  reading: boolean;
  onReport: () => void;
}

function WeekPanel({ window, alarms, reading, onReport }: PanelProps) {
  const words = texts.weeks.week;
  const missing = window.checks.filter((each) => each.missing !== null);
  return (
    <section className="panel stack" aria-labelledby="week-title">
      <div className="panel-head">
        <h2 id="week-title">{words.title(window.window)}</h2>
        {window.report ? (
          <button type="button" onClick={onReport} disabled={reading}>
            {words.showReport}
          </button>
        ) : (
          <span className="muted">{words.noReport}</span>
        )}
      </div>
      <dl className="facts">
        <dt>{words.status}</dt>
        <dd>{words.statuses[window.status]}</dd>
        <dt>{words.claims}</dt>
        <dd>{window.claims === null ? texts.charts.unknown : count(window.claims)}</dd>
        <dt>{words.model}</dt>
        <dd>{window.model_version}</dd>
        {window.challenger !== null && (
          <>
            <dt>{words.challenger}</dt>
            <dd>{window.challenger}</dd>
          </>
        )}
        {window.closed_at !== null && (
          <>
            <dt>{words.closed}</dt>
            <dd>
              <Moment at={window.closed_at} />
            </dd>
          </>
        )}
      </dl>
      {missing.length > 0 && (
        <ul className="notice warn stack">
          {missing.map((each) => (
            <li key={each.check}>
              {words.missing(texts.weeks.checks[each.check] ?? each.check, each.missing ?? "")}
            </li>
          ))}
        </ul>
      )}
      {window.advised && (
        <div className="notice warn">
          <p>
            <strong>{words.advised}</strong> {words.advisedDetail}
          </p>
        </div>
      )}
      <h3>{words.alarms}</h3>
      {alarms.length === 0 ? <p>{words.noAlarms}</p> : <Alarms alarms={alarms} />}
    </section>
  );
}

function Alarms({ alarms }: { alarms: readonly WeekAlarm[] }) {
  const words = texts.weeks.alarm;
  const checks = [...new Set(alarms.map((each) => each.check))];
  return (
    <Wide name={texts.weeks.week.alarms}>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.metric}</th>
            <th scope="col">{words.subject}</th>
            <th scope="col" className="number">
              {words.value}
            </th>
            <th scope="col" className="number">
              {texts.charts.intervalName}
            </th>
            <th scope="col" className="number">
              {words.bound}
            </th>
            <th scope="col" className="number">
              {words.of}
            </th>
          </tr>
        </thead>
        {checks.map((check) => (
          <tbody key={check}>
            <tr>
              <th scope="rowgroup" colSpan={6}>
                <span aria-hidden="true">▲ </span>
                {texts.weeks.checks[check] ?? check}
                {texts.weeks.meanings[check] && (
                  <span className="meaning inline">: {texts.weeks.meanings[check]}</span>
                )}
              </th>
            </tr>
            {alarms
              .filter((each) => each.check === check)
              .map((each) => (
                <tr key={`${each.metric} ${each.feature} ${each.segment}`}>
                  <th scope="row">{texts.weeks.metrics[each.metric] ?? each.metric.replaceAll("_", " ")}</th>
                  <td>
                    {words.subjectOf(each.feature, each.segment) || (
                      <span className="muted">{words.whole}</span>
                    )}
                  </td>
                  <td className="number">{formatMetric(each.metric, each.value)}</td>
                  <td className="number">
                    {each.low === null || each.high === null
                      ? "–"
                      : texts.charts.range(
                          formatMetric(each.metric, each.low),
                          formatMetric(each.metric, each.high),
                        )}
                  </td>
                  <td className="number">
                    {each.threshold === null ? "–" : formatMetric(each.metric, each.threshold)}
                  </td>
                  <td className="number">{count(each.n)}</td>
                </tr>
              ))}
          </tbody>
        ))}
      </table>
    </Wide>
  );
}

/** Features that are shown at first. */
const FIRST = 20;
const RANK = { alarm: 0, watch: 1, ok: 2, "not enough data": 3 } as const;

interface HeatProps {
  weeks: Weeks;
  measure: string;
  onMeasure: (measure: string) => void;
}

function FeatureHeat({ weeks, measure, onMeasure }: HeatProps) {
  const words = texts.weeks.heat;
  const [all, setAll] = useState(false);
  const measures = [...new Set(weeks.features.map((each) => each.metric))].sort(
    (one, two) => Number(two === "psi") - Number(one === "psi") || one.localeCompare(two),
  );
  const chosen = measures.includes(measure) ? measure : (measures[0] ?? "");
  const columns = useMemo(() => weeks.windows.map((each) => each.window), [weeks.windows]);
  const rows = useMemo(() => heatRows(weeks, chosen, columns), [weeks, chosen, columns]);
  const models = weeks.windows.map((each) => each.model_version);
  const changed = new Set(
    models.flatMap((model, place) => (place > 0 && model !== models[place - 1] ? [place] : [])),
  );
  const shown = all ? rows : rows.slice(0, FIRST);
  const title = texts.weeks.metrics[chosen] ?? chosen.replaceAll("_", " ");
  return (
    <section className="panel stack">
      {measures.length > 1 && (
        <div className="row">
          <label htmlFor="measure">{words.metric}</label>
          <select id="measure" value={chosen} onChange={(event) => onMeasure(event.target.value)}>
            {measures.map((each) => (
              <option key={each} value={each}>
                {texts.weeks.metrics[each] ?? each.replaceAll("_", " ")}
              </option>
            ))}
          </select>
        </div>
      )}
      {rows.length === 0 ? (
        <>
          <h2>{words.title}</h2>
          <p>{words.none}</p>
        </>
      ) : (
        <HeatMap
          title={words.title}
          description={words.words(title)}
          rowName={words.feature}
          columns={columns}
          rows={shown}
          newModel={changed}
        />
      )}
      {shown.length < rows.length && (
        <div className="row">
          <span className="hint">{words.more(rows.length - shown.length)}</span>
          <button type="button" onClick={() => setAll(true)}>
            {words.all}
          </button>
        </div>
      )}
    </section>
  );
}

/** Returns the features with their cells: what alarms in the newest week comes first, then by the newest value. */
export function heatRows(weeks: Weeks, metric: string, columns: readonly string[]): HeatRow[] {
  const byFeature = new Map<string, Map<string, Weeks["features"][number]>>();
  for (const each of weeks.features) {
    if (each.metric !== metric) continue;
    const cells = byFeature.get(each.feature) ?? new Map();
    cells.set(each.window, each);
    byFeature.set(each.feature, cells);
  }
  const newest = columns[0] ?? "";
  const rank = (cells: Map<string, Weeks["features"][number]>) =>
    RANK[cells.get(newest)?.verdict ?? "not enough data"];
  const size = (cells: Map<string, Weeks["features"][number]>) => Math.abs(cells.get(newest)?.value ?? 0);
  return [...byFeature]
    .sort(([one, a], [two, b]) => rank(a) - rank(b) || size(b) - size(a) || one.localeCompare(two))
    .map(([name, cells]) => ({
      name,
      cells: columns.map((column) => {
        const cell = cells.get(column);
        return cell ? { verdict: cell.verdict, value: cell.value, threshold: cell.threshold } : null;
      }),
    }));
}
