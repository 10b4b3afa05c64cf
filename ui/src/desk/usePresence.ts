/** Whether somebody works with the page: it is visible, and a key or the pointer was used in the last two minutes. */
import { useEffect, useRef, useState } from "react";

const IDLE_AFTER = 120_000;

/** Returns a function that says whether somebody works with the page at the moment. */
export function usePresence(): () => boolean {
  const last = useRef(performance.now());
  useEffect(() => {
    const seen = () => {
      last.current = performance.now();
    };
    const kinds = ["keydown", "pointerdown", "pointermove", "wheel", "scroll"] as const;
    for (const kind of kinds) document.addEventListener(kind, seen, { capture: true, passive: true });
    return () => {
      for (const kind of kinds) document.removeEventListener(kind, seen, { capture: true });
    };
  }, []);
  const present = useRef(
    () => document.visibilityState === "visible" && performance.now() - last.current < IDLE_AFTER,
  );
  return present.current;
}

/** Returns a function that says for how many seconds the component has been visible. */
export function useSecondsOnScreen(): () => number {
  const clock = useRef({
    before: 0,
    since: document.visibilityState === "visible" ? performance.now() : null,
  });
  useEffect(() => {
    const changed = () => {
      const now = performance.now();
      const { before, since } = clock.current;
      const visible = document.visibilityState === "visible";
      if (visible && since === null) clock.current = { before, since: now };
      if (!visible && since !== null) clock.current = { before: before + now - since, since: null };
    };
    document.addEventListener("visibilitychange", changed);
    return () => document.removeEventListener("visibilitychange", changed);
  }, []);
  return () => {
    const { before, since } = clock.current;
    return Math.round((before + (since === null ? 0 : performance.now() - since)) / 100) / 10;
  };
}

/** Renders again every second while the page is visible. */
export function useEverySecond(): void {
  const [, again] = useState(0);
  useEffect(() => {
    const tick = setInterval(() => {
      if (document.visibilityState === "visible") again((n) => n + 1);
    }, 1000);
    return () => clearInterval(tick);
  }, []);
}
