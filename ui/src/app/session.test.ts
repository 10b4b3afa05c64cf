import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createSession } from "./session";

const metadata = {
  issuer: "https://issuer.example/pool",
  authorization_endpoint: "https://sign-in.example/oauth2/authorize",
  token_endpoint: "https://sign-in.example/oauth2/token",
  revocation_endpoint: "https://sign-in.example/oauth2/revoke",
};
const config = {
  issuer: metadata.issuer,
  client_id: "desk",
  authority_metadata: metadata,
  sign_in_url: "https://sign-in.example",
};
const assign = vi.fn<(address: string) => void>();
const replaced = vi.fn<(address: string) => void>();

/** Puts a location into the place of jsdom's, which refuses to leave the page. */
function stubLocation(address: string): void {
  const at = new URL(address);
  vi.stubGlobal("location", {
    origin: at.origin,
    href: at.href,
    pathname: at.pathname,
    search: at.search,
    hash: at.hash,
    assign: (to: string | URL) => assign(String(to)),
    replace: (to: string | URL) => replaced(String(to)),
  });
}

function stored(): string {
  return JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)]);
}

const part = (value: object) =>
  btoa(JSON.stringify(value)).replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_");

/** Signs in as the issuer would answer it, and returns the session. */
async function signIn(hash = "#/queue?line=motor") {
  stubLocation(`https://desk.example/${hash}`);
  const before = createSession(config);
  void before.start();
  await vi.waitFor(() => expect(assign).toHaveBeenCalled());
  const asked = new URL(assign.mock.calls.at(-1)?.[0] ?? "");
  const now = Math.floor(Date.now() / 1000);
  const idToken = `${part({ alg: "RS256" })}.${part({
    iss: metadata.issuer,
    aud: "desk",
    sub: "person",
    iat: now,
    exp: now + 1800,
  })}.signature`;
  vi.stubGlobal("fetch", async (address: string) =>
    String(address).endsWith("/oauth2/token")
      ? Response.json({
          access_token: "secret-access-token",
          refresh_token: "secret-refresh-token",
          id_token: idToken,
          token_type: "Bearer",
          expires_in: 1800,
        })
      : Response.json({}),
  );
  stubLocation(`https://desk.example/?code=spent&state=${asked.searchParams.get("state")}`);
  const session = createSession(config);
  const phase = await session.start();
  return { session, phase, asked, idToken };
}

beforeEach(() => {
  assign.mockReset();
  replaced.mockReset();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("signing in", () => {
  it("asks for a code, with PKCE", async () => {
    const { asked } = await signIn();
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      response_type: "code",
      code_challenge_method: "S256",
      client_id: "desk",
      redirect_uri: "https://desk.example/",
      scope: "openid",
    });
  });

  it("leaves tokens in no storage, and nothing else of the sign-in", async () => {
    const { session, phase, idToken } = await signIn();
    expect([phase, session.token()]).toEqual(["signed_in", "secret-access-token"]);
    expect(stored()).toBe("[[],[]]");
    expect(stored()).not.toContain(idToken);
  });

  it("comes back to the screen that it left, without the code in the address", async () => {
    const replace = vi.spyOn(history, "replaceState");
    await signIn("#/queue?line=motor");
    expect(replace).toHaveBeenLastCalledWith(null, "", "/#/queue?line=motor");
  });

  it("comes back to no address that is none of ours", async () => {
    const replace = vi.spyOn(history, "replaceState");
    await signIn("#//evil.example/<script>");
    expect(replace).toHaveBeenLastCalledWith(null, "", "/#/");
  });
});

describe("signing out", () => {
  it("forgets the token and leaves for the issuer's sign-out", async () => {
    const { session } = await signIn();
    await session.signOut();
    expect(session.token()).toBeNull();
    expect(replaced).toHaveBeenCalledWith(
      "https://sign-in.example/logout?client_id=desk&logout_uri=https%3A%2F%2Fdesk.example%2F",
    );
    expect(stored()).not.toMatch(/secret|person/);
  });

  it("is not followed by a sign-in that nobody asked for", async () => {
    const { session } = await signIn();
    await session.signOut();
    stubLocation("https://desk.example/");
    assign.mockReset();
    expect(await createSession(config).start()).toBe("signed_out");
    expect(assign).not.toHaveBeenCalled();
  });
});
