import { type ReactNode, type Ref, useId } from "react";
import { texts } from "../texts";
import { type Column, DataTable, type Row } from "./DataTable";
import "./charts.css";

export interface ChartTable {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

export interface LegendEntry {
  readonly name: string;
  /** The class of the mark, as the chart draws it. */
  readonly mark: string;
}

interface Props {
  readonly title: string;
  /** What the chart says, in a sentence: the picture's description. */
  readonly description: string;
  readonly table: ChartTable;
  readonly legend?: readonly LegendEntry[];
  readonly open?: boolean;
  readonly children: ReactNode;
}

/** A chart with its title and a sentence, and the same numbers as a table, which opens on demand. */
export function ChartFrame({ title, description, table, legend, open = false, children }: Props) {
  const name = useId();
  return (
    <figure className="chart" aria-labelledby={name}>
      <figcaption>
        <strong id={name}>{title}</strong>
        <span>{description}</span>
      </figcaption>
      {legend && legend.length > 0 && (
        <ul className="chart-legend">
          {legend.map((entry) => (
            <li key={entry.name}>
              <svg width="14" height="14" aria-hidden="true">
                <rect className={entry.mark} x="1" y="1" width="12" height="12" rx="2" />
              </svg>
              {entry.name}
            </li>
          ))}
        </ul>
      )}
      {children}
      <details className="chart-table" open={open}>
        <summary>{texts.charts.asTable(title)}</summary>
        <DataTable caption={title} hideCaption columns={table.columns} rows={table.rows} />
      </details>
    </figure>
  );
}

interface PictureProps {
  readonly title: string;
  readonly description: string;
  readonly width: number;
  readonly height: number;
  readonly area: Ref<HTMLDivElement>;
  readonly children: ReactNode;
}

/** The drawing: one picture for assistive technology, named by title and description. */
export function Picture({ title, description, width, height, area, children }: PictureProps) {
  return (
    <div className="chart-area" ref={area}>
      <svg
        role="img"
        aria-label={`${title}. ${description}`}
        viewBox={`0 0 ${width} ${height}`}
        width={width}
        height={height}
      >
        {children}
      </svg>
    </div>
  );
}
