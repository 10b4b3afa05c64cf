import type { ReactNode } from "react";
import { Wide } from "./Wide";

export interface Column {
  readonly name: string;
  /** Numbers are aligned at the right. */
  readonly numeric?: boolean;
}

export interface Row {
  readonly key: string;
  /** One cell for each column; the first one is the header of the row. */
  readonly cells: readonly ReactNode[];
}

interface Props {
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly hideCaption?: boolean;
}

/** A table whose first column holds the headers of its rows; it scrolls by itself if it is too wide. */
export function DataTable({ caption, columns, rows, hideCaption = false }: Props) {
  return (
    <Wide name={caption}>
      <table>
        <caption className={hideCaption ? "visually-hidden" : undefined}>{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.name} scope="col" className={column.numeric ? "number" : undefined}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key}>
              {row.cells.map((cell, place) =>
                place === 0 ? (
                  <th key={columns[place]?.name} scope="row">
                    {cell}
                  </th>
                ) : (
                  <td key={columns[place]?.name} className={columns[place]?.numeric ? "number" : undefined}>
                    {cell}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}
