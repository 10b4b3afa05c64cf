import type { Scale } from "./scale";

interface Lines {
  readonly ticks: readonly number[];
  readonly scale: Scale;
  readonly format: (value: number) => string;
  /** Ends of the lines. */
  readonly from: number;
  readonly to: number;
}

/** Horizontal lines with their values at the left. */
export function RowLines({ ticks, scale, format, from, to }: Lines) {
  return ticks.map((tick) => (
    <g key={tick}>
      <line className="chart-line-quiet" x1={from} x2={to} y1={scale(tick)} y2={scale(tick)} />
      <text x={from - 6} y={scale(tick)} dy="0.32em" textAnchor="end">
        {format(tick)}
      </text>
    </g>
  ));
}

/** Vertical lines with their values below. */
export function ColumnLines({ ticks, scale, format, from, to }: Lines) {
  return ticks.map((tick) => (
    <g key={tick}>
      <line className="chart-line-quiet" x1={scale(tick)} x2={scale(tick)} y1={from} y2={to} />
      <text x={scale(tick)} y={to + 15} textAnchor="middle">
        {format(tick)}
      </text>
    </g>
  ));
}
