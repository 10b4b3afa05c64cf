/** Texts of the audit. */
export const audit = {
  navigation: "Audit",
  title: "Audit",
  recorded:
    "Reading this record is itself on record: each page that is loaded or exported is one access event.",
  filters: {
    title: "Filters",
    actor: "Person",
    claim: "Claim",
    line: "Line",
    model: "Model",
    purpose: "Purpose",
    action: "Action",
    since: "From",
    until: "Before",
    zone: (zone: string) => `Times are in your time zone (${zone}).`,
    apply: "Show",
    clear: "Clear",
  },
  events: {
    title: "Access events",
    none: "No access event matches.",
    when: "When",
    who: "Who",
    action: "Action",
    object: "About",
    purpose: "Purpose",
    outcome: "Outcome",
    why: "Reason",
    request: "Request",
    // A list that was read without a filter is about nothing in particular.
    line: (line: string, object: string) => [line, object === "{}" ? "" : object].filter(Boolean).join(" / "),
    model: (version: string) => `model ${version}`,
    noPurpose: "none",
    more: "Show older events",
    shown: (count: string) => `${count} events shown, the newest first.`,
    end: "These are all events that match.",
    via: { v1: "machine", app: "desk", cli: "command line", deployment: "deployment" },
    outcomes: { answered: "answered", refused: "refused", not_found: "not found", rejected: "rejected" },
  },
  export: {
    title: "Export",
    words: (limit: string) =>
      `Exports the events that match the filters, at most the newest ${limit}. Each page that is read for it is an access event.`,
    csv: "As CSV",
    ndjson: "As NDJSON",
    csvHint:
      "In CSV, a text that a spreadsheet would take for a formula has an apostrophe in front; NDJSON has all texts as they are.",
    running: (count: string) => `${count} events read …`,
    done: (count: string, name: string) => `${count} events are in ${name}.`,
    cut: (count: string) =>
      `Only the newest ${count} events are in the file: narrow the filters for the others.`,
    stop: "Stop",
    stopped: "The export was stopped; no file was written.",
    sealsHint:
      "An export that others can verify by its seals is made by the command claimwatch audit export.",
  },
  seals: {
    title: "Seals",
    words:
      "Every five minutes the newest events are sealed: their digest is stored where nobody can change it.",
    none: "Nothing is sealed yet.",
    unsealed: (count: string) => `${count} events are not sealed yet.`,
    gap: (number: string, replaces: string) =>
      `Seal ${number} follows a restore of the database: events of the seals from ${replaces} on are no longer in it. Their digests still are in the store.`,
    number: "No.",
    events: "Events",
    range: "From and to",
    rangeOf: (first: string, last: string) => `${first}–${last}`,
    sealed: "Sealed",
    root: "Digest",
  },
  verification: {
    title: "Verification",
    never: "The events have not been verified here yet.",
    seals: "Newest seals",
    run: "Verify now",
    running: "Comparing events with their seals …",
    intact: "Intact",
    intactWords: (events: string, seals: string) =>
      `${events} events were recomputed and agree with ${seals} seals, in the database and in the store that nobody can change.`,
    altered: "Altered",
    alteredWords: (differences: string) =>
      differences === "1" ? "One difference was found." : `${differences} differences were found.`,
    first: "The first:",
    not: (unsealed: string, unverified: string) =>
      `Not compared: ${unsealed} events that are not sealed yet, ${unverified} whose seals are missing or changed.`,
    by: (person: string) => `Verified by ${person},`,
    range: (first: string, last: string) => `Events ${first} to ${last}.`,
    next: "Tell the privacy officer, change nothing, and follow the runbook's page on the audit record.",
  },
} as const;
