/** Requests that a model goes live, or that the previous champion comes back, with a reason that is stored for good. */
import { type FormEvent, type RefObject, useId, useState } from "react";
import { Failure } from "../app/Answer";
import { Dialog } from "../app/Dialog";
import { useUnsaved } from "../app/unsaved";
import { texts } from "../texts";
import { type Model, type PromotionRequest, useRequestPromotion } from "./queries";
import { remember } from "./requests";

export type Wanted = { action: "promote"; model: Model } | { action: "rollback"; champion: string };

interface Props {
  ref: RefObject<HTMLDialogElement | null>;
  line: string;
  wanted: Wanted | null;
  onClose: () => void;
}

export function PromotionDialog({ ref, line, wanted, onClose }: Props) {
  const words = texts.models;
  const title =
    wanted?.action === "promote" ? words.promote.title(wanted.model.version) : words.rollback.title;
  return (
    <Dialog ref={ref} title={title} onClose={onClose}>
      {wanted && (
        <PromotionForm
          key={wanted.action === "promote" ? wanted.model.version : "rollback"}
          line={line}
          wanted={wanted}
          close={() => ref.current?.close()}
        />
      )}
    </Dialog>
  );
}

interface FormProps {
  line: string;
  wanted: Wanted;
  close: () => void;
}

function PromotionForm({ line, wanted, close }: FormProps) {
  const words = texts.models.promote;
  const id = useId();
  const request = useRequestPromotion(line);
  const [role, setRole] = useState<"champion" | "challenger">("challenger");
  const [why, setWhy] = useState("");
  const [trusted, setTrusted] = useState<ReadonlySet<string>>(new Set());
  const [wrong, setWrong] = useState<"why" | "trust" | null>(null);
  useUnsaved("promotion", why.trim() !== "");
  const warned = wanted.action === "promote" ? wanted.model.to_answer_for : [];
  const day = wanted.action === "promote" ? wanted.model.as_of : null;

  async function send(event: FormEvent) {
    event.preventDefault();
    // Reasons are stored on one line.
    const reason = why.trim().replace(/\s+/g, " ");
    if (reason === "") return setWrong("why");
    if (warned.some((column) => !trusted.has(column))) return setWrong("trust");
    setWrong(null);
    const asked: PromotionRequest =
      wanted.action === "promote"
        ? {
            action: "promote",
            version: wanted.model.version,
            role,
            why: reason,
            ...(warned.length > 0 && { trust: warned }),
            ...(day !== null && { as_of: day }),
          }
        : { action: "rollback", version: wanted.champion, why: reason };
    try {
      const { request_id } = await request.mutateAsync(asked);
      const what =
        wanted.action === "promote"
          ? texts.models.request.whatPromote(wanted.model.version, texts.models[role])
          : texts.models.request.whatRollback;
      remember({ line, request_id, what });
    } catch {
      return; // the dialog shows why, and keeps what was typed
    }
    close();
  }

  return (
    <form className="stack" noValidate onSubmit={(event) => void send(event)}>
      {wanted.action === "rollback" ? (
        <p>{texts.models.rollback.words(wanted.champion)}</p>
      ) : (
        <fieldset className="stack fields">
          <legend>{words.role}</legend>
          {(["challenger", "champion"] as const).map((each) => (
            <label key={each} className="choice">
              <input type="radio" name={`${id}role`} checked={role === each} onChange={() => setRole(each)} />
              {words.roles[each]}
            </label>
          ))}
        </fieldset>
      )}
      {day !== null && <p className="notice warn">{words.backTest(day)}</p>}
      {wanted.action === "promote" && warned.length > 0 && (
        <fieldset className="stack fields" aria-describedby={wrong === "trust" ? `${id}wrong` : undefined}>
          <legend>{words.trust}</legend>
          {warned.map((column) => (
            <label key={column} className="choice">
              <input
                type="checkbox"
                checked={trusted.has(column)}
                onChange={(event) =>
                  setTrusted((before) => {
                    const next = new Set(before);
                    if (event.target.checked) next.add(column);
                    else next.delete(column);
                    return next;
                  })
                }
              />
              <span>
                <span className="mono">{column}</span>
                <span className="meaning">
                  {wanted.model.warnings
                    .filter((each) => each.column === column)
                    .map((each) => each.found)
                    .join(" ")}
                </span>
              </span>
            </label>
          ))}
        </fieldset>
      )}
      <div className="field">
        <label htmlFor={`${id}why`}>{words.why}</label>
        <textarea
          id={`${id}why`}
          rows={2}
          value={why}
          maxLength={2000}
          aria-invalid={wrong === "why"}
          aria-describedby={`${id}hint ${wrong === "why" ? `${id}wrong` : ""}`}
          onChange={(event) => setWhy(event.target.value)}
        />
        <span id={`${id}hint`} className="hint">
          {words.whyHint}
        </span>
      </div>
      {wrong && (
        <p id={`${id}wrong`} role="alert" className="notice bad">
          {wrong === "why" ? words.whyMissing : words.trustMissing}
        </p>
      )}
      {request.error && <Failure error={request.error} />}
      <div className="row end">
        <button type="button" onClick={close}>
          {texts.app.cancel}
        </button>
        <button type="submit" className="primary" disabled={request.isPending}>
          {request.isPending
            ? words.sending
            : wanted.action === "promote"
              ? words.send
              : texts.models.rollback.send}
        </button>
      </div>
    </form>
  );
}
