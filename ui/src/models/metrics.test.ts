import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { texts } from "../texts";
import { compare, formatDifference, formatMetric } from "./metrics";

const CORE = "../layers/core/claimwatch/evaluation/checks";

/** Returns the source of the weekly checks, each string on one line. */
function checks(): { name: string; title: string; alarm: string; source: string }[] {
  return readdirSync(CORE)
    .filter((file) => file.endsWith(".py"))
    .map((file) => readFileSync(`${CORE}/${file}`, "utf8").replace(/"\n\s*"/g, ""))
    .filter((source) => source.includes("SPEC = CheckSpec("))
    .map((source) => ({
      name: /SPEC = CheckSpec\(\s*name="([^"]+)"/.exec(source)?.[1] ?? "",
      title: /\n\s{4}title="([^"]+)"/.exec(source)?.[1] ?? "",
      alarm: /\n\s{4}alarm="([^"]+)"/.exec(source)?.[1] ?? "",
      source,
    }));
}

describe("the words of the weekly checks", () => {
  it("are those of the reports: title and meaning of each check", () => {
    const found = checks();
    expect(found.length).toBe(10);
    for (const { name, title, alarm } of found) {
      expect([name, texts.weeks.checks[name]]).toEqual([name, title]);
      expect(`${title}: ${texts.weeks.meanings[name]}`).toBe(alarm);
    }
  });

  it("are those of the reports: title and format of each metric", () => {
    const metrics = checks().flatMap(({ source }) => [
      ...source.matchAll(/\b([a-z_]+)=Metric\("([^"]+)"(?:, "([a-z_]+)")?/g),
    ]);
    expect(metrics.length).toBeGreaterThan(50);
    for (const [, name = "", title, format] of metrics) {
      expect([name, texts.weeks.metrics[name]]).toEqual([name, title]);
      const shown = formatMetric(name, 0.5);
      const expected = { share: "50%", points: "50 points", milliseconds: "0.5 ms", seconds: "0.5 s" };
      expect([name, shown]).toEqual([name, expected[format as keyof typeof expected] ?? shown]);
    }
  });

  it("name every metric of a model", () => {
    const source = readFileSync("../training/evaluate.py", "utf8");
    const measures = /MEASURES = \(([^)]*)\)/.exec(source)?.[1] ?? "";
    const names = [...measures.matchAll(/"([a-z_]+)"/g)].map(([, name]) => name ?? "");
    expect(names.length).toBeGreaterThan(8);
    for (const name of names) {
      expect([name, name in texts.models.metrics, name in texts.models.meanings]).toEqual([name, true, true]);
    }
  });
});

describe("champion and candidate", () => {
  it("are compared by the direction in which a metric is better", () => {
    expect(compare("roc_auc", 0.84, 0.86).result).toBe("better");
    expect(compare("brier", 0.05, 0.06).result).toBe("worse");
    expect(compare("calibration_error", 0.006, 0.004).result).toBe("better");
    expect(compare("observed_to_expected", 1.2, 0.9).result).toBe("better");
    expect(compare("observed_to_expected", 1.05, 0.5).result).toBe("worse");
    expect(compare("base_rate", 0.06, 0.07).result).toBe("differs");
  });

  it("are the same if their numbers are written alike, and unknown if one is", () => {
    expect(compare("roc_auc", 0.84101, 0.84102).result).toBe("same");
    expect(compare("roc_auc", null, 0.84).result).toBe("unknown");
    expect(compare("roc_auc", Number.NaN, 0.84).result).toBe("unknown");
  });

  it("differ by points where the numbers are shares", () => {
    expect(formatMetric("recall_at_capacity", 0.471)).toBe("47%");
    expect(formatDifference("recall_at_capacity", 0.031)).toBe("3.1 points");
    expect(formatDifference("roc_auc", 0.0223)).toBe("0.0223");
  });
});
