import { cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";
import { HeatMap, levelOf } from "./HeatMap";
import { Histogram } from "./Histogram";
import { IntervalDots } from "./IntervalDots";
import { LinkGraph } from "./LinkGraph";
import { placed } from "./linkLayout";
import { StackedWeeks } from "./StackedWeeks";
import { scaleOf, ticksOf } from "./scale";

afterEach(cleanup);

/** Returns the values that the marks of a chart stand for. */
function drawn(container: HTMLElement, attribute = "value"): number[] {
  return [...container.querySelectorAll(`svg[role=img] [data-${attribute}]`)].map((mark) =>
    Number(mark.getAttribute(`data-${attribute}`)),
  );
}

/** Returns the cells of the table below a chart, row by row, without the headers. */
function cells(container: HTMLElement): string[][] {
  return [...container.querySelectorAll("tbody tr")].map((row) =>
    [...row.children].map((cell) => cell.textContent ?? ""),
  );
}

const number = (text: string | undefined) => Number((text ?? "").replace(/[,%]/g, ""));

describe("the table of a chart", () => {
  it("has the counts of each series and week, and the limit", () => {
    const { container } = render(
      <StackedWeeks
        title="Decided"
        description="By week."
        limitName="Capacity"
        series={[
          { key: "fraud", name: "Fraud", mark: 1 },
          { key: "not_fraud", name: "Not fraud", mark: 2 },
        ]}
        weeks={[
          { week: "2026-W30", counts: { fraud: 3, not_fraud: 9 }, limit: 20 },
          { week: "2026-W31", counts: { not_fraud: 1200 }, limit: null },
        ]}
      />,
    );
    const table = cells(container);
    expect(table).toEqual([
      ["2026-W30", "3", "9", "20"],
      ["2026-W31", "0", "1,200", "–"],
    ]);
    expect(table.flatMap((row) => [number(row[1]), number(row[2])])).toEqual(drawn(container));
    expect(container.querySelectorAll("line.chart-limit")).toHaveLength(1);
  });

  it("stacks without gap or overlap", () => {
    const { container } = render(
      <StackedWeeks
        title="Decided"
        description="By week."
        series={[
          { key: "a", name: "A", mark: 1 },
          { key: "b", name: "B", mark: 2 },
        ]}
        weeks={[{ week: "2026-W30", counts: { a: 3, b: 9 } }]}
      />,
    );
    const [lower, upper] = [...container.querySelectorAll("rect[data-series]")];
    const place = (mark: Element | undefined, name: string) => Number(mark?.getAttribute(name));
    expect(place(upper, "y") + place(upper, "height")).toBeCloseTo(place(lower, "y"), 5);
    expect(place(upper, "height")).toBeCloseTo(3 * place(lower, "height"), 5);
  });

  it("has each estimate with its interval, and names what rests on too little instead of drawing it", () => {
    const { container } = render(
      <IntervalDots
        title="Hit rate"
        description="Of final decisions."
        labelName="Group"
        valueName="Fraud"
        ofName="Decisions"
        estimates={[
          { label: "Referrals", value: 0.42, low: 0.36, high: 0.48, of: 250 },
          { label: "Random audit", value: null, low: null, high: null, of: 3 },
        ]}
      />,
    );
    expect(cells(container)).toEqual([
      ["Referrals", "42%", "36% to 48%", "250"],
      ["Random audit", "too few", "–", "3"],
    ]);
    expect(drawn(container)).toEqual([0.42]);
    expect(drawn(container, "low")).toEqual([0.36]);
    expect(drawn(container, "high")).toEqual([0.48]);
    expect(container.querySelector("svg[role=img]")?.textContent).toContain("42%, 95% interval 36% to 48%");
    expect(container.querySelector("svg[role=img]")?.textContent).toContain("too few to say (3)");
  });

  it("has the cases of each age, late ones counted", () => {
    const { container } = render(
      <Histogram
        title="Age"
        description="Of open cases."
        binName="Days"
        countName="Open"
        lateName="Overdue"
        bins={[
          { label: "0–7", count: 12 },
          { label: "8–14", count: 5, late: 2 },
        ]}
      />,
    );
    expect(cells(container)).toEqual([
      ["0–7", "12", "0"],
      ["8–14", "5", "2"],
    ]);
    expect(drawn(container)).toEqual([12, 3, 2]);
  });
});

describe("a picture", () => {
  it("has one name that holds title and description", () => {
    render(
      <Histogram
        title="Age"
        description="Of open cases."
        binName="Days"
        countName="Open"
        lateName="Overdue"
        bins={[]}
      />,
    );
    expect(screen.getByRole("img", { name: "Age. Of open cases." })).toBeTruthy();
  });
});

describe("the heat map", () => {
  const rows = [
    {
      name: "amount",
      cells: [
        { verdict: "ok" as const, value: 0.02, threshold: 0.1 },
        { verdict: "alarm" as const, value: 0.31, threshold: 0.1 },
      ],
    },
    { name: "age", cells: [null, { verdict: "not enough data" as const, value: null, threshold: null }] },
  ];

  it("says values and verdicts in text, not by colour alone", () => {
    render(
      <HeatMap
        title="Drift"
        description="PSI."
        rowName="Feature"
        columns={["2026-W30", "2026-W31"]}
        rows={rows}
      />,
    );
    const table = screen.getByRole("table", { name: "Drift" });
    expect(within(table).getByText("0.31").textContent).toBe("▲ 0.31 alarm");
    expect(within(table).getByText("0.02").textContent).toBe("0.02");
    expect(within(table).getAllByText("not enough data")).toHaveLength(2);
  });

  it("grades by the distance from the bound", () => {
    const cell = { verdict: "alarm" as const, threshold: 0.1 };
    expect(levelOf({ ...cell, value: 0.15 })).toBe(3);
    expect(levelOf({ ...cell, value: 0.25 })).toBe(4);
    expect(levelOf({ verdict: "ok", threshold: 0.1, value: 0.06 })).toBe(1);
    expect(levelOf({ verdict: "ok", threshold: null, value: 0.06 })).toBe(0);
  });
});

describe("the link graph", () => {
  const nodes = [
    { line: "motor", claim_id: "A", hop: 0 },
    { line: "motor", claim_id: "B", hop: 1, case_id: "b", verdict: "fraud" },
    { line: "home", claim_id: "C/7", hop: 1 },
    { line: "motor", claim_id: "D", hop: 2 },
  ];
  const edges = [
    { from: "motor/A", to: "motor/B", kind: "phone" },
    { from: "motor/A", to: "motor/B", kind: "photo", distance: 3 },
    { from: "motor/A", to: "home/C/7", kind: "iban" },
    { from: "motor/B", to: "motor/D", kind: "phone" },
  ];

  it("lists each claim with what connects it, under the number of its circle", () => {
    const { container } = render(
      <LinkGraph
        nodes={nodes}
        edges={edges}
        hubs={[
          { kind: "phone", claims: 312, from: "motor/A" },
          { kind: "workshop", claims: 1000, from: "motor/A" },
        ]}
        onOpen={() => {}}
      />,
    );
    expect(cells(container)).toEqual([
      ["1", "home/C/7", "iban", "1", "undecided"],
      ["2", "B", "phone, the same photo (3 of 64 bits differ)", "1", "fraud"],
      ["3", "D", "phone (from no. 2)", "2", "undecided"],
    ]);
    const numbers = [...container.querySelectorAll(".link-node > text")].map((text) => text.textContent);
    expect(numbers).toEqual(["1", "2", "3"]);
    expect(screen.getByText("phone: shared by 312 claims, so that it is not followed")).toBeTruthy();
    expect(screen.getByText(/^workshop: shared by at least 1,000 claims/)).toBeTruthy();
  });

  it("is as high as the claims that it shows", () => {
    const height = (shown: typeof nodes) => {
      const { container } = render(<LinkGraph nodes={shown} edges={edges} hubs={[]} onOpen={() => {}} />);
      return Number(container.querySelector("svg[role=img]")?.getAttribute("height"));
    };
    const many = [
      ...nodes,
      ...Array.from({ length: 9 }, (_, n) => ({ line: "motor", claim_id: `E${n}`, hop: 1 })),
    ];
    expect(height(nodes)).toBeLessThan(280);
    expect(height(many)).toBeGreaterThan(300);
  });

  it("opens a claim by keyboard and by pointer", async () => {
    const open = vi.fn();
    const { container } = render(<LinkGraph nodes={nodes} edges={edges} hubs={[]} onOpen={open} />);
    const user = userEvent.setup();
    screen.getByRole("button", { name: "Open claim motor/B" }).focus();
    await user.keyboard("{Enter}");
    const circle = container.querySelectorAll("g.link-node")[1];
    if (circle) await user.click(circle);
    expect(open.mock.calls.map(([node]) => node.claim_id)).toEqual(["B", "C/7"]);
  });

  it("places 50 claims without overlap", () => {
    const many = Array.from({ length: 50 }, (_, place) => ({ line: "motor", claim_id: `M${place}`, hop: 1 }));
    const found = placed(
      many,
      many.map((node) => ({ from: "motor/X", to: `motor/${node.claim_id}`, kind: "phone" })),
      240,
    );
    for (const one of found) {
      for (const two of found) {
        if (one.number < two.number) expect(Math.hypot(one.x - two.x, one.y - two.y)).toBeGreaterThan(26);
      }
    }
    expect(found.map((each) => each.number)).toEqual(many.map((_, place) => place + 1));
  });

  it("draws the centre even if it is not among the claims", () => {
    const { container } = render(
      <LinkGraph nodes={nodes.slice(1)} edges={edges} hubs={[]} onOpen={() => {}} />,
    );
    expect(container.querySelectorAll("line.link-edge[x1]").length).toBeGreaterThanOrEqual(4);
    expect(container.querySelector(".link-center")).toBeTruthy();
  });
});

describe("an axis", () => {
  it("has round ticks that reach the highest value", () => {
    for (const high of [0.003, 0.07, 1, 7, 13, 99, 1234]) {
      const ticks = ticksOf(0, high);
      expect(ticks[0]).toBe(0);
      expect(ticks[ticks.length - 1]).toBeGreaterThanOrEqual(high);
      expect(ticks.length).toBeLessThanOrEqual(6);
    }
    expect(ticksOf(0, 2, 4, true)).toEqual([0, 1, 2]);
  });

  it("keeps marks within the chart", () => {
    expect(scaleOf(0, 10, 0, 100)(20)).toBe(100);
    expect(scaleOf(5, 5, 0, 100)(5)).toBe(0);
  });
});
