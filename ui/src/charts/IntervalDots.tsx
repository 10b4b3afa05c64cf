import { count, percent } from "../format/format";
import { texts } from "../texts";
import { ColumnLines } from "./axes";
import { ChartFrame, Picture } from "./ChartFrame";
import { scaleOf, ticksOf } from "./scale";
import { useWidth } from "./width";

export interface Estimate {
  readonly label: string;
  /** Null if too little is known; the row then says so. */
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** The number of claims or decisions behind it. */
  readonly of: number;
}

interface Props {
  readonly title: string;
  readonly description: string;
  readonly labelName: string;
  readonly valueName: string;
  readonly ofName: string;
  readonly estimates: readonly Estimate[];
  readonly format?: (value: number) => string;
  /** Ends of the axis; by default, those of the intervals. */
  readonly from?: number;
  readonly to?: number;
}

const ROW = 34;
const BELOW = 22;

/** Estimates as dots on their 95 % intervals; one that rests on too little is named, but not drawn. */
export function IntervalDots(props: Props) {
  const { title, description, labelName, valueName, ofName, estimates, format = (v) => percent(v) } = props;
  const [area, width] = useWidth<HTMLDivElement>();
  const left = Math.min(190, Math.max(84, Math.round(width * 0.3)));
  const right = width - 22;
  const edges = estimates
    .flatMap((each) => [each.value, each.low, each.high])
    .filter((each) => each !== null);
  const ticks = ticksOf(
    props.from ?? Math.min(...edges, 0),
    props.to ?? Math.max(...edges, 0.1),
    width < 460 ? 3 : 5,
  );
  const across = scaleOf(ticks[0] ?? 0, ticks[ticks.length - 1] ?? 1, left, right);
  const bottom = estimates.length * ROW + 4;
  const words = (each: Estimate) =>
    each.value === null
      ? texts.charts.tooFew(count(each.of))
      : texts.charts.interval(
          format(each.value),
          format(each.low ?? each.value),
          format(each.high ?? each.value),
        );
  return (
    <ChartFrame
      title={title}
      description={description}
      table={{
        columns: [
          { name: labelName },
          { name: valueName, numeric: true },
          { name: texts.charts.intervalName, numeric: true },
          { name: ofName, numeric: true },
        ],
        rows: estimates.map((each) => ({
          key: each.label,
          cells: [
            each.label,
            each.value === null ? texts.charts.tooFewShort : format(each.value),
            each.value === null || each.low === null || each.high === null
              ? "–"
              : texts.charts.range(format(each.low), format(each.high)),
            count(each.of),
          ],
        })),
      }}
    >
      <Picture title={title} description={description} width={width} height={bottom + BELOW} area={area}>
        <ColumnLines ticks={ticks} scale={across} format={format} from={0} to={bottom} />
        {estimates.map((each, place) => {
          const middle = place * ROW + ROW / 2;
          return (
            <g key={each.label}>
              <title>{texts.charts.point(each.label, words(each))}</title>
              <text className="chart-label" x={left - 10} y={middle} dy="0.32em" textAnchor="end">
                {each.label}
              </text>
              {each.value === null ? (
                <text x={left + 6} y={middle} dy="0.32em">
                  {texts.charts.tooFew(count(each.of))}
                </text>
              ) : (
                <>
                  {each.low !== null && each.high !== null && (
                    <path
                      className="chart-whisker"
                      data-low={each.low}
                      data-high={each.high}
                      d={`M${across(each.low)} ${middle - 5}v10m0 -5H${across(each.high)}m0 -5v10`}
                    />
                  )}
                  <circle
                    className="chart-dot"
                    data-value={each.value}
                    cx={across(each.value)}
                    cy={middle}
                    r="5"
                  />
                </>
              )}
            </g>
          );
        })}
      </Picture>
    </ChartFrame>
  );
}
