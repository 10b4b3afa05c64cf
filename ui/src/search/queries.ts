/** What the desk asks when somebody searches. */
import { useQuery } from "@tanstack/react-query";
import { api, body, type Schemas } from "../api/client";
import { purposeHeader } from "../api/header";

export type Found = Schemas["Found"];

export type Wanted = { q: string; line: string } | { column: string; value: string; line: string };

/** Finds claims by id or by a shared value; `number` tells one search from the next with the same text. */
export function useSearchClaims(wanted: Wanted | null, number: number) {
  return useQuery({
    // A value of a claim is no key: it would stay in the cache of answers.
    queryKey: ["search", number],
    enabled: wanted !== null,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const { line, ...terms } = wanted ?? { line: "", q: "" };
      const asked = { ...terms, ...(line && { line }) };
      return await body(
        api.POST("/app/search", { params: { header: purposeHeader() }, body: asked, signal }),
      );
    },
  });
}
