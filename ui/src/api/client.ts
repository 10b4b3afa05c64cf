/** The typed client of the API; its types come from openapi.json. */
import { QueryClient } from "@tanstack/react-query";
import createClient, { type Client } from "openapi-fetch";
import { isTransient, Problem } from "./problems";
import type { components, paths } from "./schema";
import { type Credentials, createTransport } from "./transport";

export type Schemas = components["schemas"];

export let api: Client<paths, `${string}/${string}`>;
/** Sends a request that the typed client does not know, such as one for bytes. */
export let send: (path: string, init?: RequestInit) => Promise<Response>;

export function connect(credentials: Credentials): void {
  const transport = createTransport(credentials);
  const base = location.origin;
  api = createClient<paths>({ baseUrl: base, fetch: transport, credentials: "omit", cache: "no-store" });
  send = (path, init) =>
    transport(new Request(new URL(path, base), { credentials: "omit", cache: "no-store", ...init }));
}

/** Returns the body of an answer; refusals have been raised by the transport. */
export async function body<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}

/**
 * The cache of answers. It asks for nothing by itself: not when the window gets the focus, and not on an interval,
 * because each request for a claim is on record and keeps the database awake. When the connection is back, it asks
 * again for what failed.
 */
export function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        networkMode: "always",
        refetchOnWindowFocus: false,
        refetchOnReconnect: ({ state }) => state.status === "error",
        staleTime: 10_000,
        gcTime: 60_000,
        retry: (failures, error) => failures < 3 && isTransient(error),
        retryDelay: (failures, error) =>
          error instanceof Problem && error.retryAfter !== null
            ? 1000 * Math.min(error.retryAfter, 10)
            : Math.min(500 * 2 ** failures, 4000),
      },
      mutations: { networkMode: "always", retry: false },
    },
  });
}
