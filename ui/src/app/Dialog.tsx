/** A modal dialog of the browser, which keeps the focus inside and gives it back. */
import { type KeyboardEventHandler, type ReactNode, type RefObject, useId } from "react";
import { texts } from "../texts";

interface Props {
  ref: RefObject<HTMLDialogElement | null>;
  title: string;
  className?: string;
  onClose?: () => void;
  onKeyDown?: KeyboardEventHandler;
  children: ReactNode;
}

export function Dialog({ ref, title, className = "", onClose, onKeyDown, children }: Props) {
  const id = useId();
  return (
    <dialog ref={ref} className={className} aria-labelledby={id} onClose={onClose} onKeyDown={onKeyDown}>
      <div className="dialog-head">
        <h2 id={id}>{title}</h2>
        <form method="dialog">
          <button type="submit" className="quiet" aria-label={texts.app.close}>
            <span aria-hidden="true">✕</span>
          </button>
        </form>
      </div>
      {children}
    </dialog>
  );
}
