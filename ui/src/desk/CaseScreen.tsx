/** A case: everything that a decision needs on one screen, and the decision at its lower edge. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";
import { isProblem } from "../api/problems";
import { Answer, explain } from "../app/Answer";
import { useAccess } from "../app/access";
import { announce } from "../app/announce";
import { Page } from "../app/Page";
import type { ScreenProps } from "../app/screens";
import { showMessage } from "../app/toast";
import { amount, clock, Moment } from "../format/format";
import { useKeys } from "../keyboard/keys";
import { texts } from "../texts";
import { Actions } from "./Actions";
import { ClaimColumns } from "./ClaimColumns";
import { act, readCase, undo } from "./calls";
import { DecisionBar } from "./DecisionBar";
import { type Draft, keepDraft } from "./drafts";
import { History } from "./History";
import { Links } from "./Links";
import { Photos } from "./Photos";
import type { Case, Decided, Held } from "./shapes";
import { isOpen } from "./shapes";
import { caseKey, useCase } from "./useCase";
import { useDecision } from "./useDecision";
import { useLease } from "./useLease";
import { useNext, useShowCase } from "./useNext";
import { WhatIf } from "./WhatIf";
import { Why } from "./Why";
import { Due, StateTag, VerdictTag, verdictName } from "./words";
import "./desk.css";

const words = texts.case;

/** For so long a decision can be taken back, as the page shows it; the server accepts it a little longer. */
const UNDO = 10_000;

/** Returns for how many milliseconds a decision can still be taken back, by the server's own times. */
export function undoTime({ decision, undo_until }: Pick<Decided, "decision" | "undo_until">): number {
  return undo_until === null
    ? 0
    : Math.max(0, Math.min(UNDO, Date.parse(undo_until) - Date.parse(decision.at)));
}

/** Returns a function that offers to take a decision back, whatever screen follows. */
function useOfferUndo() {
  const show = useShowCase();
  return (shown: Case, answer: Decided, draft: Draft) => {
    const { verdict } = answer.decision;
    const takeBack = async () => {
      try {
        const { case: back } = await undo(shown.case_id, answer.decision.decision_id);
        keepDraft(shown.case_id, draft);
        show(back);
        announce(words.undone(shown.claim_id));
      } catch (error) {
        showMessage({ text: explain(error), bad: true, until: performance.now() + UNDO });
      }
    };
    showMessage({
      text:
        answer.state === "decided"
          ? words.decided(shown.claim_id, verdict ? verdictName(verdict) : "")
          : words.sentOn(shown.claim_id, words.states[answer.state]),
      until: performance.now() + undoTime(answer),
      action: { name: words.undo, key: "u", run: takeBack },
    });
  };
}

function Facts({ shown }: { shown: Case }) {
  return (
    <div className="row case-facts">
      <span className="tag">{shown.line}</span>
      <StateTag state={shown.state} />
      {isOpen(shown.state) && <Due at={shown.due_at} full />}
      {shown.amount !== null && <span className="sum">{words.amount(amount(shown.amount))}</span>}
      {shown.assigned_to && <span className="muted">{words.assignedTo(shown.assigned_to)}</span>}
      {shown.snoozed_until && (
        <span className="muted">
          {words.snoozedUntil} <Moment at={shown.snoozed_until} />
        </span>
      )}
    </div>
  );
}

type Next = ReturnType<typeof useNext>;

/** Why no next case has arrived. */
function NextFailure({ next }: { next: Next }) {
  if (!next.error) return null;
  return (
    <>
      <span className="bad-text">{explain(next.error)}</span>
      <button type="button" onClick={() => next.mutate()}>
        {texts.errors.again}
      </button>
    </>
  );
}

interface PartProps {
  shown: Case;
  next: Next;
}

function Closed({ shown, next }: PartProps) {
  const access = useAccess();
  const onNext = () => !next.isPending && next.mutate();
  const final = shown.decisions.find((decision) => decision.final && !decision.undone);
  useKeys(
    access.can("case.decide") ? [{ key: "n", label: texts.desk.next, group: words.keys, run: onNext }] : [],
  );
  return (
    <div className="decide closed">
      <p className="row">
        {final?.verdict ? (
          <>
            <VerdictTag verdict={final.verdict} />
            <span>{words.decidedBy(final.by)}</span>
            <Moment at={final.at} />
          </>
        ) : (
          <span>{words.closed[shown.state] ?? words.states[shown.state]}</span>
        )}
        <NextFailure next={next} />
      </p>
      {access.can("case.decide") && (
        <button type="button" className="primary" onClick={onNext} disabled={next.isPending}>
          {texts.desk.next} <kbd>n</kbd>
        </button>
      )}
    </div>
  );
}

function Opened({ shown, next, update }: PartProps & { update: (changed: Partial<Case> | Held) => void }) {
  const access = useAccess();
  const queries = useQueryClient();
  const id = shown.case_id;
  const lease = useLease(shown, update);
  const offerUndo = useOfferUndo();
  const mayDecide = access.can("case.decide", shown.line);

  const reread = useMutation({
    mutationFn: () => readCase(id),
    onSuccess: (newest) => queries.setQueryData(caseKey(id), newest),
  });
  const decision = useDecision(shown, {
    decided: (answer, draft) => {
      const decisions = [...shown.decisions, answer.decision];
      update({ state: answer.state, version: answer.version, lease: null, decisions });
      offerUndo(shown, answer, draft);
      next.mutate();
    },
    lost: lease.lose,
    changed: () => reread.mutate(),
  });
  const take = useMutation({
    mutationFn: () => act(id, { action: "take" }),
    onSuccess: (held) => {
      update(held);
      lease.hold();
      announce(words.held);
    },
    onError: (error) => {
      announce(explain(error), { now: true });
      if (isProblem(error, "decided", "not_open", "held")) reread.mutate();
    },
  });
  const { holding } = lease;
  const elsewhere = shown.assigned_to !== null && shown.assigned_to !== access.name;
  const canTake = mayDecide && !elsewhere && (holding === "free" || holding === "lost");
  const takeIt = () => !take.isPending && take.mutate();
  useKeys(
    canTake
      ? [{ key: "c", label: words.take, group: words.keys, run: takeIt }]
      : holding === "mine"
        ? [
            {
              key: "n",
              label: texts.desk.next,
              group: words.keys,
              run: () => announce(words.decideFirst, { now: true }),
            },
          ]
        : mayDecide
          ? [{ key: "n", label: texts.desk.next, group: words.keys, run: () => next.mutate() }]
          : [],
  );
  const gone = (held: Held, goOn: boolean) => {
    update(held);
    if (goOn) next.mutate();
  };

  const typed = decision.draft.note.trim() !== "" || decision.draft.verdict !== null;
  return (
    <div className="dock">
      <div className="dock-state row">
        {holding === "mine" && (
          <span className={lease.seconds < 120 ? "lease ending" : "lease"} title={words.leaseHint}>
            {words.heldByYou} <span className="clock">{clock(Math.floor(lease.seconds))}</span>
          </span>
        )}
        {holding === "lost" && (
          <span className="lease ended">{typed ? words.leaseLostKept : words.leaseLost}</span>
        )}
        {holding === "other" && shown.lease && (
          <span className="lease">
            {words.heldBy(shown.lease.holder)} <Moment at={shown.lease.until} />
          </span>
        )}
        {holding === "free" && (
          <span className="lease">
            {!mayDecide ? words.mayNotDecide : elsewhere ? words.onlyAssigned : words.free}
          </span>
        )}
        {canTake && (
          <button
            type="button"
            onClick={takeIt}
            disabled={take.isPending}
            className={holding === "free" ? "primary" : ""}
          >
            {holding === "lost" ? words.takeAgain : words.take} <kbd>c</kbd>
          </button>
        )}
        {take.error && <span className="bad-text">{explain(take.error)}</span>}
        <NextFailure next={next} />
        {shown.state !== "open" && <span className="hint">{words.otherLook[shown.state]}</span>}
        {holding === "mine" && <Actions shown={shown} onGone={gone} onLost={lease.lose} />}
      </div>
      {mayDecide && (holding === "mine" || (holding === "lost" && typed)) && (
        <DecisionBar
          shown={shown}
          draft={decision.draft}
          sending={decision.sending}
          problem={decision.problem}
          held={holding === "mine" && shown.lease?.mine === true}
          onChange={decision.change}
          onSubmit={() => {
            if (holding === "mine") void decision.submit();
            else announce(words.leaseLost, { now: true });
          }}
        />
      )}
    </div>
  );
}

function Body({ shown, update }: { shown: Case; update: (changed: Partial<Case> | Held) => void }) {
  const next = useNext();
  const opened = useRef(isOpen(shown.state));
  const open = isOpen(shown.state);
  useEffect(() => {
    if (opened.current && !open) announce(words.states[shown.state]);
    opened.current = open;
  }, [open, shown.state]);
  return (
    <>
      <Page title={shown.claim_id} tab={words.tab} aside={<Facts shown={shown} />} className="case">
        <div className="case-grid">
          <div className="case-main">
            <Why shown={shown} />
            <ClaimColumns shown={shown} />
            <WhatIf shown={shown} />
          </div>
          <div className="case-side">
            <Photos shown={shown} />
            <Links shown={shown} />
            <History shown={shown} />
          </div>
        </div>
      </Page>
      {open ? (
        <Opened shown={shown} next={next} update={update} />
      ) : (
        <div className="dock">
          <Closed shown={shown} next={next} />
        </div>
      )}
    </>
  );
}

export default function CaseScreen({ params }: ScreenProps) {
  const id = params.id ?? "";
  const { query, update } = useCase(id);
  const changed = useCallback((changes: Partial<Case> | Held) => update(changes), [update]);
  return <Answer query={query}>{(shown) => <Body shown={shown} update={changed} />}</Answer>;
}
