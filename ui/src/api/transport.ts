/**
 * How requests reach the API: with the access token and the purpose, again after a renewal of the token, and again
 * while the database wakes up.
 */
import { forgetOnSignOut } from "../app/forget";
import { createStore } from "../app/store";
import { ConnectionLost, problemOf, SignedOut } from "./problems";

export interface Credentials {
  /** Returns the access token, or null if nobody is signed in. */
  token(): string | null;
  /** Returns a new access token, or null if the session is over. */
  renew(): Promise<string | null>;
  /** Starts the sign-in, after which the page comes back. */
  signIn(): Promise<void>;
}

/** Until when the database has been waking up, and null if it is awake. */
export const waking = createStore(false);

/** Whether the last request found a connection. */
export const connected = createStore(true);

/** Why the person asks for claims; each request carries it. */
export const purpose = createStore("");
forgetOnSignOut(() => purpose.set(""));

/** Milliseconds by which the server's clock is ahead of this one. */
let ahead = 0;

/** Returns the present moment by the server's clock, to a second. */
export function serverNow(): number {
  return Date.now() + ahead;
}

function readClock(answer: Response): void {
  const date = Date.parse(answer.headers.get("date") ?? "");
  // The header has whole seconds: on average it is half a second behind.
  if (Number.isFinite(date)) ahead = date + 500 - Date.now();
}

/** A database that pauses takes up to a minute to resume. */
const PATIENCE = 120_000;

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      signal.removeEventListener("abort", stopped);
      resolve();
    }
    function stopped() {
      clearTimeout(timer);
      reject(signal.reason);
    }
    if (signal.aborted) stopped();
    else signal.addEventListener("abort", stopped, { once: true });
  });
}

async function send(request: Request): Promise<Response> {
  try {
    const answer = await fetch(request);
    readClock(answer);
    connected.set(true);
    return answer;
  } catch (error) {
    if (request.signal.aborted) throw error;
    connected.set(false);
    throw new ConnectionLost();
  }
}

/** Returns `fetch` for the API; refused requests raise `Problem`, lost ones `ConnectionLost`. */
export function createTransport(credentials: Credentials): (request: Request) => Promise<Response> {
  let renewal: Promise<string | null> | null = null;
  let waiting = 0;

  /** Renews the token once for all requests that found it expired. */
  function renew(): Promise<string | null> {
    renewal ??= credentials.renew().finally(() => {
      renewal = null;
    });
    return renewal;
  }

  async function authorized(request: Request): Promise<Response> {
    const attempt = (token: string | null) => {
      const copy = request.clone();
      if (token) copy.headers.set("authorization", `Bearer ${token}`);
      return send(copy);
    };
    const token = credentials.token();
    const answer = await attempt(token);
    if (answer.status !== 401) return answer;
    // Another request may have renewed the token meanwhile.
    const other = credentials.token();
    const renewed = other !== null && other !== token ? other : await renew();
    if (renewed !== null) {
      const second = await attempt(renewed);
      if (second.status !== 401) return second;
    }
    await credentials.signIn();
    throw new SignedOut();
  }

  return async function transport(request) {
    if (purpose.get()) request.headers.set("x-purpose", purpose.get());
    const giveUp = Date.now() + PATIENCE;
    let slept = false;
    try {
      for (;;) {
        const answer = await authorized(request);
        if (answer.ok) return answer;
        const problem = await problemOf(answer);
        if (problem.status !== 503 || problem.code !== "waking" || Date.now() > giveUp) throw problem;
        if (!slept) waiting += 1;
        slept = true;
        waking.set(true);
        await pause(1000 * Math.min(Math.max(problem.retryAfter ?? 2, 0.5), 10), request.signal);
      }
    } finally {
      if (slept) {
        waiting -= 1;
        waking.set(waiting > 0);
      }
    }
  };
}
