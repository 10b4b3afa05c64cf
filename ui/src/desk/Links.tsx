/** Claims that share something with this one: a picture and a table of them. Values that too many share are named. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { Answer } from "../app/Answer";
import { navigate } from "../app/hash";
import { LinkGraph, type LinkNode } from "../charts/LinkGraph";
import { count } from "../format/format";
import { useKeys } from "../keyboard/keys";
import { texts } from "../texts";
import { listLinks } from "./calls";
import type { Case } from "./shapes";
import { useSeen } from "./useSeen";

const words = texts.case.links;

/** Opens the case of a claim, or finds the claim if it has none. */
function open({ case_id, claim_id, line }: LinkNode): void {
  navigate(case_id ? `/case/${case_id}` : `/search?${new URLSearchParams({ q: claim_id, line })}`);
}

export function Links({ shown }: { shown: Case }) {
  const part = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const seen = useSeen(part);
  const [hops, setHops] = useState<1 | 2>(1);
  const links = useQuery({
    queryKey: ["case", shown.case_id, "links", hops],
    queryFn: ({ signal }) => listLinks(shown.case_id, hops, signal),
    enabled: seen && shown.linked > 0,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  });
  useKeys([
    {
      key: "l",
      label: words.key,
      group: texts.case.keys,
      run: () => {
        heading.current?.focus();
        part.current?.scrollIntoView({ block: "start" });
      },
    },
  ]);
  return (
    <section className="panel links" ref={part} aria-labelledby="links-title">
      <div className="panel-head">
        <h2 id="links-title" ref={heading} tabIndex={-1}>
          {words.title(shown.linked, count(shown.linked))}
        </h2>
        {shown.linked > 0 && <kbd>l</kbd>}
      </div>
      {shown.linked === 0 ? (
        <p className="muted">{words.none}</p>
      ) : (
        <Answer query={links}>
          {(answer) => (
            <div className="stack">
              <LinkGraph nodes={answer.nodes} edges={answer.edges} hubs={answer.hubs} onOpen={open} />
              {answer.truncated && <p className="hint">{words.truncated}</p>}
              {hops === 1 && (
                <div className="row">
                  <button type="button" onClick={() => setHops(2)} disabled={links.isFetching}>
                    {words.further}
                  </button>
                </div>
              )}
            </div>
          )}
        </Answer>
      )}
    </section>
  );
}
