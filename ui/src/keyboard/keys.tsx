/**
 * Single-letter keys. Components register what a key does while they are on screen; nothing fires while somebody types,
 * while a dialog is open, or together with Ctrl, Alt or Meta.
 */
import { useLayoutEffect, useRef } from "react";
import { createStore, useStore } from "../app/store";

export interface Key {
  /** As `KeyboardEvent.key` reports it: a letter, a digit, `?`. */
  key: string;
  /** What it does, for the list. */
  label: string;
  /** The heading in the list. */
  group: string;
  /** Absent if the element that has the focus handles the key itself: it is only listed. */
  run?: (event: KeyboardEvent) => void;
  /** Keys `1` to `9` may be listed once, as `1–9`. */
  shownAs?: string;
}

const registered = createStore<readonly (readonly Key[])[]>([]);

/** Whether single letters do anything: people who dictate switch them off (WCAG 2.1.4). */
export const keysOn = createStore(true);

const KEY = "claimwatch.keys";

export function readKeysChoice(): void {
  try {
    keysOn.set(localStorage.getItem(KEY) !== "off");
  } catch {
    keysOn.set(true);
  }
}

export function chooseKeys(on: boolean): void {
  keysOn.set(on);
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch {
    // The choice holds until the page is closed.
  }
}

const NOT_TYPED_INTO = ["button", "checkbox", "radio", "submit", "reset", "range", "color", "file", "image"];

/** Returns whether keys that are pressed on an element are text for it. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.closest("[contenteditable=''], [contenteditable='true']"))
    return true;
  if (target instanceof HTMLInputElement) return !NOT_TYPED_INTO.includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

function dispatch(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || event.repeat) return;
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (!keysOn.get() && event.key !== "?") return;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  // The newest registration wins: that of the innermost component.
  for (const keys of registered.get().toReversed()) {
    const found = keys.find(
      (one) => one.run && (one.key === event.key || one.key === event.key.toLowerCase()),
    );
    if (found) {
      event.preventDefault();
      found.run?.(event);
      return;
    }
  }
}

/** Listens for keys as long as the application is on screen. */
export function useKeyboard(): void {
  useLayoutEffect(() => {
    document.addEventListener("keydown", dispatch);
    return () => document.removeEventListener("keydown", dispatch);
  }, []);
}

/**
 * Registers keys while a component is on screen. Pass an empty list to register none.
 *
 * They are registered before the screen is painted: whoever sees a key may press it at once.
 */
export function useKeys(keys: readonly Key[]): void {
  const newest = useRef(keys);
  newest.current = keys;
  const shape = keys
    .map((one) => [one.key, one.label, one.group, one.shownAs ?? "", one.run ? "run" : ""].join("\t"))
    .join("\n");
  useLayoutEffect(() => {
    if (!shape) return;
    const entry: Key[] = shape.split("\n").map((line) => {
      const [key = "", label = "", group = "", shownAs = "", runs = ""] = line.split("\t");
      const run = (event: KeyboardEvent) => newest.current.find((one) => one.key === key)?.run?.(event);
      return { key, label, group, ...(runs && { run }), ...(shownAs && { shownAs }) };
    });
    registered.set([...registered.get(), entry]);
    return () => registered.set(registered.get().filter((one) => one !== entry));
  }, [shape]);
}

/** Returns the registered keys by heading, each once. */
export function useRegisteredKeys(): Map<string, { shown: string; label: string }[]> {
  const keys = useStore(registered).flat();
  const groups = new Map<string, { shown: string; label: string }[]>();
  for (const { key, label, group, shownAs } of keys) {
    const rows = groups.get(group) ?? [];
    const shown = shownAs ?? key;
    if (!rows.some((row) => row.shown === shown)) rows.push({ shown, label });
    groups.set(group, rows);
  }
  return groups;
}
