/** From an empty page to a person who is signed in, and back. */
import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { Router } from "wouter";
import { connect, createQueries } from "../api/client";
import { texts } from "../texts";
import { ConfigMissing, readConfig } from "./config";
import { Dialog } from "./Dialog";
import { forgetEverything } from "./forget";
import { useHashLocation } from "./hash";
import { Shell } from "./Shell";
import { createSession, type Session } from "./session";
import { forgetUnsaved, hasUnsaved } from "./unsaved";

type Phase = "starting" | "leaving" | "signed_in" | "signed_out" | "failed" | "no_config";

/** Signs out in every tab of this browser. */
const CHANNEL = "claimwatch";

function Alone({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <main className="alone">
      <h1>{title}</h1>
      {children}
    </main>
  );
}

export function App() {
  const [phase, setPhase] = useState<Phase>("starting");
  const [queries, setQueries] = useState<QueryClient>(createQueries);
  const [over, setOver] = useState(false);
  const overDialog = useRef<HTMLDialogElement>(null);
  const session = useRef<Session | null>(null);
  const started = useRef(false);

  useEffect(() => {
    if (started.current) return;
    started.current = true;
    void (async () => {
      try {
        const opened = createSession(await readConfig());
        session.current = opened;
        connect({
          token: opened.token,
          renew: opened.renew,
          // A sign-in leaves the page, so a person who has typed something decides when.
          signIn: async () => {
            if (hasUnsaved()) setOver(true);
            else await opened.signIn();
          },
        });
        setPhase(await opened.start());
      } catch (error) {
        setPhase(error instanceof ConfigMissing ? "no_config" : "failed");
      }
    })();
  }, []);

  useEffect(() => {
    if (over) overDialog.current?.showModal();
  }, [over]);

  /** Leaves nothing of the session: no answers, no pictures, no typed text, no token. */
  const forget = useCallback(() => {
    queries.clear();
    setQueries(createQueries());
    forgetEverything();
    document.title = texts.app.name;
    setPhase("signed_out");
  }, [queries]);

  const signOut = useCallback(() => {
    const channel = new BroadcastChannel(CHANNEL);
    channel.postMessage("signed-out");
    channel.close();
    forget();
    history.replaceState(null, "", "/#/");
    void session.current?.signOut();
  }, [forget]);

  useEffect(() => {
    const channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = () => {
      if (!session.current?.token()) return;
      forget();
      void session.current.forget();
    };
    return () => channel.close();
  }, [forget]);

  useEffect(() => {
    // A page that the browser keeps for the back button shows nothing, unless the session still lasts.
    const hide = () => {
      document.documentElement.dataset.away = "";
    };
    const show = (event: PageTransitionEvent) => {
      if (event.persisted && !session.current?.token()) location.reload();
      else delete document.documentElement.dataset.away;
    };
    addEventListener("pagehide", hide);
    addEventListener("pageshow", show);
    return () => {
      removeEventListener("pagehide", hide);
      removeEventListener("pageshow", show);
    };
  }, []);

  const signIn = () => {
    setPhase("leaving");
    session.current?.signIn().catch(() => setPhase("failed"));
  };

  if (phase === "signed_in") {
    return (
      <QueryClientProvider client={queries}>
        <Router hook={useHashLocation}>
          <Shell signOut={signOut} />
          {over && (
            <Dialog ref={overDialog} title={texts.account.sessionOver} onClose={() => setOver(false)}>
              <p>{texts.account.sessionOverDetail}</p>
              <div className="row end">
                <button type="button" onClick={() => overDialog.current?.close()}>
                  {texts.account.stay}
                </button>
                <button
                  type="button"
                  className="primary"
                  onClick={() => {
                    forgetUnsaved();
                    signIn();
                  }}
                >
                  {texts.account.signIn}
                </button>
              </div>
            </Dialog>
          )}
        </Router>
      </QueryClientProvider>
    );
  }
  if (phase === "signed_out" || phase === "failed") {
    const failed = phase === "failed";
    return (
      <Alone title={failed ? texts.account.signInFailed : texts.account.signedOut}>
        <p>{failed ? texts.account.signInFailedDetail : texts.account.signedOutDetail}</p>
        <button type="button" className="primary" onClick={signIn}>
          {texts.account.signIn}
        </button>
      </Alone>
    );
  }
  if (phase === "no_config") {
    return (
      <Alone title={texts.account.noConfig}>
        <p>{texts.account.noConfigDetail}</p>
      </Alone>
    );
  }
  return (
    <main className="alone" aria-busy="true">
      <h1 className="visually-hidden">{texts.app.name}</h1>
      <p className="loading" role="status">
        {phase === "starting" ? texts.app.starting : texts.app.signingIn}
      </p>
    </main>
  );
}
