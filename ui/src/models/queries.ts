/** What the desk asks about the models and the checked weeks of a line. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, body, type Schemas, send } from "../api/client";
import { purposeHeader } from "../api/header";

export type Models = Schemas["DeskModels"];
export type Model = Schemas["DeskModel"];
export type PromotionRequest = Schemas["DeskPromotionRequest"];
export type Weeks = Schemas["Weeks"];
export type Window = Schemas["Window"];
export type WeekAlarm = Schemas["WeekAlarm"];

export const modelsKey = (line: string) => ["models", line] as const;

export function useModels(line: string) {
  return useQuery({
    queryKey: modelsKey(line),
    enabled: line !== "",
    queryFn: ({ signal }) =>
      body(api.GET("/app/models/{line}", { params: { path: { line }, header: purposeHeader() }, signal })),
  });
}

export function useRequestPromotion(line: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (asked: PromotionRequest) =>
      body(
        api.POST("/app/models/{line}/promotions", {
          params: { path: { line }, header: purposeHeader() },
          body: asked,
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: modelsKey(line) }),
  });
}

export function useWeeks(line: string) {
  return useQuery({
    queryKey: ["weeks", line],
    enabled: line !== "",
    queryFn: ({ signal }) =>
      body(api.GET("/app/weeks/{line}", { params: { path: { line }, header: purposeHeader() }, signal })),
  });
}

/** Reads a page of HTML: the card of a model or the report of a week. */
export function useStoredPage(path: string) {
  return useQuery({
    queryKey: ["page", path],
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => (await send(path, { signal })).text(),
  });
}

export const cardPath = (line: string, version: string) =>
  `/app/models/${encodeURIComponent(line)}/${encodeURIComponent(version)}/card`;

export const reportPath = (line: string, window: string) =>
  `/app/weeks/${encodeURIComponent(line)}/${encodeURIComponent(window)}/report`;
