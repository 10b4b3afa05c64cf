/** The choice of a line of business, as a list if the lines are known and as a field otherwise. */
import { useId, useState } from "react";
import { texts } from "../texts";
import { type Permission, useAccess } from "./access";

interface Props {
  /** Lines without this permission are not offered. */
  permission: Permission;
  value: string;
  onChange: (line: string) => void;
}

/** Returns the lines that a person has a permission on, as far as they are known by name. */
export function useLines(permission: Permission): readonly string[] {
  const access = useAccess();
  return access.lines.filter((line) => access.can(permission, line));
}

export function LineChoice({ permission, value, onChange }: Props) {
  const id = useId();
  const known = useLines(permission);
  const lines = value && !known.includes(value) ? [...known, value] : known;
  const [typed, setTyped] = useState(value);
  if (known.length > 0) {
    return (
      <div className="field">
        <label htmlFor={id}>{texts.team.line}</label>
        <select id={id} value={value} onChange={(event) => onChange(event.target.value)}>
          {lines.map((line) => (
            <option key={line}>{line}</option>
          ))}
        </select>
      </div>
    );
  }
  return (
    <form
      className="field"
      onSubmit={(event) => {
        event.preventDefault();
        if (typed.trim()) onChange(typed.trim());
      }}
    >
      <label htmlFor={id}>{texts.team.line}</label>
      <input
        id={id}
        value={typed}
        pattern="[a-z][a-z0-9_]{0,39}"
        onChange={(event) => setTyped(event.target.value)}
      />
    </form>
  );
}
