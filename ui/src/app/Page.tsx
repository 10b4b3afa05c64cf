/** The frame of a screen: its title, and the focus on it when the person comes from another screen. */
import { type ReactNode, useEffect, useLayoutEffect, useRef } from "react";
import { texts } from "../texts";
import { createStore } from "./store";

/** Whether a screen has been shown before: the first one leaves the focus where the browser has it. */
const shown = createStore(false);

interface Props {
  title: string;
  /** The title of the tab, if it is another: the browser keeps titles in its history, so they name no claim. */
  tab?: string;
  /** In the heading, after the title. */
  aside?: ReactNode;
  className?: string;
  children?: ReactNode;
}

export function Page({ title, tab = title, aside, className = "", children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = texts.app.documentTitle(tab);
  }, [tab]);
  // Before the screen is painted: later, the focus would be taken from an element that a key has chosen since.
  useLayoutEffect(() => {
    if (shown.get()) heading.current?.focus({ preventScroll: true });
    shown.set(true);
    scrollTo(0, 0);
  }, []);
  return (
    <section className={`page ${className}`}>
      <header className="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {aside}
      </header>
      {children}
    </section>
  );
}
