/** A message about what was just done, with a way to take it back for some seconds. It stays across screens. */
import { useEffect, useState } from "react";
import { useKeys } from "../keyboard/keys";
import { texts } from "../texts";
import { announce } from "./announce";
import { forgetOnSignOut } from "./forget";
import { createStore, useStore } from "./store";

export interface Message {
  text: string;
  bad?: boolean;
  /** Until when, by `performance.now()`: changes of the clock do not matter. */
  until: number;
  /** A button, and the key that does the same. */
  action?: { name: string; key: string; run: () => Promise<void> | void };
}

const current = createStore<Message | null>(null);

export function showMessage(message: Message): void {
  current.set(message);
  const { text, action, bad = false } = message;
  announce(action ? texts.app.offer(text, action.name, action.key) : text, { now: bad });
}

export function hideMessage(): void {
  current.set(null);
}
forgetOnSignOut(hideMessage);

function Shown({ message: { text, action, until, bad } }: { message: Message }) {
  const [now, setNow] = useState(() => performance.now());
  const left = Math.max(0, until - now);
  useEffect(() => {
    const tick = setInterval(() => setNow(performance.now()), 250);
    return () => clearInterval(tick);
  }, []);
  useEffect(() => {
    if (left === 0) hideMessage();
  }, [left]);
  const take = () => {
    hideMessage();
    void action?.run();
  };
  useKeys(action ? [{ key: action.key, label: action.name, group: texts.keys.everywhere, run: take }] : []);
  return (
    <section className={bad ? "toast bad" : "toast"} aria-label={texts.app.message}>
      <p>{text}</p>
      {action && (
        <button type="button" onClick={take}>
          {action.name} <kbd>{action.key}</kbd> <span aria-hidden="true">{Math.ceil(left / 1000)} s</span>
        </button>
      )}
    </section>
  );
}

export function Toast() {
  const message = useStore(current);
  return message && <Shown key={message.until} message={message} />;
}
