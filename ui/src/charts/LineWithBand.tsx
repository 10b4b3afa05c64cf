import { percent } from "../format/format";
import { texts } from "../texts";
import { RowLines } from "./axes";
import { ChartFrame, Picture } from "./ChartFrame";
import { scaleOf, shownLabels, ticksOf } from "./scale";
import { useWidth } from "./width";

export interface Moment {
  readonly label: string;
  /** Null is a gap. */
  readonly value: number | null;
  readonly low?: number | null;
  readonly high?: number | null;
}

interface Props {
  readonly title: string;
  readonly description: string;
  readonly labelName: string;
  readonly valueName: string;
  readonly moments: readonly Moment[];
  readonly format?: (value: number) => string;
  /** A dashed line, such as a threshold. */
  readonly bound?: number | null;
  readonly boundName?: string;
  readonly height?: number;
}

interface Placed {
  readonly place: number;
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

const LEFT = 46;
const TOP = 12;
const BOTTOM = 24;

/** Values over time as a line with their 95 % intervals as a band; a missing value interrupts both. */
export function LineWithBand(props: Props) {
  const { title, description, labelName, valueName, moments, bound, boundName, height = 200 } = props;
  const format = props.format ?? ((value: number) => percent(value));
  const [area, width] = useWidth<HTMLDivElement>();
  const right = width - 12;
  const runs = runsOf(moments);
  const edges = runs
    .flat()
    .flatMap((each) => [each.value, each.low, each.high])
    .filter((each) => each !== null);
  if (bound !== null && bound !== undefined) edges.push(bound);
  const ticks = ticksOf(Math.min(...edges, 0), Math.max(...edges, 0.01), 4);
  const up = scaleOf(ticks[0] ?? 0, ticks[ticks.length - 1] ?? 1, height - BOTTOM, TOP);
  const across = scaleOf(0, Math.max(moments.length - 1, 1), LEFT + 10, right - 10);
  const shown = shownLabels(moments.length, right - LEFT, 84);
  return (
    <ChartFrame
      title={title}
      description={description}
      legend={
        bound !== null && bound !== undefined && boundName
          ? [{ name: boundName, mark: "chart-legend-limit" }]
          : []
      }
      table={{
        columns: [
          { name: labelName },
          { name: valueName, numeric: true },
          { name: texts.charts.intervalName, numeric: true },
        ],
        rows: moments.map((each) => ({
          key: each.label,
          cells: [
            each.label,
            each.value === null ? "–" : format(each.value),
            each.value === null || each.low == null || each.high == null
              ? "–"
              : texts.charts.range(format(each.low), format(each.high)),
          ],
        })),
      }}
    >
      <Picture title={title} description={description} width={width} height={height} area={area}>
        <RowLines ticks={ticks} scale={up} format={format} from={LEFT} to={right} />
        {runs.map((run) => {
          const banded = run.filter((each) => each.low !== null && each.high !== null);
          const upper = banded.map((each) => `${across(each.place)} ${up(each.high ?? 0)}`);
          const lower = banded.map((each) => `${across(each.place)} ${up(each.low ?? 0)}`).reverse();
          return (
            <g key={run[0]?.place}>
              {banded.length > 1 && <path className="chart-band" d={`M${[...upper, ...lower].join("L")}Z`} />}
              {banded.length === 1 && <path className="chart-whisker" d={`M${upper[0]}L${lower[0]}`} />}
              <polyline
                className="chart-line"
                points={run.map((each) => `${across(each.place)},${up(each.value)}`).join(" ")}
              />
              {run.map((each) => (
                <circle
                  key={each.place}
                  className="chart-dot"
                  data-value={each.value}
                  cx={across(each.place)}
                  cy={up(each.value)}
                  r="3.5"
                >
                  <title>{texts.charts.point(moments[each.place]?.label ?? "", format(each.value))}</title>
                </circle>
              ))}
            </g>
          );
        })}
        {bound !== null && bound !== undefined && (
          <line className="chart-limit" x1={LEFT} x2={right} y1={up(bound)} y2={up(bound)} />
        )}
        {moments.map(
          (each, place) =>
            shown.has(place) && (
              <text
                key={each.label}
                x={Math.min(across(place), right - 24)}
                y={height - 6}
                textAnchor="middle"
              >
                {each.label}
              </text>
            ),
        )}
      </Picture>
    </ChartFrame>
  );
}

function runsOf(moments: readonly Moment[]): Placed[][] {
  const runs: Placed[][] = [];
  let open = false;
  moments.forEach((each, place) => {
    if (each.value === null) {
      open = false;
      return;
    }
    const placed = { place, value: each.value, low: each.low ?? null, high: each.high ?? null };
    if (open) runs[runs.length - 1]?.push(placed);
    else runs.push([placed]);
    open = true;
  });
  return runs;
}
