/**
 * Sign-in by OpenID Connect: authorization code with PKCE. Tokens are in memory only; the storage of the tab holds the
 * verifier of a sign-in while it is under way.
 */
import { InMemoryWebStorage, type User, UserManager, WebStorageStateStore } from "oidc-client-ts";
import type { Credentials } from "../api/transport";
import type { Config } from "./config";

const PREFIX = "claimwatch.sign-in.";
/** Set between a sign-out and the next sign-in, so that the page does not sign in by itself. */
const SIGNED_OUT = "claimwatch.signed-out";

export interface Session extends Credentials {
  /** Completes a sign-in that comes back, or starts one, except after a sign-out. */
  start(): Promise<"signed_in" | "signed_out" | "leaving">;
  /** Forgets the tokens, because another tab signs out. */
  forget(): Promise<void>;
  /** Forgets the tokens and leaves for the issuer's sign-out. */
  signOut(): Promise<void>;
}

/** Returns a path of this application; everything else leads home. */
function safeHash(hash: unknown): string {
  return typeof hash === "string" && /^#\/(?:[A-Za-z0-9][A-Za-z0-9/_\-.~%?=&+]*)?$/.test(hash) ? hash : "#/";
}

function forgetSignIn(): void {
  for (const key of Object.keys(sessionStorage)) {
    if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
  }
}

export function createSession(config: Config): Session {
  const home = `${location.origin}/`;
  const manager = new UserManager({
    authority: config.issuer,
    ...(config.authority_metadata && { metadata: config.authority_metadata }),
    client_id: config.client_id,
    redirect_uri: home,
    post_logout_redirect_uri: home,
    response_type: "code",
    scope: config.scope ?? "openid",
    requestTimeoutInSeconds: 10,
    loadUserInfo: false,
    automaticSilentRenew: false,
    monitorSession: false,
    userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
    stateStore: new WebStorageStateStore({ store: sessionStorage, prefix: PREFIX }),
  });
  let user: User | null = null;
  let leaving = false;

  async function signIn(): Promise<void> {
    if (leaving) return;
    leaving = true;
    user = null;
    await manager.removeUser();
    forgetSignIn();
    sessionStorage.removeItem(SIGNED_OUT);
    await manager.signinRedirect({ state: { hash: safeHash(location.hash) } });
  }

  return {
    token: () => user?.access_token ?? null,

    async renew() {
      if (!user?.refresh_token) return null;
      user = await manager.signinSilent().catch(() => null);
      return user?.access_token ?? null;
    },

    signIn,

    async start() {
      const query = new URLSearchParams(location.search);
      if (query.has("state") && (query.has("code") || query.has("error"))) {
        let hash = "#/";
        try {
          const back = await manager.signinCallback();
          user = back ?? null;
          hash = safeHash((back?.state as { hash?: unknown } | undefined)?.hash);
        } finally {
          forgetSignIn();
          // The code is spent; it stays neither in the address nor in the history.
          history.replaceState(null, "", `/${hash}`);
        }
        if (user) return "signed_in";
      }
      if (sessionStorage.getItem(SIGNED_OUT)) return "signed_out";
      await signIn();
      return "leaving";
    },

    async forget() {
      user = null;
      sessionStorage.setItem(SIGNED_OUT, "yes");
      await manager.removeUser();
      forgetSignIn();
    },

    async signOut() {
      leaving = true;
      sessionStorage.setItem(SIGNED_OUT, "yes");
      const idToken = user?.id_token;
      const refresh = user?.refresh_token;
      user = null;
      if (refresh) await manager.revokeTokens(["refresh_token"]).catch(() => undefined);
      await manager.removeUser();
      forgetSignIn();
      if (config.sign_in_url) {
        // Cognito names these parameters in its own way.
        const address = new URL("/logout", config.sign_in_url);
        address.search = new URLSearchParams({ client_id: config.client_id, logout_uri: home }).toString();
        location.replace(address);
      } else {
        await manager
          .signoutRedirect(idToken ? { id_token_hint: idToken } : {})
          .catch(() => location.replace(home));
      }
    },
  };
}
