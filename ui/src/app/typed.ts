/** A field whose text is applied when the typing pauses: what it filters is asked for, and each request is on record. */
import { type ChangeEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";

/** Milliseconds without a key after which a person has probably finished. */
const PAUSE = 600;

/**
 * Returns the properties of an input. `apply` gets its text after a pause, at Enter, or when the field is left.
 *
 * `applied` is the text that was applied last; it is shown until something else is typed.
 */
export function useTyped(applied: string, apply: (text: string) => void) {
  const [typed, setTyped] = useState<string | null>(null);
  const now = () => {
    if (typed === null) return;
    setTyped(null);
    if (typed !== applied) apply(typed);
  };
  const newest = useRef(now);
  newest.current = now;
  useEffect(() => {
    if (typed === null) return;
    const timer = setTimeout(() => newest.current(), PAUSE);
    return () => clearTimeout(timer);
  }, [typed]);
  return {
    value: typed ?? applied,
    onChange: (event: ChangeEvent<HTMLInputElement>) => setTyped(event.target.value),
    onBlur: now,
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key === "Enter") now();
    },
  };
}
