/** A case in the cache: each time that it comes on screen is one access event, so it is asked for exactly once. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect } from "react";
import { readCase } from "./calls";
import type { Case, Held } from "./shapes";

export const caseKey = (id: string) => ["case", id] as const;

export function useCase(id: string) {
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: caseKey(id),
    queryFn: ({ signal }) => readCase(id, signal),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnMount: false,
  });
  // Whoever comes back to the case looks at it again, and that is on record again.
  useEffect(() => () => queries.removeQueries({ queryKey: caseKey(id) }), [queries, id]);
  const update = useCallback(
    (changed: Partial<Case> | Held) => {
      queries.setQueryData<Case>(caseKey(id), (known) => known && { ...known, ...changed });
    },
    [queries, id],
  );
  return { query, update };
}
