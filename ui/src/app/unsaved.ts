/** What was typed and not sent, so that nobody loses it by a sign-in or by closing the page. */
import { useEffect } from "react";
import { forgetOnSignOut } from "./forget";
import { createStore } from "./store";

const typed = createStore<ReadonlySet<string>>(new Set());

export const hasUnsaved = () => typed.get().size > 0;

export const forgetUnsaved = () => typed.set(new Set());
forgetOnSignOut(forgetUnsaved);

/** Marks a form as holding text that was not sent. */
export function useUnsaved(form: string, unsaved: boolean): void {
  useEffect(() => {
    if (!unsaved) return;
    typed.set(new Set([...typed.get(), form]));
    return () => typed.set(new Set([...typed.get()].filter((one) => one !== form)));
  }, [form, unsaved]);
}

addEventListener("beforeunload", (event) => {
  if (hasUnsaved()) event.preventDefault();
});
