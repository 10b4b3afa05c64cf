/** The form of a decision, at the lower edge of the screen: a verdict, its grounds, a note, and Enter. */
import { type KeyboardEvent, useId, useRef } from "react";
import { explain } from "../app/Answer";
import { useKeys } from "../keyboard/keys";
import { texts } from "../texts";
import type { Draft } from "./drafts";
import type { Case, Verdict } from "./shapes";
import type { Sending } from "./useDecision";
import { groundName, verdictName } from "./words";

const words = texts.case.decide;

export const VERDICT_KEYS: readonly (readonly [string, Verdict])[] = [
  ["f", "fraud"],
  ["h", "not_fraud"],
  ["i", "inconclusive"],
];

interface Props {
  shown: Case;
  draft: Draft;
  sending: Sending;
  problem: string | null;
  /** Whether the case is held, so that a decision can be sent. */
  held: boolean;
  onChange: (changes: Partial<Draft>) => void;
  onSubmit: () => void;
}

export function DecisionBar({ shown, draft, sending, problem, held, onChange, onSubmit }: Props) {
  const form = useRef<HTMLFormElement>(null);
  const note = useRef<HTMLTextAreaElement>(null);
  const verdicts = useRef(new Map<Verdict, HTMLInputElement>());
  const grounds = useRef(new Map<string, HTMLInputElement>());
  const noteId = useId();
  const problemId = useId();
  const busy = sending.step === "sending";

  const toggle = (ground: string) =>
    onChange({
      grounds: draft.grounds.includes(ground)
        ? draft.grounds.filter((one) => one !== ground)
        : shown.grounds.filter((one) => one === ground || draft.grounds.includes(one)),
    });

  useKeys([
    ...VERDICT_KEYS.map(([key, verdict]) => ({
      key,
      label: verdictName(verdict),
      group: words.title,
      run: () => {
        onChange({ verdict });
        verdicts.current.get(verdict)?.focus({ preventScroll: true });
      },
    })),
    ...shown.grounds.slice(0, 9).map((ground, index) => ({
      key: String(index + 1),
      label: words.grounds,
      group: words.title,
      shownAs: shown.grounds.length > 1 ? `1–${Math.min(9, shown.grounds.length)}` : "1",
      run: () => {
        toggle(ground);
        grounds.current.get(ground)?.focus({ preventScroll: true });
      },
    })),
    { key: "t", label: words.writeNote, group: words.title, run: () => note.current?.focus() },
    // The form handles it: elsewhere Enter belongs to the element that has the focus.
    { key: "Enter", label: words.send, group: words.title },
  ]);

  const onKeyDown = (event: KeyboardEvent<HTMLFormElement>) => {
    if (event.key === "Escape" && event.target === note.current) note.current?.blur();
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    if (event.target instanceof HTMLButtonElement) return;
    event.preventDefault();
    onSubmit();
  };

  return (
    <form
      ref={form}
      className="decide"
      aria-label={words.title}
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
      {...(problem && { "aria-describedby": problemId })}
    >
      <fieldset className="segments verdicts">
        <legend className="visually-hidden">{words.verdict}</legend>
        {VERDICT_KEYS.map(([key, verdict]) => (
          <label key={verdict} className={verdict}>
            <input
              ref={(element) => {
                if (element) verdicts.current.set(verdict, element);
              }}
              type="radio"
              name="verdict"
              checked={draft.verdict === verdict}
              onChange={() => onChange({ verdict })}
            />
            <span>
              {verdictName(verdict)} <kbd>{key}</kbd>
            </span>
          </label>
        ))}
      </fieldset>
      <fieldset className="grounds">
        <legend className="visually-hidden">{words.grounds}</legend>
        {shown.grounds.map((ground, index) => (
          <label key={ground}>
            <input
              ref={(element) => {
                if (element) grounds.current.set(ground, element);
              }}
              type="checkbox"
              checked={draft.grounds.includes(ground)}
              onChange={() => toggle(ground)}
            />
            <span>
              {index < 9 && <kbd>{index + 1}</kbd>} {groundName(ground)}
            </span>
          </label>
        ))}
      </fieldset>
      <div className="finish">
        <div className="note">
          <label htmlFor={noteId} className="visually-hidden">
            {words.note}
          </label>
          <textarea
            ref={note}
            id={noteId}
            rows={1}
            value={draft.note}
            placeholder={words.notePlaceholder}
            maxLength={4000}
            onChange={(event) => onChange({ note: event.target.value })}
          />
          <kbd>t</kbd>
        </div>
        <div className="send">
          {shown.state === "open" &&
            (shown.needs_second_look ? (
              <span className="hint">{words.needsSecondLook}</span>
            ) : (
              <label className="choice">
                <input
                  type="checkbox"
                  checked={draft.secondLook}
                  onChange={(event) => onChange({ secondLook: event.target.checked })}
                />
                {words.secondLook}
              </label>
            ))}
          <button type="submit" className="primary" disabled={busy || !held}>
            {busy ? words.sending : words.send} <kbd>{texts.keys.enter}</kbd>
          </button>
        </div>
      </div>
      {problem && (
        <p id={problemId} className="decide-problem bad">
          {problem}
        </p>
      )}
      {sending.step === "waiting" && <p className="decide-problem bad">{texts.case.notSent}</p>}
      {sending.step === "refused" && <p className="decide-problem bad">{explain(sending.error)}</p>}
    </form>
  );
}
