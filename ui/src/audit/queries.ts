/** What the desk asks about the record of who saw what. */
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, body, type Schemas } from "../api/client";
import { purposeHeader } from "../api/header";

export type AccessEvent = Schemas["Event"];
export type Seals = Schemas["Seals"];
export type Verification = Schemas["Verification"];

export const FILTERS = ["actor", "claim", "line", "model", "purpose", "action", "since", "until"] as const;
export type EventFilters = Readonly<Record<(typeof FILTERS)[number], string>>;

/** Reads one page of events, the newest first; the request is an access event itself. */
export function readEvents(filters: EventFilters, cursor: string | null, signal?: AbortSignal) {
  const query = Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== ""));
  return body(
    api.GET("/app/audit", {
      params: { query: { ...query, ...(cursor !== null && { cursor }) }, header: purposeHeader() },
      ...(signal && { signal }),
    }),
  );
}

export function useEvents(filters: EventFilters) {
  return useInfiniteQuery({
    queryKey: ["audit", filters],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => readEvents(filters, pageParam, signal),
    getNextPageParam: (page) => page.cursor,
    // Each page is on record, so that none is read twice by itself.
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function useSeals() {
  return useQuery({
    queryKey: ["seals"],
    queryFn: ({ signal }) =>
      body(api.GET("/app/audit/seals", { params: { header: purposeHeader() }, signal })),
  });
}

export function useVerify() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (seals: number) =>
      body(api.POST("/app/audit/verification", { params: { header: purposeHeader() }, body: { seals } })),
    onSuccess: (verification) =>
      queries.setQueryData<Seals>(["seals"], (before) => before && { ...before, verification }),
  });
}
