import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConnectionLost, Problem, SignedOut } from "./problems";
import { connected, createTransport, purpose, serverNow, waking } from "./transport";

const answers: (Response | Error)[] = [];
const requests: Request[] = [];

function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  return Response.json(
    { type: "about:blank", title: "", status, detail: "A sentence.", code },
    { status, headers },
  );
}

const credentials = {
  token: vi.fn<() => string | null>(),
  renew: vi.fn<() => Promise<string | null>>(),
  signIn: vi.fn<() => Promise<void>>(),
};

const request = (init?: RequestInit) => new Request("https://desk.example/app/me", init);

beforeEach(() => {
  answers.length = 0;
  requests.length = 0;
  vi.stubGlobal("fetch", async (sent: Request) => {
    requests.push(sent);
    const answer = answers.shift();
    if (!answer) throw new TypeError("fetch failed");
    if (answer instanceof Error) throw answer;
    return answer;
  });
  credentials.token.mockReset().mockReturnValue("token-1");
  credentials.renew.mockReset().mockResolvedValue("token-2");
  credentials.signIn.mockReset().mockResolvedValue();
  purpose.set("fraud_investigation");
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a request", () => {
  it("carries the token and the purpose", async () => {
    answers.push(Response.json({}));
    await createTransport(credentials)(request());
    expect(requests[0]?.headers.get("authorization")).toBe("Bearer token-1");
    expect(requests[0]?.headers.get("x-purpose")).toBe("fraud_investigation");
  });

  it("goes on by itself when the database is awake, and says so meanwhile", async () => {
    answers.push(
      problem(503, "waking", { "retry-after": "3" }),
      problem(503, "waking"),
      Response.json({ ok: 1 }),
    );
    const answer = createTransport(credentials)(request({ method: "POST", body: '{"a":1}' }));
    await vi.advanceTimersByTimeAsync(2900);
    expect([waking.get(), requests.length]).toEqual([true, 1]);
    await vi.advanceTimersByTimeAsync(2200);
    expect(await (await answer).json()).toEqual({ ok: 1 });
    expect(waking.get()).toBe(false);
    expect(await Promise.all(requests.map((sent) => sent.text()))).toEqual(['{"a":1}', '{"a":1}', '{"a":1}']);
  });

  it("gives up a database that does not wake up within two minutes", async () => {
    for (let i = 0; i < 100; i += 1) answers.push(problem(503, "waking", { "retry-after": "5" }));
    const answer = createTransport(credentials)(request()).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(130_000);
    expect(await answer).toMatchObject({ status: 503, code: "waking" });
    expect(waking.get()).toBe(false);
  });

  it("stops waiting when it is no longer wanted", async () => {
    answers.push(problem(503, "waking", { "retry-after": "9" }));
    const stop = new AbortController();
    const answer = createTransport(credentials)(request({ signal: stop.signal })).catch(
      (error: unknown) => error,
    );
    await vi.advanceTimersByTimeAsync(100);
    stop.abort();
    expect(await answer).toMatchObject({ name: "AbortError" });
    expect(waking.get()).toBe(false);
  });

  it("is sent again with a new token, which is fetched once for all requests", async () => {
    const unauthorized = () => Response.json({ message: "Unauthorized" }, { status: 401 });
    answers.push(unauthorized(), unauthorized(), Response.json({}), Response.json({}));
    const transport = createTransport(credentials);
    await Promise.all([transport(request()), transport(request())]);
    expect(credentials.renew).toHaveBeenCalledOnce();
    expect(requests.slice(2).map((sent) => sent.headers.get("authorization"))).toEqual([
      "Bearer token-2",
      "Bearer token-2",
    ]);
  });

  it("leads to the sign-in when the session is over", async () => {
    answers.push(Response.json({ message: "Unauthorized" }, { status: 401 }));
    credentials.renew.mockResolvedValue(null);
    await expect(createTransport(credentials)(request())).rejects.toBeInstanceOf(SignedOut);
    expect(credentials.signIn).toHaveBeenCalledOnce();
  });

  it("raises a problem document as a typed error", async () => {
    answers.push(problem(409, "stale"));
    const error = await createTransport(credentials)(request()).catch((raised: unknown) => raised);
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({ status: 409, code: "stale", detail: "A sentence." });
  });

  it("raises an answer that is no problem document, too", async () => {
    answers.push(new Response("<html>", { status: 502 }));
    await expect(createTransport(credentials)(request())).rejects.toMatchObject({ status: 502, code: "" });
  });

  it("tells a lost connection from a refusal, and when it is back", async () => {
    answers.push(new TypeError("Failed to fetch"), Response.json({}));
    const transport = createTransport(credentials);
    await expect(transport(request())).rejects.toBeInstanceOf(ConnectionLost);
    expect(connected.get()).toBe(false);
    await transport(request());
    expect(connected.get()).toBe(true);
  });

  it("reads the server's clock, by which leases and undo end", async () => {
    vi.setSystemTime("2026-01-05T10:00:00Z");
    answers.push(Response.json({}, { headers: { date: "Mon, 05 Jan 2026 10:07:00 GMT" } }));
    await createTransport(credentials)(request());
    expect(new Date(serverNow()).toISOString()).toBe("2026-01-05T10:07:00.500Z");
  });
});
