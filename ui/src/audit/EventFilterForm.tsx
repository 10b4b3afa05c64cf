/** The filters of access events. They are in the address, and asked for only when the person says so. */
import { type FormEvent, useEffect, useId, useState } from "react";
import { texts } from "../texts";
import type { EventFilters } from "./queries";

interface Props {
  filters: EventFilters;
  onChange: (filters: EventFilters) => void;
}

const TEXTS = ["actor", "claim", "line", "model", "action", "purpose"] as const;
const TIMES = ["since", "until"] as const;

const pad = (value: number) => String(value).padStart(2, "0");

/** Returns a moment (ISO 8601) as a field for local times has it. */
export function toLocal(moment: string): string {
  const at = new Date(moment);
  if (moment === "" || Number.isNaN(at.getTime())) return "";
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

/** Returns the moment in UTC that a field for local times holds, or nothing. */
export function toMoment(local: string): string {
  const at = new Date(local);
  return local === "" || Number.isNaN(at.getTime()) ? "" : at.toISOString();
}

export function EventFilterForm({ filters, onChange }: Props) {
  const words = texts.audit.filters;
  const id = useId();
  const [typed, setTyped] = useState(filters);
  const applied = JSON.stringify(filters);
  useEffect(() => {
    // Back and forward lead to other filters.
    setTyped(JSON.parse(applied) as EventFilters);
  }, [applied]);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const set = (name: keyof EventFilters, value: string) =>
    setTyped((before) => ({ ...before, [name]: value }));

  function send(event: FormEvent) {
    event.preventDefault();
    const trimmed = Object.entries(typed).map(([name, value]) => [name, value.trim()]);
    onChange(Object.fromEntries(trimmed) as EventFilters);
  }

  return (
    <search aria-label={words.title}>
      <form className="panel stack" onSubmit={send}>
        <div className="event-filters">
          {TEXTS.map((name) => (
            <div key={name} className="field">
              <label htmlFor={id + name}>{words[name]}</label>
              <input
                id={id + name}
                value={typed[name]}
                maxLength={500}
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
                onChange={(event) => set(name, event.target.value)}
              />
            </div>
          ))}
          {TIMES.map((name) => (
            <div key={name} className="field">
              <label htmlFor={id + name}>{words[name]}</label>
              <input
                id={id + name}
                type="datetime-local"
                value={toLocal(typed[name])}
                aria-describedby={`${id}zone`}
                onChange={(event) => set(name, toMoment(event.target.value))}
              />
            </div>
          ))}
        </div>
        <div className="row">
          <button type="submit" className="primary">
            {words.apply}
          </button>
          <button
            type="button"
            onClick={() =>
              onChange(Object.fromEntries(Object.keys(filters).map((name) => [name, ""])) as EventFilters)
            }
          >
            {words.clear}
          </button>
          <span id={`${id}zone`} className="hint">
            {words.zone(zone)}
          </span>
        </div>
      </form>
    </search>
  );
}
