/** The next case: it comes with everything that its screen shows, so that it is one request and one access event. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { explain } from "../app/Answer";
import { announce } from "../app/announce";
import { count } from "../format/format";
import { texts } from "../texts";
import { takeNext } from "./calls";
import type { Case } from "./shapes";
import { caseKey } from "./useCase";

/** Returns a function that shows a case that has just been received. */
export function useShowCase(): (received: Case) => void {
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  return (received) => {
    queries.setQueryData(caseKey(received.case_id), received);
    navigate(`/case/${received.case_id}`);
  };
}

export function useNext() {
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const show = useShowCase();
  return useMutation({
    mutationFn: takeNext,
    onSuccess: ({ case: next }) => {
      void queries.invalidateQueries({ queryKey: ["queue"], refetchType: "none" });
      if (next) {
        show(next);
      } else {
        announce(texts.desk.nothingWaiting);
        navigate("/");
      }
    },
    onError: (error) => announce(explain(error), { now: true }),
  });
}

export function waitingInWords(waiting: number): string {
  return waiting === 0 ? texts.desk.nothingWaiting : texts.desk.waiting(waiting, count(waiting));
}
