import { texts } from "../texts";
import { Wide } from "./Wide";
import "./charts.css";
import { measure } from "../format/format";

export type Verdict = "ok" | "watch" | "alarm" | "not enough data";

export interface HeatCell {
  readonly verdict: Verdict;
  readonly value: number | null;
  /** The value that alarms. */
  readonly threshold: number | null;
}

export interface HeatRow {
  readonly name: string;
  /** One cell for each column; null where nothing was computed. */
  readonly cells: readonly (HeatCell | null)[];
}

interface Props {
  readonly title: string;
  readonly description: string;
  readonly rowName: string;
  /** Such as weeks. */
  readonly columns: readonly string[];
  readonly rows: readonly HeatRow[];
  /** Columns whose model is not that of the column before. */
  readonly newModel?: ReadonlySet<number>;
}

const MARKS: Record<Verdict, string> = { ok: "", watch: "◆", alarm: "▲", "not enough data": "" };

/**
 * Verdicts and values by row and week. It is a table: each cell says its value in digits, and a mark repeats
 * what the colour says.
 */
export function HeatMap({ title, description, rowName, columns, rows, newModel }: Props) {
  const words = texts.charts.heat;
  return (
    <figure className="chart" aria-label={title}>
      <figcaption>
        <strong>{title}</strong>
        <span>{description}</span>
      </figcaption>
      <Wide name={title}>
        <table className="heat">
          <caption className="visually-hidden">{title}</caption>
          <thead>
            <tr>
              <th scope="col">{rowName}</th>
              {columns.map((column, place) => (
                <th key={column} scope="col" className={newModel?.has(place) ? "heat-new" : undefined}>
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.name}>
                <th scope="row">{row.name}</th>
                {columns.map((column, place) => {
                  const cell = row.cells[place] ?? null;
                  const bound = newModel?.has(place) ? " heat-new" : "";
                  if (cell === null || cell.verdict === "not enough data" || cell.value === null) {
                    return (
                      <td key={column} className={`heat-none${bound}`}>
                        <span aria-hidden="true">·</span>
                        <span className="visually-hidden">{words.noData}</span>
                      </td>
                    );
                  }
                  return (
                    <td
                      key={column}
                      className={`heat-${levelOf(cell)}${bound}`}
                      title={
                        cell.threshold === null
                          ? measure(cell.value)
                          : words.ofThreshold(measure(cell.value), measure(cell.threshold))
                      }
                    >
                      {MARKS[cell.verdict] && <span aria-hidden="true">{MARKS[cell.verdict]} </span>}
                      {measure(cell.value)}
                      {cell.verdict !== "ok" && (
                        <span className="visually-hidden"> {words.verdicts[cell.verdict]}</span>
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <ul className="chart-legend">
        {words.levels.map((level, place) => (
          <li key={level}>
            <span className={`heat-key heat-${place}`} aria-hidden="true">
              {place === 2 ? MARKS.watch : place > 2 ? MARKS.alarm : ""}
            </span>
            {level}
          </li>
        ))}
        {newModel && newModel.size > 0 && (
          <li>
            <span className="heat-key heat-new" aria-hidden="true" />
            {words.newModel}
          </li>
        )}
      </ul>
    </figure>
  );
}

/** Returns 0 to 4: calm, nearly, watch, alarm, and far above the bound. */
export function levelOf(cell: HeatCell): 0 | 1 | 2 | 3 | 4 {
  const multiple = cell.threshold && cell.value !== null ? Math.abs(cell.value / cell.threshold) : 0;
  if (cell.verdict === "alarm") return multiple > 2 ? 4 : 3;
  if (cell.verdict === "watch") return 2;
  return multiple > 0.5 ? 1 : 0;
}
