/** What may be wider than the screen: it scrolls by itself, and then it is a region that a keyboard reaches. */
import { type ReactNode, useEffect, useRef, useState } from "react";
import { texts } from "../texts";

interface Props {
  /** What it holds, for assistive technology. */
  name: string;
  children: ReactNode;
}

export function Wide({ name, children }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const [wide, setWide] = useState(false);
  useEffect(() => {
    const observed = element.current;
    if (observed === null || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(() => setWide(observed.scrollWidth > observed.clientWidth));
    observer.observe(observed);
    if (observed.firstElementChild) observer.observe(observed.firstElementChild);
    return () => observer.disconnect();
  }, []);
  return (
    <div
      ref={element}
      className="table-wrap"
      {...(wide && { role: "region", "aria-label": texts.charts.tableOf(name), tabIndex: 0 })}
    >
      {children}
    </div>
  );
}
