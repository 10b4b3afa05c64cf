import { count } from "../format/format";
import { texts } from "../texts";
import { RowLines } from "./axes";
import { ChartFrame, Picture } from "./ChartFrame";
import { scaleOf, shownLabels, ticksOf } from "./scale";
import { useWidth } from "./width";

export interface Series {
  readonly key: string;
  readonly name: string;
  /** The mark with which it is drawn; each has its own colour and pattern. */
  readonly mark: 1 | 2 | 3;
}

export interface Week {
  /** Such as `2026-W30`. */
  readonly week: string;
  readonly counts: Readonly<Record<string, number>>;
  /** A line across the week, such as what the capacity allows. */
  readonly limit?: number | null;
}

interface Props {
  readonly title: string;
  readonly description: string;
  readonly series: readonly Series[];
  readonly weeks: readonly Week[];
  /** The name of the line across the weeks. */
  readonly limitName?: string;
  /** Stacked (the default) or beside each other. */
  readonly beside?: boolean;
  readonly height?: number;
}

const LEFT = 40;
const TOP = 12;
const BOTTOM = 24;

/** Bars by week, one part for each series, with a line where a limit is. */
export function StackedWeeks({
  title,
  description,
  series,
  weeks,
  limitName,
  beside = false,
  height = 220,
}: Props) {
  const [area, width] = useWidth<HTMLDivElement>();
  const right = width - 8;
  const totals = weeks.flatMap((week) => {
    const values = series.map((each) => week.counts[each.key] ?? 0);
    return [beside ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0), week.limit ?? 0];
  });
  const ticks = ticksOf(0, Math.max(...totals, 1), 4, true);
  const up = scaleOf(0, ticks[ticks.length - 1] ?? 1, height - BOTTOM, TOP);
  const step = (right - LEFT) / Math.max(weeks.length, 1);
  const bar = Math.min(step * 0.72, 46);
  const shown = shownLabels(weeks.length, right - LEFT, 84);
  const limits = weeks.some((week) => week.limit !== null && week.limit !== undefined);
  return (
    <ChartFrame
      title={title}
      description={description}
      legend={[
        ...series.map((each) => ({ name: each.name, mark: `chart-mark-${each.mark}` })),
        ...(limits && limitName ? [{ name: limitName, mark: "chart-legend-limit" }] : []),
      ]}
      table={{
        columns: [
          { name: texts.charts.week },
          ...series.map((each) => ({ name: each.name, numeric: true })),
          ...(limits && limitName ? [{ name: limitName, numeric: true }] : []),
        ],
        rows: weeks.map((week) => ({
          key: week.week,
          cells: [
            week.week,
            ...series.map((each) => count(week.counts[each.key] ?? 0)),
            ...(limits && limitName ? [week.limit == null ? "–" : count(week.limit)] : []),
          ],
        })),
      }}
    >
      <Picture title={title} description={description} width={width} height={height} area={area}>
        <RowLines ticks={ticks} scale={up} format={count} from={LEFT} to={right} />
        {weeks.map((week, place) => {
          const middle = LEFT + (place + 0.5) * step;
          let below = 0;
          return (
            <g key={week.week}>
              {series.map((each, index) => {
                const value = week.counts[each.key] ?? 0;
                const start = beside ? 0 : below;
                below += value;
                const thin = beside ? bar / series.length : bar;
                const x = middle - bar / 2 + (beside ? index * thin : 0);
                return (
                  <rect
                    key={each.key}
                    className={`chart-mark-${each.mark} chart-part`}
                    data-value={value}
                    data-series={each.key}
                    x={x}
                    y={up(start + value)}
                    width={Math.max(thin - (beside ? 1 : 0), 1)}
                    height={up(start) - up(start + value)}
                  >
                    <title>{texts.charts.weekPoint(week.week, each.name, count(value))}</title>
                  </rect>
                );
              })}
              {week.limit !== null && week.limit !== undefined && (
                <line
                  className="chart-limit"
                  x1={LEFT + place * step}
                  x2={LEFT + (place + 1) * step}
                  y1={up(week.limit)}
                  y2={up(week.limit)}
                />
              )}
              {shown.has(place) && (
                <text x={Math.min(middle, right - 26)} y={height - 6} textAnchor="middle">
                  {week.week}
                </text>
              )}
            </g>
          );
        })}
        <line className="chart-axis" x1={LEFT} x2={right} y1={up(0)} y2={up(0)} />
      </Picture>
    </ChartFrame>
  );
}
