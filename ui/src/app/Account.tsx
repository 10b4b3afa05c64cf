/** The controls of the header: purpose, theme, account. */
import { useId } from "react";
import { purpose } from "../api/transport";
import { texts } from "../texts";
import { type Access, useAccess } from "./access";
import { announce } from "./announce";
import { useStore } from "./store";
import { chooseTheme, THEMES, theme } from "./theme";

/** Returns a purpose in words; a contract may name its own. */
export function purposeName(code: string): string {
  return texts.purpose.names[code] ?? code.replaceAll("_", " ");
}

export function PurposeChoice() {
  const access = useAccess();
  const chosen = useStore(purpose);
  const id = useId();
  return (
    <span className="purpose" title={texts.purpose.hint}>
      <label htmlFor={id}>{texts.purpose.label}</label>
      <select
        id={id}
        value={chosen}
        onChange={(event) => {
          purpose.set(event.target.value);
          announce(texts.purpose.changed(purposeName(event.target.value)));
        }}
      >
        {access.purposes.map((code) => (
          <option key={code} value={code}>
            {purposeName(code)}
          </option>
        ))}
      </select>
    </span>
  );
}

export function AccountMenu({ access, signOut }: { access: Access; signOut: () => void }) {
  const chosen = useStore(theme);
  const id = useId();
  return (
    <>
      <button type="button" className="quiet account-button" popoverTarget={id}>
        <span className="initial" aria-hidden="true">
          {(access.name[0] ?? "?").toUpperCase()}
        </span>
        <span className="visually-hidden">{texts.account.title(access.name)}</span>
      </button>
      <div id={id} popover="auto" className="menu">
        <p className="menu-name">{access.name}</p>
        <dl className="facts">
          <dt>{texts.account.groups}</dt>
          <dd>{access.groups.join(", ") || texts.app.none}</dd>
          <dt>{texts.account.lines}</dt>
          <dd>{access.lines.join(", ") || texts.app.none}</dd>
        </dl>
        <fieldset className="segments">
          <legend>{texts.account.theme}</legend>
          {THEMES.map((one) => (
            <label key={one}>
              <input type="radio" name="theme" checked={chosen === one} onChange={() => chooseTheme(one)} />
              <span>{texts.account.themes[one]}</span>
            </label>
          ))}
        </fieldset>
        <button type="button" onClick={signOut}>
          {texts.account.signOut}
        </button>
      </div>
    </>
  );
}
