/** Gives a case to somebody else, or back to the queue, with a reason that is on record. */
import { type FormEvent, type RefObject, useId, useState } from "react";
import { isProblem } from "../api/problems";
import { Failure } from "../app/Answer";
import { announce } from "../app/announce";
import { Dialog } from "../app/Dialog";
import { useUnsaved } from "../app/unsaved";
import { texts } from "../texts";
import { type HeldCase, useAssign, usePeople } from "./queries";

interface Props {
  ref: RefObject<HTMLDialogElement | null>;
  held: HeldCase | null;
  onClose: () => void;
}

export function AssignDialog({ ref, held, onClose }: Props) {
  const claim = held?.claim_id ?? "";
  return (
    <Dialog ref={ref} title={texts.team.assign.title(claim)} onClose={onClose}>
      {held && <AssignForm key={held.case_id} held={held} close={() => ref.current?.close()} />}
    </Dialog>
  );
}

const NOBODY = "nobody";
const OTHER = "other";
const NAME = "name:";

function AssignForm({ held, close }: { held: HeldCase; close: () => void }) {
  const words = texts.team.assign;
  const id = useId();
  const people = usePeople();
  const assign = useAssign();
  const [to, setTo] = useState(held.assigned_to === null ? "" : NOBODY);
  const [name, setName] = useState("");
  const [reason, setReason] = useState("");
  const [wrong, setWrong] = useState<"name" | "reason" | null>(null);
  useUnsaved("assign", reason.trim() !== "");
  const names = (people.data ?? []).filter((each) => each !== held.assigned_to);

  async function send(event: FormEvent) {
    event.preventDefault();
    const person = to === OTHER ? name.trim() : to.startsWith(NAME) ? to.slice(NAME.length) : null;
    if (to === "" || person === "") return setWrong("name");
    if (reason.trim() === "") return setWrong("reason");
    setWrong(null);
    try {
      await assign.mutateAsync({
        case_id: held.case_id,
        version: held.version,
        to: person,
        reason: reason.trim(),
      });
    } catch {
      return; // the dialog shows why, and keeps what was typed
    }
    announce(person === null ? words.doneNobody(held.claim_id) : words.done(held.claim_id, person));
    close();
  }

  return (
    <form className="stack" noValidate onSubmit={(event) => void send(event)}>
      <div className="field">
        <label htmlFor={`${id}to`}>{words.to}</label>
        <select
          id={`${id}to`}
          value={to}
          aria-invalid={wrong === "name" && to === ""}
          aria-describedby={wrong === "name" ? `${id}wrong` : undefined}
          onChange={(event) => setTo(event.target.value)}
        >
          <option value="">{words.choose}</option>
          {names.map((each) => (
            <option key={each} value={NAME + each}>
              {each}
            </option>
          ))}
          <option value={OTHER}>{words.other}</option>
          {held.assigned_to !== null && <option value={NOBODY}>{words.nobody}</option>}
        </select>
      </div>
      {to === OTHER && (
        <div className="field">
          <label htmlFor={`${id}name`}>{words.name}</label>
          <input
            id={`${id}name`}
            value={name}
            maxLength={200}
            autoComplete="off"
            aria-invalid={wrong === "name"}
            onChange={(event) => setName(event.target.value)}
          />
        </div>
      )}
      <div className="field">
        <label htmlFor={`${id}reason`}>{words.reason}</label>
        <textarea
          id={`${id}reason`}
          rows={2}
          value={reason}
          maxLength={2000}
          aria-invalid={wrong === "reason"}
          aria-describedby={`${id}hint ${wrong === "reason" ? `${id}wrong` : ""}`}
          onChange={(event) => setReason(event.target.value)}
        />
        <span id={`${id}hint`} className="hint">
          {words.reasonHint}
        </span>
      </div>
      {wrong && (
        <p id={`${id}wrong`} role="alert" className="notice bad">
          {wrong === "name" ? words.nameMissing : words.reasonMissing}
        </p>
      )}
      {assign.error &&
        (isProblem(assign.error, "changed") ? (
          <p role="alert" className="notice warn">
            {words.changed}
          </p>
        ) : (
          <Failure error={assign.error} />
        ))}
      <div className="row end">
        <button type="button" onClick={close}>
          {texts.app.cancel}
        </button>
        <button type="submit" className="primary" disabled={assign.isPending}>
          {assign.isPending ? words.sending : words.send}
        </button>
      </div>
    </form>
  );
}
