/** The claim itself, by the groups of its contract. Personal values are masked until somebody says why they are needed. */
import { useMutation } from "@tanstack/react-query";
import { useId, useRef, useState } from "react";
import { purpose } from "../api/transport";
import { purposeName } from "../app/Account";
import { explain } from "../app/Answer";
import { useAccess } from "../app/access";
import { announce } from "../app/announce";
import { Dialog } from "../app/Dialog";
import { useStore } from "../app/store";
import { formatCode, formatDay, formatMoment, formatUtc, formatValue } from "../format/format";
import { texts } from "../texts";
import { unmask } from "./calls";
import type { Case, Column } from "./shapes";
import { humanize } from "./words";

const words = texts.case.claim;

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/;

interface ValueProps {
  value: unknown;
  kind: string;
  /** Whether it is one of the values that the contract lists. */
  code: boolean;
}

/** Shows a value of a claim as text, whatever it is. */
function Value({ value, kind, code }: ValueProps) {
  if (value === null || value === undefined || value === "")
    return <span className="muted">{words.missing}</span>;
  if (kind === "date" && typeof value === "string" && DAY.test(value)) {
    return <time dateTime={value}>{formatDay(value)}</time>;
  }
  if (
    kind === "timestamp" &&
    typeof value === "string" &&
    MOMENT.test(value) &&
    !Number.isNaN(Date.parse(value))
  ) {
    // A time of a claim that names no zone is UTC.
    const at = /(?:Z|[+-]\d\d:?\d\d)$/.test(value) ? value : `${value}Z`;
    return (
      <time dateTime={at} title={formatUtc(at)}>
        {formatMoment(at)}
      </time>
    );
  }
  return <>{code ? formatCode(value) : formatValue(value)}</>;
}

function UnmaskDialog({ id, onDone }: { id: string; onDone: (values: Map<string, unknown>) => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState("");
  const field = useId();
  const why = useStore(purpose);
  const ask = useMutation({
    mutationFn: () => unmask(id, reason.trim()),
    onSuccess: ({ columns }) => {
      dialog.current?.close();
      setReason("");
      onDone(new Map(columns.map(({ name, value }) => [name, value])));
      announce(words.unmasked);
    },
  });
  return (
    <>
      <button type="button" aria-haspopup="dialog" onClick={() => dialog.current?.showModal()}>
        {words.unmask}
      </button>
      <Dialog ref={dialog} title={words.unmaskTitle} onClose={() => ask.reset()}>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            if (reason.trim()) ask.mutate();
          }}
        >
          <p>{words.unmaskRecorded}</p>
          <dl className="facts">
            <dt>{texts.purpose.label}</dt>
            <dd>
              {purposeName(why)} <span className="hint">{words.purposeHint}</span>
            </dd>
          </dl>
          <div className="field">
            <label htmlFor={field}>{words.reason}</label>
            <input
              id={field}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
              required
              maxLength={500}
              autoComplete="off"
            />
          </div>
          {ask.error && (
            <p className="notice bad" role="alert">
              {explain(ask.error)}
            </p>
          )}
          <div className="row end">
            <button type="button" onClick={() => dialog.current?.close()}>
              {texts.app.cancel}
            </button>
            <button type="submit" className="primary" disabled={ask.isPending || !reason.trim()}>
              {words.show}
            </button>
          </div>
        </form>
      </Dialog>
    </>
  );
}

interface RowProps {
  column: Column;
  clear: ReadonlyMap<string, unknown> | null;
  described: boolean;
}

function Row({ column, clear, described }: RowProps) {
  const { name, description, kind, value, masked } = column;
  const code = column.valid_values !== null;
  const unmasked = clear?.has(name) === true;
  return (
    <div className="column">
      <dt title={name}>
        {humanize(name)}
        {described && description && <span className="hint block">{description}</span>}
      </dt>
      <dd className={unmasked ? "unmasked" : undefined}>
        {unmasked ? (
          <Value value={clear.get(name)} kind={kind} code={code} />
        ) : masked ? (
          <span className="masked">
            <span aria-hidden="true">••••••</span>
            <span className="visually-hidden">{texts.case.masked}</span>
          </span>
        ) : (
          <Value value={value} kind={kind} code={code} />
        )}
      </dd>
    </div>
  );
}

export function ClaimColumns({ shown }: { shown: Case }) {
  const access = useAccess();
  const [clear, setClear] = useState<Map<string, unknown> | null>(null);
  const [described, setDescribed] = useState(false);
  const mayUnmask = shown.masked.length > 0 && access.can("claim.unmask", shown.line);
  return (
    <section className="panel claim" aria-labelledby="claim-title">
      <div className="panel-head">
        <h2 id="claim-title">{words.title}</h2>
        <label className="choice">
          <input
            type="checkbox"
            checked={described}
            onChange={(event) => setDescribed(event.target.checked)}
          />
          {words.describe}
        </label>
        {clear ? (
          <button type="button" onClick={() => setClear(null)}>
            {words.mask}
          </button>
        ) : (
          mayUnmask && <UnmaskDialog id={shown.case_id} onDone={setClear} />
        )}
      </div>
      {clear && <p className="notice warn">{words.unmaskedNotice}</p>}
      <div className="groups">
        {shown.groups.map(({ name, columns }) => (
          <section key={name} aria-label={name} className="group">
            <h3>{name}</h3>
            <dl className="columns">
              {columns.map((column) => (
                <Row key={column.name} column={column} clear={clear} described={described} />
              ))}
            </dl>
          </section>
        ))}
      </div>
    </section>
  );
}
