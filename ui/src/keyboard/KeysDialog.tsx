/** The list of keys, generated from what is registered. */
import { useRef } from "react";
import { Dialog } from "../app/Dialog";
import { useStore } from "../app/store";
import { texts } from "../texts";
import { chooseKeys, keysOn, useKeys, useRegisteredKeys } from "./keys";

export function KeysDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const groups = useRegisteredKeys();
  const on = useStore(keysOn);
  const open = () => dialog.current?.showModal();
  useKeys([{ key: "?", label: texts.keys.list, group: texts.keys.everywhere, run: open }]);
  return (
    <>
      <button type="button" className="quiet" onClick={open} aria-haspopup="dialog">
        <kbd>?</kbd> <span className="wide-only">{texts.keys.title}</span>
        <span className="visually-hidden narrow-only">{texts.keys.title}</span>
      </button>
      <Dialog ref={dialog} title={texts.keys.title}>
        <div className="keys">
          {[...groups].map(([group, rows]) => (
            <section key={group}>
              <h3>{group}</h3>
              <dl>
                {rows.map((row) => (
                  <div key={row.shown}>
                    <dt>
                      <kbd>{row.shown}</kbd>
                    </dt>
                    <dd>{row.label}</dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </div>
        <label className="choice">
          <input type="checkbox" checked={on} onChange={(event) => chooseKeys(event.target.checked)} />
          {texts.keys.on}
        </label>
        <p className="hint">{texts.keys.typing}</p>
      </Dialog>
    </>
  );
}
