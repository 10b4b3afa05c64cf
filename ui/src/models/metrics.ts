/** How metrics are written, and which direction is better. Their names and titles are those of the Python code. */
import { count, measure, percent } from "../format/format";
import { texts } from "../texts";

export type Format =
  | "share"
  | "points"
  | "number"
  | "count"
  | "relative"
  | "seconds"
  | "milliseconds"
  | "money";

/** Metrics that are not plain numbers. */
const FORMATS: Readonly<Record<string, Format>> = {
  missing_share: "share",
  unseen_share: "share",
  outside_share: "share",
  quarantine_rate: "share",
  repeated_share: "share",
  late_share: "share",
  volume_ratio: "relative",
  file_count: "count",
  selection_rate: "share",
  recall: "share",
  false_positive_rate: "share",
  selection_rate_ratio: "relative",
  recall_ratio: "relative",
  false_positive_rate_ratio: "relative",
  demographic_parity_ratio: "relative",
  equal_opportunity_difference: "points",
  audited_frauds: "count",
  found_by_challenger_only: "count",
  found_by_champion_only: "count",
  recall_difference: "points",
  missed_rate: "share",
  false_referral_rate: "share",
  missed_excess_promised: "points",
  missed_over_expected: "relative",
  importance: "share",
  importance_shift: "points",
  scoring_time: "milliseconds",
  cold_start_share: "share",
  failed_files: "count",
  error_rate: "share",
  queue_age: "seconds",
  dead_letters: "count",
  cost: "money",
  observed_to_expected: "relative",
  base_rate: "share",
  lift: "relative",
  lift_top_decile: "relative",
  recall_at_capacity: "share",
  precision_at_capacity: "share",
  value_at_capacity: "money",
  hit_rate: "share",
  calibration_predicted: "share",
  calibration_observed: "share",
  estimated_precision: "share",
  estimated_recall: "share",
  estimated_base_rate: "share",
  matured: "count",
  known: "count",
  outcomes: "count",
  immature: "count",
};

const LOWER_IS_BETTER = new Set(["brier", "calibration_error"]);
const NO_MERIT = new Set(["base_rate"]);
/** Metrics that are right at 1 and wrong above and below. */
const RIGHT_AT_ONE = new Set(["observed_to_expected"]);

export function formatMetric(name: string, value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return texts.charts.unknown;
  const words = texts.charts.units;
  switch (FORMATS[name]) {
    case "share":
      return percent(value);
    case "points":
      return words.points(measure(value * 100));
    case "relative":
      return words.times(measure(value));
    case "seconds":
      return words.seconds(measure(value));
    case "milliseconds":
      return words.milliseconds(measure(value));
    case "count":
    case "money":
      return count(value);
    default:
      return measure(value);
  }
}

/** Writes the difference of two values: that of shares is in points. */
export function formatDifference(name: string, by: number): string {
  return FORMATS[name] === "share" ? texts.charts.units.points(measure(by * 100)) : formatMetric(name, by);
}

export type Comparison = "better" | "worse" | "same" | "differs" | "unknown";

/** Returns how a candidate compares with the champion, and by how much in the unit of the metric. */
export function compare(
  name: string,
  champion: number | null | undefined,
  candidate: number | null | undefined,
): { result: Comparison; by: number } {
  if (champion == null || candidate == null || !Number.isFinite(champion) || !Number.isFinite(candidate)) {
    return { result: "unknown", by: 0 };
  }
  const by = Math.abs(candidate - champion);
  if (formatMetric(name, champion) === formatMetric(name, candidate)) return { result: "same", by };
  if (NO_MERIT.has(name)) return { result: "differs", by };
  const merit = (value: number) =>
    RIGHT_AT_ONE.has(name)
      ? -Math.abs(Math.log(Math.max(value, 1e-9)))
      : LOWER_IS_BETTER.has(name)
        ? -value
        : value;
  return { result: merit(candidate) > merit(champion) ? "better" : "worse", by };
}
