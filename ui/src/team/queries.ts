/** What the desk asks about work: the own and that of the team. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, body, type Schemas } from "../api/client";
import { purposeHeader } from "../api/header";

export type Statistics = Schemas["Statistics"];
export type Team = Schemas["Team"];
export type HeldCase = Schemas["HeldCase"];
export type Colleague = Schemas["Colleague"];
export type Proportion = Schemas["Proportion"];

export function useStatistics() {
  return useQuery({
    queryKey: ["statistics"],
    queryFn: ({ signal }) =>
      body(api.GET("/app/statistics", { params: { header: purposeHeader() }, signal })),
  });
}

export function useTeam(line: string, weeks: number) {
  return useQuery({
    queryKey: ["team", line, weeks],
    enabled: line !== "",
    queryFn: ({ signal }) =>
      body(api.GET("/app/team", { params: { query: { line, weeks }, header: purposeHeader() }, signal })),
  });
}

/** Names of people to whom a case can be given. */
export function usePeople() {
  return useQuery({
    queryKey: ["people"],
    staleTime: 300_000,
    queryFn: async ({ signal }) =>
      (await body(api.GET("/app/people", { params: { header: purposeHeader() }, signal }))).people,
  });
}

export interface Assignment {
  case_id: string;
  version: number;
  to: string | null;
  reason: string;
}

/** Gives a case to somebody; whether it succeeds or not, the team is asked for again. */
export function useAssign() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ case_id, version, to, reason }: Assignment) =>
      body(
        api.POST("/app/cases/{case_id}/assignment", {
          params: { path: { case_id }, header: { ...purposeHeader(), "if-match": `"v${version}"` } },
          body: { to, reason },
        }),
      ),
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["team"] }),
        queries.invalidateQueries({ queryKey: ["queue"] }),
      ]),
  });
}
