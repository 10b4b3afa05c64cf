/** The choice of a line of business, of those that a person has a permission on. */
import { useId } from "react";
import { texts } from "../texts";
import { type Permission, useAccess } from "./access";

interface Props {
  /** Lines without this permission are not offered. */
  permission: Permission;
  value: string;
  onChange: (line: string) => void;
}

/** Returns the lines that a person has one of these permissions on. */
export function useLines(...permissions: Permission[]): readonly string[] {
  const access = useAccess();
  return access.lines.filter((line) => permissions.some((permission) => access.can(permission, line)));
}

export function LineChoice({ permission, value, onChange }: Props) {
  const id = useId();
  const known = useLines(permission);
  const lines = value && !known.includes(value) ? [...known, value] : known;
  if (lines.length === 0) return <p className="notice">{texts.app.noLine}</p>;
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
