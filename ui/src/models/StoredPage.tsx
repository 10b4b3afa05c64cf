/** A model's card or a week's report in a sandboxed frame. */
import { useLayoutEffect, useMemo, useRef } from "react";
import { Answer } from "../app/Answer";
import { useStore } from "../app/store";
import { theme } from "../app/theme";
import { texts } from "../texts";
import { useStoredPage } from "./queries";
import { dress, sealedPage, themed } from "./sealedPage";

interface Props {
  title: string;
  path: string;
  onClose: () => void;
}

export function StoredPage({ title, path, onClose }: Props) {
  const words = texts.models.page;
  const page = useStoredPage(path);
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    heading.current?.focus({ preventScroll: true });
    heading.current?.scrollIntoView({ block: "start" });
  }, []);
  return (
    <section className="panel stack" aria-labelledby="stored-page">
      <div className="panel-head">
        <h2 id="stored-page" ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <button type="button" onClick={onClose}>
          {words.close}
        </button>
      </div>
      <Answer query={page}>{(html) => <Frame title={title} html={html} />}</Answer>
    </section>
  );
}

export function Frame({ title, html }: { title: string; html: string }) {
  const sealed = useMemo(() => sealedPage(html), [html]);
  const chosen = useStore(theme);
  return (
    <iframe
      // Another theme is another frame, which gets its rules when it has loaded.
      key={chosen}
      className="stored-page"
      title={texts.models.page.frame(title)}
      // The same origin, so that the page can be given its style; without scripts, so that it can do nothing with it.
      sandbox="allow-same-origin"
      referrerPolicy="no-referrer"
      srcDoc={sealed.html}
      onLoad={(event) => {
        const shown = event.currentTarget.contentDocument;
        if (shown) dress(shown, themed(sealed.css, chosen));
      }}
    />
  );
}
