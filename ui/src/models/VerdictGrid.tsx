/** The worst verdict of each check by week. Marks differ by shape; words are there for assistive technology. */
import { Wide } from "../charts/Wide";
import { texts } from "../texts";
import "../charts/charts.css";
import type { Window } from "./queries";

/** Checks in the order in which their alarms matter. */
const CHECKS = Object.keys(texts.weeks.checks);

const MARKS = { ok: "✓", watch: "◆", alarm: "▲", none: "·", missing: "?" } as const;
const LEVELS = {
  ok: "heat-0",
  watch: "heat-2",
  alarm: "heat-4",
  none: "heat-none",
  missing: "heat-none",
} as const;

type Shown = keyof typeof MARKS;

function shownOf(window: Window, check: string): Shown {
  const found = window.checks.find((each) => each.check === check);
  if (!found || found.verdict === null) return "missing";
  return found.verdict === "not enough data" ? "none" : found.verdict;
}

interface Props {
  /** The newest first. */
  windows: readonly Window[];
  chosen: string;
  onChoose: (week: string) => void;
}

export function VerdictGrid({ windows, chosen, onChoose }: Props) {
  const words = texts.weeks.grid;
  const present = new Set(windows.flatMap((window) => window.checks.map((each) => each.check)));
  const checks = [...CHECKS, ...[...present].filter((check) => !CHECKS.includes(check))];
  return (
    <section className="panel stack" aria-labelledby="verdicts-title">
      <h2 id="verdicts-title">{words.title}</h2>
      <p className="muted">{words.words}</p>
      <Wide name={words.title}>
        <table className="heat">
          <thead>
            <tr>
              <th scope="col">{words.check}</th>
              {windows.map((window) => (
                <th key={window.window} scope="col">
                  <button
                    type="button"
                    className="grid-week"
                    aria-pressed={window.window === chosen}
                    aria-label={words.choose(window.window)}
                    onClick={() => onChoose(window.window)}
                  >
                    {window.window}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">{words.model}</th>
              {windows.map((window) => (
                <td key={window.window} className="heat-none">
                  {window.model_version}
                </td>
              ))}
            </tr>
            {checks.map((check) => (
              <tr key={check}>
                <th scope="row">{texts.weeks.checks[check] ?? check}</th>
                {windows.map((window) => {
                  const shown = shownOf(window, check);
                  return (
                    <td key={window.window} className={LEVELS[shown]}>
                      <span aria-hidden="true">{MARKS[shown]}</span>
                      <span className="visually-hidden">{words.legend[shown]}</span>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <ul className="chart-legend">
        {(Object.keys(MARKS) as Shown[]).map((each) => (
          <li key={each}>
            <span className={`heat-key ${LEVELS[each]}`} aria-hidden="true">
              {MARKS[each]}
            </span>
            {words.legend[each]}
          </li>
        ))}
      </ul>
    </section>
  );
}
