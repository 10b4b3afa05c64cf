/** What can be done with a held case instead of deciding it: skip, snooze, hand over, release. */
import { useMutation } from "@tanstack/react-query";
import { useId, useRef, useState } from "react";
import { isProblem } from "../api/problems";
import { serverNow } from "../api/transport";
import { explain } from "../app/Answer";
import { announce } from "../app/announce";
import { Dialog } from "../app/Dialog";
import { useKeys } from "../keyboard/keys";
import { usePeople } from "../team/queries";
import { texts } from "../texts";
import { type Action, act } from "./calls";
import type { Case, Held } from "./shapes";

const words = texts.case.actions;

const DAY = 86_400_000;

/** Returns moments until which a case can be snoozed: in an hour, tomorrow at 8, in three days, in a week. */
export function snoozeChoices(now: number): { label: string; until: string }[] {
  const morning = (days: number) => {
    const at = new Date(now + days * DAY);
    at.setHours(8, 0, 0, 0);
    return at.toISOString();
  };
  return [
    { label: words.hour, until: new Date(now + 3_600_000).toISOString() },
    { label: words.tomorrow, until: morning(1) },
    { label: words.threeDays, until: morning(3) },
    { label: words.week, until: morning(7) },
  ];
}

interface FormProps {
  pending: boolean;
  error: unknown;
  onSend: (chosen: string, reason: string) => void;
}

function Reason({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{words.reason}</label>
      <input
        id={id}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        required
        maxLength={500}
        autoComplete="off"
      />
    </div>
  );
}

function Refusal({ error }: { error: unknown }) {
  if (!error) return null;
  return (
    <p className="notice bad" role="alert">
      {explain(error)}
    </p>
  );
}

function SnoozeForm({ pending, error, onSend }: FormProps) {
  const name = useId();
  const [choices] = useState(() => snoozeChoices(serverNow()));
  const [until, setUntil] = useState(choices[1]?.until ?? "");
  const [reason, setReason] = useState("");
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (reason.trim()) onSend(until, reason.trim());
      }}
    >
      <fieldset className="segments">
        <legend>{words.until}</legend>
        {choices.map((choice) => (
          <label key={choice.label}>
            <input
              type="radio"
              name={name}
              checked={until === choice.until}
              onChange={() => setUntil(choice.until)}
            />
            <span>{choice.label}</span>
          </label>
        ))}
      </fieldset>
      <Reason value={reason} onChange={setReason} />
      <Refusal error={error} />
      <div className="row end">
        <button type="submit" className="primary" disabled={pending || !reason.trim()}>
          {words.snooze}
        </button>
      </div>
    </form>
  );
}

function HandOverForm({ pending, error, onSend }: FormProps) {
  const id = useId();
  const [to, setTo] = useState("");
  const [reason, setReason] = useState("");
  const people = usePeople();
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (to.trim() && reason.trim()) onSend(to.trim(), reason.trim());
      }}
    >
      <div className="field">
        <label htmlFor={id}>{words.to}</label>
        <input
          id={id}
          list={`${id}-names`}
          value={to}
          onChange={(event) => setTo(event.target.value)}
          required
          maxLength={200}
          autoComplete="off"
        />
        <datalist id={`${id}-names`}>
          {people.data?.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </div>
      <Reason value={reason} onChange={setReason} />
      <Refusal error={error} />
      <div className="row end">
        <button type="submit" className="primary" disabled={pending || !to.trim() || !reason.trim()}>
          {words.handOver}
        </button>
      </div>
    </form>
  );
}

interface Props {
  shown: Case;
  /** The case is no longer held: go on with the next one, or stay. */
  onGone: (held: Held, goOn: boolean) => void;
  onLost: () => void;
}

export function Actions({ shown, onGone, onLost }: Props) {
  const generation = shown.lease?.generation ?? 0;
  const dialog = useRef<HTMLDialogElement>(null);
  const [open, setOpen] = useState<"snooze" | "hand_over" | null>(null);
  const perform = useMutation({
    mutationFn: (action: Action) => act(shown.case_id, action),
    onSuccess: (held, { action }) => {
      dialog.current?.close();
      announce(words.done[action]);
      onGone(held, action !== "release");
    },
    onError: (error) => {
      announce(explain(error), { now: true });
      if (!isProblem(error, "stale", "decided", "not_open")) return;
      dialog.current?.close();
      onLost();
    },
  });
  const show = (form: "snooze" | "hand_over") => {
    setOpen(form);
    dialog.current?.showModal();
  };
  const skip = () => perform.mutate({ action: "skip", generation });
  useKeys([
    { key: "s", label: words.skip, group: texts.case.keys, run: skip },
    { key: "z", label: words.snooze, group: texts.case.keys, run: () => show("snooze") },
    { key: "g", label: words.handOver, group: texts.case.keys, run: () => show("hand_over") },
  ]);
  return (
    <div className="row actions">
      <button type="button" onClick={skip} disabled={perform.isPending} title={words.skipHint}>
        {words.skip} <kbd>s</kbd>
      </button>
      <button type="button" onClick={() => show("snooze")} aria-haspopup="dialog">
        {words.snooze} <kbd>z</kbd>
      </button>
      <button type="button" onClick={() => show("hand_over")} aria-haspopup="dialog">
        {words.handOver} <kbd>g</kbd>
      </button>
      <button
        type="button"
        onClick={() => perform.mutate({ action: "release", generation })}
        disabled={perform.isPending}
        title={words.releaseHint}
      >
        {words.release}
      </button>
      {open === null && <Refusal error={perform.error} />}
      <Dialog
        ref={dialog}
        title={open === "hand_over" ? words.handOverTitle : words.snoozeTitle}
        onClose={() => {
          setOpen(null);
          perform.reset();
        }}
      >
        {open === "snooze" && (
          <SnoozeForm
            pending={perform.isPending}
            error={perform.error}
            onSend={(until, reason) => perform.mutate({ action: "snooze", generation, until, reason })}
          />
        )}
        {open === "hand_over" && (
          <HandOverForm
            pending={perform.isPending}
            error={perform.error}
            onSend={(to, reason) => perform.mutate({ action: "hand_over", generation, to, reason })}
          />
        )}
      </Dialog>
    </div>
  );
}
