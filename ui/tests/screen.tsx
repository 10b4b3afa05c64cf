/** Shows the application as somebody sees it who is signed in, with answers of the API from a table. */
import { QueryClientProvider } from "@tanstack/react-query";
import { configure, render } from "@testing-library/react";
import { vi } from "vitest";
import { Router } from "wouter";
import { connect, createQueries, type Schemas } from "../src/api/client";
import { purpose } from "../src/api/transport";
import { useHashLocation } from "../src/app/hash";
import { Shell } from "../src/app/Shell";

// Screens load when they are first shown, which takes a moment on a busy computer. Whether an element is hidden is not
// computed for every role that is sought: in jsdom that is most of the time of a test.
configure({ asyncUtilTimeout: 8000, defaultHidden: true });

type Reply = Response | object | ((request: Request) => Response | object | Promise<Response | object>);

/** By `GET /app/team`; the path without its query. */
export type Replies = Readonly<Record<string, Reply>>;

export function problem(
  status: number,
  code: string,
  detail = "",
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify({ type: "about:blank", title: "", status, code, detail }), {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

/** Shows an address such as `/team?line=motor` and returns the requests that are made. */
export function showScreen(address: string, me: Schemas["Me"], replies: Replies) {
  const requests: {
    method: string;
    path: string;
    query: URLSearchParams;
    body: unknown;
    headers: Headers;
  }[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname, searchParams } = new URL(request.url);
    const text = await request.clone().text();
    requests.push({
      method: request.method,
      path: pathname,
      query: searchParams,
      body: text ? JSON.parse(text) : undefined,
      headers: request.headers,
    });
    const found: Reply | undefined =
      pathname === "/app/me" ? me : replies[`${request.method} ${decodeURIComponent(pathname)}`];
    const reply =
      typeof found === "function" ? await (found as (request: Request) => unknown)(request) : found;
    if (reply instanceof Response) return reply.clone();
    if (reply === undefined) return problem(404, "not_found");
    return new Response(JSON.stringify(reply), {
      status: 200,
      headers: { "content-type": "application/json" },
    });
  });
  purpose.set("");
  connect({ token: () => "token", renew: async () => null, signIn: async () => undefined });
  history.replaceState(null, "", `/#${address}`);
  const queries = createQueries();
  const shown = render(
    <QueryClientProvider client={queries}>
      <Router hook={useHashLocation}>
        <Shell signOut={() => undefined} />
      </Router>
    </QueryClientProvider>,
  );
  return { ...shown, requests };
}
