/** A few numbers that matter, each with its name and a sentence. */
import type { ReactNode } from "react";
import "./figures.css";

export interface Figure {
  name: string;
  value: ReactNode;
  detail?: ReactNode;
  tone?: "bad" | "good";
}

export function Figures({ figures }: { figures: readonly Figure[] }) {
  return (
    <dl className="figures">
      {figures.map((figure) => (
        <div key={figure.name} className={figure.tone}>
          <dt>{figure.name}</dt>
          <dd className="figure-value">{figure.value}</dd>
          {figure.detail && <dd className="figure-detail">{figure.detail}</dd>}
        </div>
      ))}
    </dl>
  );
}
