/** Texts of the own statistics and of the team's overview. */
export const statistics = {
  navigation: "My work",
  title: "My work",
  none: "You have not decided a case yet. Your statistics begin with your first decision.",
  decided: "Decisions",
  median: "Median time per case",
  medianUnknown: "not known yet",
  fraud: "Fraud",
  fraudWords: (share: string, of: string, low: string, high: string) =>
    `${share} of ${of} decided claims were fraud. With 95% confidence, the share behind it is ${low} to ${high}.`,
  fraudNone: "No claim decided yet other than as inconclusive.",
  agreed: "Second looks",
  agreedWords: (count: string, of: string, low: string, high: string) =>
    `In ${count} of ${of} second looks both people came to the same verdict (95% interval ${low} to ${high}).`,
  agreedNone: "No second look yet.",
  weeks: "Decisions by week",
  weeksDescription: (weeks: number, decided: string) =>
    `${decided} decisions in ${weeks} ${weeks === 1 ? "week" : "weeks"}, by verdict.`,
  private: "Only you see this page. Your lead sees a summary once you have enough decisions.",
  verdicts: { fraud: "Fraud", not_fraud: "Not fraud", inconclusive: "Inconclusive" },
} as const;

export const team = {
  navigation: "Team",
  title: "Team",
  line: "Line",
  weeksLabel: "Weeks",
  weeksChoice: (weeks: number) => `${weeks} weeks`,
  open: "Open cases",
  overdue: "Overdue",
  overdueNone: "none",
  hitRate: "Hit rate of referrals",
  hitWords: (of: string, low: string, high: string) =>
    `of ${of} final decisions; 95% interval ${low} to ${high}`,
  hitNone: "No referral has been decided finally yet.",
  saved: "Saved",
  savedHint:
    "Amounts of confirmed frauds, less the cost of all reviews; in the unit of the contract's amount.",
  savedUnknown: "The contract names no amount or no cost of a review.",
  noCases: "This line has no case yet. Cases open when claims are scored.",
  capacity: {
    title: "Capacity",
    words: (decided: string, capacity: string, share: string) =>
      `In the last complete week, ${decided} cases were decided; the capacity is ${capacity} (${share}).`,
    noCapacity: "The contract's capacity allows no review of a week so far.",
    short: (opened: string, decided: string) =>
      `More cases were opened (${opened}) than decided (${decided}) in these weeks: the queue grows.`,
    enough: (opened: string, decided: string) =>
      `${opened} cases were opened and ${decided} decided in these weeks: the queue does not grow.`,
    series: { opened: "Opened", decided: "Decided", due: "Due" },
    limit: "Capacity",
  },
  ages: {
    title: "Age of open cases",
    words: (open: string, overdue: string) =>
      `${open} cases are open, ${overdue} of them past their due date.`,
    bin: "Days open",
    count: "Cases",
    range: (from: string, to: string) => `${from}–${to}`,
    from: (from: string) => `${from} +`,
  },
  hits: {
    title: "Hit rate",
    words:
      "Share of fraud among final decisions that are not inconclusive. Referrals show how well cases are chosen; the random audit shows how much fraud there is in the whole book.",
    group: "Cases",
    value: "Fraud",
    of: "Decisions",
    referrals: "Referrals",
    audit: "Random audit",
  },
  held: {
    title: "Who holds what",
    none: "Nobody holds, has been assigned or has snoozed a case.",
    claim: "Claim",
    state: "State",
    due: "Due",
    overdue: "overdue",
    holder: "Held by",
    sinceWord: "since",
    assigned: "Assigned to",
    snoozed: "Snoozed until",
    nobody: "nobody",
    actions: "Actions",
    reassign: "Reassign",
    reassignClaim: (claim: string) => `Reassign claim ${claim}`,
    filter: "Person",
    everybody: "Everybody",
  },
  assign: {
    title: (claim: string) => `Reassign claim ${claim}`,
    to: "To",
    choose: "Choose a person",
    nobody: "Nobody: back to the queue for all",
    other: "Somebody else …",
    name: "Name, as sign-in has it",
    reason: "Reason",
    reasonHint: "It is on record, with your name.",
    reasonMissing: "Give a reason.",
    nameMissing: "Name the person.",
    send: "Reassign",
    sending: "Sending …",
    done: (claim: string, person: string) => `Claim ${claim} is assigned to ${person}.`,
    doneNobody: (claim: string) => `Claim ${claim} is assigned to nobody.`,
    changed:
      "The case has changed since this page was loaded. The list is up to date now: look again, then decide.",
  },
  people: {
    title: "How people decide",
    words:
      "In alphabetical order, never as a ranking. If somebody almost always follows the score and decides within seconds, their decisions may only repeat the score: talk to that person before you conclude anything.",
    few: (enough: number) =>
      `People with fewer than ${enough} decisions are not described: too few to say anything.`,
    none: "Nobody has decided a case of this line yet.",
    person: "Person",
    decided: "Decisions",
    follows: "Follows the score",
    followsHint: "Fraud on referrals that were shown with their score",
    inconclusive: "Inconclusive",
    fast: "Within 10 s",
    median: "Median time",
    tooFew: (decided: string) => `too few decisions (${decided})`,
    chart: "Follows the score",
    chartWords:
      "Share of the referrals shown with their score that each person decided as fraud, with its 95% interval.",
    of: "Referrals",
  },
  states: {
    open: "open",
    second_look: "second look",
    third_look: "third look",
    decided: "decided",
    settled: "settled",
    withdrawn: "withdrawn",
  },
} as const;
