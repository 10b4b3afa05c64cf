/** The home of an investigator: the next case, the cases that the person holds, and the own figures. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { Answer, Failure } from "../app/Answer";
import { Page } from "../app/Page";
import { useKeys } from "../keyboard/keys";
import { OwnStatistics } from "../team/OwnStatistics";
import { useStatistics } from "../team/queries";
import { texts } from "../texts";
import { listQueue, type QueueFilters } from "./calls";
import { useNext, waitingInWords } from "./useNext";
import { Due, StateTag } from "./words";
import "./desk.css";

const words = texts.desk;

const MINE: QueueFilters = { line: "", state: "", holder: "me", q: "", due_before: "" };

export function DeskHome() {
  const next = useNext();
  const statistics = useStatistics();
  const mine = useQuery({
    queryKey: ["queue", MINE, "home"],
    queryFn: ({ signal }) => listQueue(MINE, null, signal),
    staleTime: 0,
  });
  const goOn = () => !next.isPending && next.mutate();
  useKeys([{ key: "n", label: words.next, group: texts.case.keys, run: goOn }]);
  return (
    <Page title={words.title} className="home">
      <section className="panel start" aria-label={words.title}>
        <p className="waiting" role="status">
          {mine.data ? waitingInWords(mine.data.waiting) : mine.error ? "" : texts.app.loading}
        </p>
        <div className="row">
          <button type="button" className="primary large" onClick={goOn} disabled={next.isPending}>
            {words.next} <kbd>n</kbd>
          </button>
          <Link href="/queue" className="button">
            {words.toQueue}
          </Link>
        </div>
        {next.error && <Failure error={next.error} again={goOn} />}
        <p className="hint">{words.keysHint}</p>
      </section>
      <Answer query={mine}>
        {(answer) =>
          answer.cases.length > 0 && (
            <section className="panel" aria-labelledby="held-title">
              <h2 id="held-title">{words.held}</h2>
              <ul className="held">
                {answer.cases.map((item) => (
                  <li key={item.case_id} className="row">
                    <Link href={`/case/${item.case_id}`} className="mono">
                      {item.claim_id}
                    </Link>
                    <StateTag state={item.state} />
                    <Due at={item.due_at} full />
                  </li>
                ))}
              </ul>
            </section>
          )
        }
      </Answer>
      <section className="stack" aria-labelledby="own-title">
        <h2 id="own-title">{texts.statistics.title}</h2>
        <Answer query={statistics}>{(own) => <OwnStatistics statistics={own} />}</Answer>
      </section>
    </Page>
  );
}
