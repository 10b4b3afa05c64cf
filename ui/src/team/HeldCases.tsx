/** Who holds, has been assigned or has snoozed which case, and the dialog that gives a case to somebody else. */

import { useRef, useState } from "react";
import { Link } from "wouter";
import { serverNow } from "../api/transport";
import { Wide } from "../charts/Wide";
import { count, Moment } from "../format/format";
import { texts } from "../texts";
import { AssignDialog } from "./AssignDialog";
import type { HeldCase } from "./queries";

interface Props {
  cases: readonly HeldCase[];
  /** How many there are: the list may end before. */
  held: number;
  person: string;
  onPerson: (person: string) => void;
}

export function HeldCases({ cases, held, person, onPerson }: Props) {
  const words = texts.team.held;
  const [chosen, setChosen] = useState<HeldCase | null>(null);
  const dialog = useRef<HTMLDialogElement>(null);
  const people = [
    ...new Set(cases.flatMap((each) => [each.holder, each.assigned_to]).filter((name) => name !== null)),
  ].sort();
  const shown = cases.filter((each) => !person || each.holder === person || each.assigned_to === person);
  return (
    <section className="panel" aria-labelledby="held-title">
      <div className="panel-head">
        <h2 id="held-title">
          {words.title} <span className="muted">{count(person ? shown.length : held)}</span>
        </h2>
        {people.length > 1 && (
          <div className="row">
            <label htmlFor="held-person">{words.filter}</label>
            <select id="held-person" value={person} onChange={(event) => onPerson(event.target.value)}>
              <option value="">{words.everybody}</option>
              {people.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </div>
        )}
      </div>
      {shown.length === 0 ? (
        <p>{words.none}</p>
      ) : (
        <Wide name={words.title}>
          <table>
            <thead>
              <tr>
                <th scope="col">{words.claim}</th>
                <th scope="col">{words.state}</th>
                <th scope="col">{words.due}</th>
                <th scope="col">{words.holder}</th>
                <th scope="col">{words.assigned}</th>
                <th scope="col">{words.snoozed}</th>
                <th scope="col">
                  <span className="visually-hidden">{words.actions}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((each) => (
                <HeldRow
                  key={each.case_id}
                  held={each}
                  onReassign={() => {
                    setChosen(each);
                    dialog.current?.showModal();
                  }}
                />
              ))}
            </tbody>
          </table>
        </Wide>
      )}
      {cases.length < held && <p className="hint">{words.first(count(cases.length))}</p>}
      <AssignDialog ref={dialog} held={chosen} onClose={() => setChosen(null)} />
    </section>
  );
}

function HeldRow({ held, onReassign }: { held: HeldCase; onReassign: () => void }) {
  const words = texts.team.held;
  const late = Date.parse(held.due_at) < serverNow();
  return (
    <tr>
      <th scope="row">
        <Link href={`/case/${held.case_id}`} className="mono">
          {held.claim_id}
        </Link>
      </th>
      <td>{texts.team.states[held.state]}</td>
      <td>
        <Moment at={held.due_at} day /> {late && <span className="tag bad">{words.overdue}</span>}
      </td>
      <td>
        {held.holder ?? <span className="muted">{words.nobody}</span>}
        {held.holder !== null && held.since !== null && (
          <div className="hint">
            {words.sinceWord} <Moment at={held.since} />
          </div>
        )}
      </td>
      <td>{held.assigned_to ?? <span className="muted">{words.nobody}</span>}</td>
      <td>{held.snoozed_until === null ? "" : <Moment at={held.snoozed_until} />}</td>
      <td className="number">
        <button type="button" aria-label={words.reassignClaim(held.claim_id)} onClick={onReassign}>
          {words.reassign}
        </button>
      </td>
    </tr>
  );
}
