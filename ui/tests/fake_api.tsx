/** The API in memory, for tests of components: it answers routes and keeps what was sent. */
import { QueryClientProvider } from "@tanstack/react-query";
import { render, waitFor } from "@testing-library/react";
import { vi } from "vitest";
import { Router } from "wouter";
import { connect, createQueries, type Schemas } from "../src/api/client";
import { connected, purpose, waking } from "../src/api/transport";
import { forgetEverything } from "../src/app/forget";
import { useHashLocation } from "../src/app/hash";
import { Shell } from "../src/app/Shell";
import caseFile from "./fixtures/case.json";
import linksFile from "./fixtures/links.json";
import photosFile from "./fixtures/photos.json";

export type Case = Schemas["Case"];

export interface Sent {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Headers;
  body: Record<string, unknown>;
}

type Answer = Response | Error | Promise<Response>;
type Route = (sent: Sent) => Answer | object;

/** Returns a case; its lease is the own one and lasts 15 minutes. */
export function makeCase(changes: Partial<Case> = {}): Case {
  const until = new Date(Date.now() + 15 * 60_000).toISOString();
  const known = structuredClone(caseFile) as unknown as Case;
  return {
    ...known,
    lease: { holder: "ida", mine: true, until, generation: 4 },
    photos: 0,
    linked: 0,
    ...changes,
  };
}

export function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  const body = { type: "about:blank", title: "", status, detail: `detail of ${code}`, code };
  return Response.json(body, { status, headers });
}

export function decided(sent: Sent, changes: Partial<Schemas["Decided"]> = {}): Schemas["Decided"] {
  const at = new Date();
  return {
    decision: {
      decision_id: sent.headers.get("idempotency-key") ?? "",
      verdict: sent.body.verdict as Schemas["DecisionRequest"]["verdict"],
      grounds: sent.body.grounds as string[],
      note: sent.body.note as string,
      by: "ida",
      at: at.toISOString(),
      final: true,
      second_of: null,
      undone: false,
      undo_until: null,
    },
    state: "decided",
    version: 4,
    undo_until: new Date(at.getTime() + 15_000).toISOString(),
    ...changes,
  };
}

const ME: Schemas["Me"] = {
  actor: "ida",
  groups: ["investigator"],
  permissions: (["claim.read", "claim.unmask", "case.decide", "photo.view"] as const).map((permission) => ({
    permission,
    lines: ["*"],
  })),
  conflicts: [],
  separation_of_duties: "enforced",
  lines: [{ line: "motor", purposes: ["claim_handling", "fraud_investigation"] }],
  purposes: ["audit"],
};

export class FakeApi {
  readonly sent: Sent[] = [];
  private readonly first = new Map<string, Route[]>();
  private readonly usual = new Map<string, Route>();

  constructor() {
    this.always("GET /app/me", () => ME);
    this.always("GET /app/queue", () => ({ cases: [], cursor: null, waiting: 12 }));
    this.always("GET /app/people", () => ({ people: ["bruno", "chiara"] }));
    vi.stubGlobal("fetch", (request: Request) => this.answer(request));
  }

  /** Answers a route once, before what it answers always; several answers follow each other. */
  once(route: string, answer: Route): this {
    this.first.set(route, [...(this.first.get(route) ?? []), answer]);
    return this;
  }

  always(route: string, answer: Route): this {
    this.usual.set(route, answer);
    return this;
  }

  /** Returns what was sent to a route. */
  to(route: string): Sent[] {
    return this.sent.filter(({ method, path }) => `${method} ${path}` === route);
  }

  private async answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const text = await request.clone().text();
    const sent: Sent = {
      method: request.method,
      path: pathname,
      query: searchParams,
      headers: request.headers,
      body: text ? JSON.parse(text) : {},
    };
    this.sent.push(sent);
    const route = `${sent.method} ${pathname}`;
    const next = this.first.get(route)?.shift() ?? this.usual.get(route);
    if (!next) return problem(404, "not_found");
    const answer = await next(sent);
    if (answer instanceof Error) throw answer;
    return answer instanceof Response ? answer : Response.json(answer);
  }
}

export const credentials = {
  token: () => "token",
  renew: async () => null,
  signIn: async () => undefined,
};

/** Shows the application at a path, signed in. */
export function showDesk(path = "/") {
  forgetEverything();
  purpose.set("");
  waking.set(false);
  connected.set(true);
  history.replaceState(null, "", `/#${path}`);
  connect(credentials);
  const queries = createQueries();
  return render(
    <QueryClientProvider client={queries}>
      <Router hook={useHashLocation}>
        <Shell signOut={() => undefined} />
      </Router>
    </QueryClientProvider>,
  );
}

/** Waits for the screen with this title. (By role, a search of the whole page takes a second in jsdom.) */
export async function heading(title: string): Promise<HTMLElement> {
  return waitFor(
    () => {
      const found = document.querySelector<HTMLElement>("h1");
      if (found?.textContent !== title) throw new Error(`the title is ${found?.textContent}, not ${title}`);
      return found;
    },
    { timeout: 10_000 },
  );
}

export const links = linksFile as unknown as Schemas["Links"];
export const photos = photosFile as unknown as Schemas["Photos"];
