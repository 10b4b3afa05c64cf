/** What the model would say if a value were another one. Only values that the contract allows can be changed. */
import { useMutation } from "@tanstack/react-query";
import { useId, useState } from "react";
import { explain } from "../app/Answer";
import { announce } from "../app/announce";
import { formatCode, percent } from "../format/format";
import { texts } from "../texts";
import { askWhatIf } from "./calls";
import type { Case, Column } from "./shapes";
import { Reasons } from "./Why";
import { humanize } from "./words";

const words = texts.case.whatIf;

const NUMBERS = ["integer", "number"];

const asText = (value: unknown): string =>
  value === null || value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);

/** Returns what was typed as a value of the column; null if it is empty. */
export function parsed(column: Column, text: string): unknown {
  if (text === "") return null;
  if (NUMBERS.includes(column.kind)) return Number(text);
  if (column.kind === "boolean") return text === "true";
  return text;
}

interface FieldProps {
  column: Column;
  text: string;
  onChange: (text: string) => void;
}

function Field({ column, text, onChange }: FieldProps) {
  const id = useId();
  const { name, kind, valid_values: valid, minimum, maximum } = column;
  const options = kind === "boolean" ? [true, false] : valid;
  return (
    <div className="field">
      <label htmlFor={id}>{humanize(name)}</label>
      {options ? (
        <select id={id} value={text} onChange={(event) => onChange(event.target.value)}>
          <option value="">{texts.case.claim.missing}</option>
          {options.map((option) => (
            <option key={asText(option)} value={asText(option)}>
              {formatCode(option)}
            </option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          value={text}
          onChange={(event) => onChange(event.target.value)}
          type={NUMBERS.includes(kind) ? "number" : kind === "date" ? "date" : "text"}
          {...(NUMBERS.includes(kind) && {
            step: kind === "integer" ? 1 : "any",
            inputMode: "decimal" as const,
          })}
          {...(typeof minimum === "number" || typeof minimum === "string" ? { min: minimum } : {})}
          {...(typeof maximum === "number" || typeof maximum === "string" ? { max: maximum } : {})}
        />
      )}
    </div>
  );
}

export function WhatIf({ shown }: { shown: Case }) {
  const columns = shown.groups.flatMap((group) => group.columns).filter((one) => one.what_if && !one.masked);
  const [typed, setTyped] = useState<Record<string, string>>({});
  const changed = columns.filter(
    (one) => typed[one.name] !== undefined && typed[one.name] !== asText(one.value),
  );
  const ask = useMutation({
    mutationFn: () =>
      askWhatIf(
        shown.case_id,
        Object.fromEntries(changed.map((one) => [one.name, parsed(one, typed[one.name] ?? "")])),
      ),
    onSuccess: (answer) =>
      announce(words.result(percent(answer.before.probability), percent(answer.probability))),
  });
  if (columns.length === 0 || !shown.score) return null;
  return (
    <section className="panel what-if" aria-labelledby="what-if-title">
      <h2 id="what-if-title">{words.title}</h2>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (changed.length > 0) ask.mutate();
        }}
      >
        <p className="hint">{words.hint}</p>
        <div className="what-if-fields">
          {columns.map((column) => (
            <Field
              key={column.name}
              column={column}
              text={typed[column.name] ?? asText(column.value)}
              onChange={(text) => setTyped((known) => ({ ...known, [column.name]: text }))}
            />
          ))}
        </div>
        <div className="row">
          <button type="submit" disabled={ask.isPending || changed.length === 0}>
            {words.ask}
          </button>
          {Object.keys(typed).length > 0 && (
            <button
              type="button"
              className="quiet"
              onClick={() => {
                setTyped({});
                ask.reset();
              }}
            >
              {words.reset}
            </button>
          )}
        </div>
        {ask.error && (
          <p className="notice bad" role="alert">
            {explain(ask.error)}
          </p>
        )}
      </form>
      {ask.data && (
        <div className="stack what-if-answer">
          <p>
            <strong>
              {words.result(percent(ask.data.before.probability), percent(ask.data.probability))}
            </strong>{" "}
            {ask.data.refer ? words.refer : words.notRefer}
          </p>
          {ask.data.reasons.length > 0 && <Reasons reasons={ask.data.reasons} />}
        </div>
      )}
    </section>
  );
}
