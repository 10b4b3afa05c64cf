/** The frame around every screen: header, navigation by permission, messages about the connection, routes. */
import { Suspense, useEffect, useRef } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { connected, purpose, waking } from "../api/transport";
import { KeysDialog } from "../keyboard/KeysDialog";
import { useKeyboard } from "../keyboard/keys";
import { texts } from "../texts";
import { AccountMenu, PurposeChoice } from "./Account";
import { Failure, Loading } from "./Answer";
import { type Access, AccessProvider, useMe, usualPurpose } from "./access";
import { announce, LiveRegions } from "./announce";
import { ErrorBoundary } from "./ErrorBoundary";
import { Page } from "./Page";
import { screens } from "./screens";
import { useStore } from "./store";
import { Toast } from "./toast";

function NotFound() {
  return (
    <Page title={texts.navigation.notFound}>
      <p>{texts.navigation.notFoundDetail}</p>
      <p>
        <Link href="/">{texts.navigation.home}</Link>
      </p>
    </Page>
  );
}

/** On a narrow screen the navigation scrolls: where the person is must be in view. */
function showEntry(entry: HTMLElement | null): void {
  entry?.scrollIntoView({ block: "nearest", inline: "center" });
}

function Navigation({ access }: { access: Access }) {
  const [path] = useLocation();
  const section = path.split("/")[1] ?? "";
  return (
    <nav aria-label={texts.navigation.title} className="navigation">
      <ul>
        {screens.map(({ navigation, allowed }) => {
          if (!navigation || !allowed(access)) return null;
          const current = (navigation.href.split("/")[1] ?? "") === section;
          return (
            <li key={navigation.href} ref={current ? showEntry : null}>
              <Link href={navigation.href} {...(current && { "aria-current": "page" as const })}>
                {navigation.label}
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

/** Says that the page waits for the database or the network, and when it goes on. */
function ConnectionState() {
  const asleep = useStore(waking);
  const online = useStore(connected);
  const before = useRef({ asleep, online });
  useEffect(() => {
    const was = before.current;
    before.current = { asleep, online };
    if (asleep && !was.asleep) announce(texts.app.waking);
    if (!asleep && was.asleep) announce(texts.app.awake);
    if (!online && was.online) announce(texts.app.disconnected, { now: true });
    if (online && !was.online) announce(texts.app.connected);
  }, [asleep, online]);
  if (!online) return <p className="connection bad">{texts.app.disconnected}</p>;
  if (asleep) return <p className="connection waking">{texts.app.waking}</p>;
  return null;
}

function Screens({ access }: { access: Access }) {
  const [path] = useLocation();
  return (
    <ErrorBoundary key={path}>
      <Suspense fallback={<Loading />}>
        <Switch>
          {screens
            .filter((screen) => screen.allowed(access))
            .map(({ path: pattern, component: Screen }) => (
              <Route key={pattern} path={pattern}>
                {(params) => (
                  <Screen key={path} params={params as Readonly<Record<string, string | undefined>>} />
                )}
              </Route>
            ))}
          <Route>
            <NotFound />
          </Route>
        </Switch>
      </Suspense>
    </ErrorBoundary>
  );
}

function Desk({ access, signOut }: { access: Access; signOut: () => void }) {
  const main = useRef<HTMLElement>(null);
  // Before the first screen asks for anything.
  if (!purpose.get()) purpose.set(usualPurpose(access));
  useKeyboard();
  return (
    <AccessProvider value={access}>
      <button
        type="button"
        className="skip"
        onClick={() => {
          main.current?.focus();
          main.current?.scrollIntoView();
        }}
      >
        {texts.app.skip}
      </button>
      <header className="top">
        <Link href="/" className="brand">
          <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
            <rect width="32" height="32" rx="7" className="brand-ground" />
            <path d="M22.5 11.2a8 8 0 1 0 0 9.6" className="brand-ring" />
            <circle cx="16" cy="16" r="2.6" className="brand-dot" />
          </svg>
          <span>{texts.app.name}</span>
        </Link>
        <Navigation access={access} />
        <div className="controls">
          <PurposeChoice />
          <KeysDialog />
          <AccountMenu access={access} signOut={signOut} />
        </div>
      </header>
      <ConnectionState />
      <main ref={main} tabIndex={-1} id="content">
        <Screens access={access} />
      </main>
      <Toast />
    </AccessProvider>
  );
}

export function Shell({ signOut }: { signOut: () => void }) {
  const me = useMe();
  return (
    <>
      <LiveRegions />
      {me.data ? (
        <Desk access={me.data} signOut={signOut} />
      ) : (
        <main className="alone">
          <h1 className="visually-hidden">{texts.app.name}</h1>
          <ConnectionState />
          {me.error ? <Failure error={me.error} again={() => void me.refetch()} /> : <Loading />}
          {me.error && (
            <button type="button" onClick={signOut}>
              {texts.account.signOut}
            </button>
          )}
        </main>
      )}
    </>
  );
}
