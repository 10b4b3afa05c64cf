import { count } from "../format/format";
import { texts } from "../texts";
import { ColumnLines } from "./axes";
import { ChartFrame, Picture } from "./ChartFrame";
import { scaleOf, ticksOf } from "./scale";
import { useWidth } from "./width";

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Draws attention to the bar: by colour, and by a word in the label or table. */
  readonly tone?: "alarm" | "watch";
}

interface Props {
  readonly title: string;
  readonly description: string;
  /** Names of the two columns of the table. */
  readonly labelName: string;
  readonly valueName: string;
  readonly bars: readonly Bar[];
  readonly format?: (value: number) => string;
  readonly whole?: boolean;
}

const ROW = 30;
const BELOW = 22;

/** Horizontal bars, each with its value written at its end. */
export function Bars({ title, description, labelName, valueName, bars, format = count, whole }: Props) {
  const [area, width] = useWidth<HTMLDivElement>();
  const left = Math.min(170, Math.max(70, Math.round(width * 0.3)));
  const right = width - 56;
  const ticks = ticksOf(0, Math.max(...bars.map((bar) => bar.value), 0), width < 460 ? 3 : 5, whole ?? true);
  const across = scaleOf(0, ticks[ticks.length - 1] ?? 1, left, right);
  const bottom = bars.length * ROW + 6;
  return (
    <ChartFrame
      title={title}
      description={description}
      table={{
        columns: [{ name: labelName }, { name: valueName, numeric: true }],
        rows: bars.map((bar) => ({ key: bar.label, cells: [bar.label, format(bar.value)] })),
      }}
    >
      <Picture title={title} description={description} width={width} height={bottom + BELOW} area={area}>
        <ColumnLines ticks={ticks} scale={across} format={format} from={0} to={bottom} />
        {bars.map((bar, place) => (
          <g key={bar.label}>
            <title>{texts.charts.point(bar.label, format(bar.value))}</title>
            <text className="chart-label" x={left - 8} y={place * ROW + 20} textAnchor="end">
              {bar.label}
            </text>
            <rect
              className={`chart-mark-1 ${bar.tone ? `chart-${bar.tone}` : ""}`}
              data-value={bar.value}
              x={left}
              y={place * ROW + 7}
              width={Math.max(across(bar.value) - left, bar.value > 0 ? 1 : 0)}
              height={ROW - 12}
              rx="2"
            />
            <text className="chart-value" x={across(bar.value) + 6} y={place * ROW + 20}>
              {format(bar.value)}
            </text>
          </g>
        ))}
      </Picture>
    </ChartFrame>
  );
}
