/** Texts of charts and of the tables beside them. */
export const charts = {
  asTable: (title: string) => `Show as a table: ${title}`,
  week: "Week",
  point: (label: string, value: string) => `${label}: ${value}`,
  weekPoint: (week: string, series: string, count: string) => `${week}, ${series}: ${count}`,
  intervalName: "95 % interval",
  range: (low: string, high: string) => `${low} to ${high}`,
  interval: (value: string, low: string, high: string) => `${value}, 95 % interval ${low} to ${high}`,
  tooFew: (of: string) => `too few to say (${of})`,
  tooFewShort: "too few",
  unknown: "not known",
  units: {
    points: (value: string) => `${value} points`,
    times: (value: string) => `${value} ×`,
    seconds: (value: string) => `${value} s`,
    milliseconds: (value: string) => `${value} ms`,
  },
  inTime: "In time",
  duration: {
    seconds: (seconds: number) => `${seconds} s`,
    minutes: (minutes: number) => `${minutes} min`,
    hours: (hours: number, minutes: number) => (minutes ? `${hours} h ${minutes} min` : `${hours} h`),
  },
  heat: {
    feature: "Feature",
    noData: "not enough data",
    ofThreshold: (value: string, threshold: string) => `${value} (alarm from ${threshold})`,
    levels: ["ok", "ok, above half of the bound", "watch", "alarm", "alarm, above twice the bound"],
    verdicts: { ok: "ok", watch: "watch", alarm: "alarm", "not enough data": "not enough data" },
    newModel: "another model from here on",
  },
  links: {
    title: "Connected claims",
    description: (count: number, kinds: readonly string[]) =>
      count === 0
        ? "No connected claim."
        : `${count} connected ${count === 1 ? "claim" : "claims"}, by ${kinds.join(", ")}.`,
    number: "No.",
    claim: "Claim",
    connectedBy: "Connected by",
    state: "State",
    received: "Received",
    steps: "Steps",
    via: (claim: string) => `at ${claim}`,
    viaNumber: (number: number) => `(from no. ${number})`,
    hubs: (count: number) =>
      count === 1 ? "One value is shared too widely" : `${count} values are shared too widely`,
    hub: (kind: string, claims: string) => `${kind}: shared by ${claims} claims, so that it is not followed`,
    kinds: (kind: string) => (kind === "photo" ? "the same photo" : kind.replaceAll("_", " ")),
    distance: (distance: number) => (distance === 0 ? "identical" : `${distance} of 64 bits differ`),
    here: "this claim",
    open: (claim: string) => `Open claim ${claim}`,
    verdicts: { fraud: "fraud", not_fraud: "not fraud", inconclusive: "inconclusive", none: "undecided" },
    states: {
      open: "open",
      second_look: "second look",
      third_look: "third look",
      decided: "decided",
      settled: "settled",
      withdrawn: "withdrawn",
    },
  },
} as const;
