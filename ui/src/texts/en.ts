/**
 * Every visible text, in English. Another language is one more file of type `Texts` (see index.ts).
 *
 * A section belongs to the folder of its name. Texts with a number or a name in them are functions. Sections that are
 * long are files of the folder `en`.
 */
import { audit } from "./en/audit";
import { charts } from "./en/charts";
import { cases, desk, queue } from "./en/desk";
import { models, weeks } from "./en/models";
import { search } from "./en/search";
import { statistics, team } from "./en/team";

export const en = {
  audit,
  case: cases,
  charts,
  desk,
  models,
  queue,
  search,
  statistics,
  team,
  weeks,
  app: {
    name: "Claimwatch",
    documentTitle: (title: string) => `${title} · Claimwatch`,
    skip: "Skip to the content",
    close: "Close",
    cancel: "Cancel",
    loading: "Loading …",
    none: "none",
    yes: "yes",
    no: "no",
    more: "Show more",
    noLine: "No line for which you have the permission has a contract yet.",
    message: "Message",
    offer: (text: string, action: string, key: string) => `${text} ${action}: ${key}.`,
    waking:
      "The database is waking up. This takes up to a minute; the page goes on by itself, nothing needs to be done.",
    awake: "The database is awake.",
    disconnected: "No connection. What you typed is kept; the page goes on when the connection is back.",
    connected: "The connection is back.",
    starting: "Starting …",
    signingIn: "Signing in …",
  },
  navigation: {
    title: "Main",
    home: "Home",
    notFound: "There is no such page",
    notFoundDetail: "The address may be mistyped, or your permissions do not include this page.",
  },
  account: {
    title: (name: string) => `Account of ${name}`,
    signOut: "Sign out",
    signIn: "Sign in",
    signedOut: "You are signed out",
    signedOutDetail: "Nothing of your session is left in this tab.",
    signInFailed: "Signing in failed",
    signInFailedDetail: "The sign-in was cancelled, or it took too long. Try again.",
    noConfig: "The desk is not set up",
    noConfigDetail: "/config.json is missing or not valid. The runbook says how it is written.",
    sessionOver: "Your session has ended",
    sessionOverDetail:
      "To go on you must sign in again, which leaves this page. What you typed and did not send will be lost: copy it first.",
    stay: "Stay, to copy it",
    nothing: "Your account has no permission yet",
    nothingDetail: "Ask the person who administers Claimwatch to give one of your groups a permission.",
    groups: "Groups",
    theme: "Theme",
    themes: { system: "As the system", light: "Light", dark: "Dark" },
    lines: "Lines",
  },
  purpose: {
    label: "Purpose",
    hint: "Why you look at claims. Each request records it.",
    changed: (name: string) => `Purpose: ${name}`,
    names: {
      claim_handling: "Claim handling",
      fraud_investigation: "Fraud investigation",
      complaint_handling: "Complaint handling",
      audit: "Audit",
      model_monitoring: "Model monitoring",
      operations: "Operations",
      testing: "Testing",
    } as Readonly<Record<string, string>>,
  },
  keys: {
    title: "Keys",
    list: "Show this list",
    everywhere: "Everywhere",
    on: "Single letters and digits do something",
    typing: "Keys do nothing while you type in a field.",
    enter: "Enter",
    pageUp: "PgUp",
    pageDown: "PgDn",
  },
  errors: {
    broken: "This page failed",
    brokenDetail: "An unexpected error occurred. The rest of the application still works.",
    again: "Try again",
    unexpected: "An unexpected error occurred.",
    connection: "No connection to Claimwatch. What you typed is kept.",
    status: (status: number) => `The request was refused (status ${status}).`,
    codes: {
      purpose:
        "This line does not allow the purpose that you chose. Choose another one at the top of the page.",
      forbidden: "Your permissions do not include this.",
      own_decision: "Nobody confirms their own decision: somebody else must take the second look.",
      not_found: "It does not exist, or your permissions do not include it.",
      stale: "You no longer hold this case.",
      held: "Somebody else holds this case.",
      not_yet: "This case was just decided. You can take it in a few seconds.",
      decided: "This case is already decided.",
      conflict: "This was sent before with other content.",
      blinded: "This is not shown before the decision.",
      not_open: "This case is no longer open.",
      too_late: "It is too late to take this decision back.",
      changed: "The case has changed since you opened it.",
      waking: "The database did not wake up in time. Try again in a minute.",
    },
  },
};
