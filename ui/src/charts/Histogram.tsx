import { count } from "../format/format";
import { texts } from "../texts";
import { RowLines } from "./axes";
import { ChartFrame, Picture } from "./ChartFrame";
import { scaleOf, ticksOf } from "./scale";
import { useWidth } from "./width";

export interface Bin {
  /** What the bin holds, such as `3–7 days`. */
  readonly label: string;
  readonly count: number;
  /** How many of them are late. */
  readonly late?: number;
}

interface Props {
  readonly title: string;
  readonly description: string;
  readonly binName: string;
  readonly countName: string;
  readonly lateName?: string;
  readonly bins: readonly Bin[];
  readonly height?: number;
}

const LEFT = 40;
const TOP = 18;
const BOTTOM = 24;

/** Counts of adjoining ranges, such as the ages of open cases; the late ones are hatched. */
export function Histogram({ title, description, binName, countName, lateName, bins, height = 200 }: Props) {
  const [area, width] = useWidth<HTMLDivElement>();
  const right = width - 8;
  const ticks = ticksOf(0, Math.max(...bins.map((bin) => bin.count), 1), 4, true);
  const up = scaleOf(0, ticks[ticks.length - 1] ?? 1, height - BOTTOM, TOP);
  const step = (right - LEFT) / Math.max(bins.length, 1);
  const lates = lateName !== undefined && bins.some((bin) => (bin.late ?? 0) > 0);
  return (
    <ChartFrame
      title={title}
      description={description}
      legend={
        lates && lateName
          ? [
              { name: texts.charts.inTime, mark: "chart-mark-2" },
              { name: lateName, mark: "chart-mark-1" },
            ]
          : []
      }
      table={{
        columns: [
          { name: binName },
          { name: countName, numeric: true },
          ...(lates && lateName ? [{ name: lateName, numeric: true }] : []),
        ],
        rows: bins.map((bin) => ({
          key: bin.label,
          cells: [bin.label, count(bin.count), ...(lates && lateName ? [count(bin.late ?? 0)] : [])],
        })),
      }}
    >
      <Picture title={title} description={description} width={width} height={height} area={area}>
        <RowLines ticks={ticks} scale={up} format={count} from={LEFT} to={right} />
        {bins.map((bin, place) => {
          const late = bin.late ?? 0;
          const x = LEFT + place * step + 1;
          return (
            <g key={bin.label}>
              <title>{texts.charts.point(bin.label, count(bin.count))}</title>
              <rect
                className="chart-mark-2"
                data-value={bin.count - late}
                x={x}
                y={up(bin.count)}
                width={Math.max(step - 2, 1)}
                height={up(late) - up(bin.count)}
              />
              {late > 0 && (
                <rect
                  className="chart-mark-1"
                  data-value={late}
                  x={x}
                  y={up(late)}
                  width={Math.max(step - 2, 1)}
                  height={up(0) - up(late)}
                />
              )}
              {bin.count > 0 && (
                <text className="chart-value" x={x + step / 2 - 1} y={up(bin.count) - 4} textAnchor="middle">
                  {count(bin.count)}
                </text>
              )}
              <text x={x + step / 2 - 1} y={height - 6} textAnchor="middle">
                {bin.label}
              </text>
            </g>
          );
        })}
        <line className="chart-axis" x1={LEFT} x2={right} y1={up(0)} y2={up(0)} />
      </Picture>
    </ChartFrame>
  );
}
