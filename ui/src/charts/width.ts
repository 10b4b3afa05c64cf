import { type RefObject, useEffect, useRef, useState } from "react";

/** Returns a reference for an element and its width in pixels, so that text in a chart keeps its size. */
export function useWidth<E extends Element>(before = 640): [RefObject<E | null>, number] {
  const element = useRef<E>(null);
  const [width, setWidth] = useState(before);
  useEffect(() => {
    const observed = element.current;
    if (observed === null || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(([entry]) => {
      const found = Math.floor(entry?.contentRect.width ?? 0);
      if (found > 0) setWidth(found);
    });
    observer.observe(observed);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}
