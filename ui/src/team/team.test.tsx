import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { EVERYBODY, person, STATISTICS, TEAM } from "../../tests/fixtures/overviews";
import { problem, showScreen } from "../../tests/screen";
import { duration } from "./duration";

const section = async (name: string | RegExp) =>
  (await screen.findByRole("heading", { name })).closest("section") as HTMLElement;

describe("own statistics", () => {
  it("say shares with their intervals in words, and their table has the numbers of the chart", async () => {
    const { container } = showScreen("/me", EVERYBODY, { "GET /app/statistics": STATISTICS });
    await screen.findByText("45% of 174 decided (95% interval 38% to 52%); inconclusive ones do not count.");
    screen.getByText(
      "In 11 of 12 second looks both people came to the same verdict (95% interval 65% to 99%).",
    );
    const drawn = [...container.querySelectorAll("rect[data-series]")].map((each) =>
      Number(each.getAttribute("data-value")),
    );
    const table = [...container.querySelectorAll("figure tbody tr")].flatMap((row) =>
      [...row.querySelectorAll("td")].map((cell) => Number(cell.textContent)),
    );
    expect(drawn).toEqual(table);
    expect(drawn.length).toBe(39);
  });

  it("are missing before the first decision, and the screen says so", async () => {
    const nothing = { count: 0, of: 0, share: null, low: null, high: null };
    showScreen("/me", EVERYBODY, {
      "GET /app/statistics": { decided: 0, weeks: [], fraud: nothing, median_seconds: null, agreed: nothing },
    });
    expect(await screen.findByText(/You have not decided a case yet/)).toBeTruthy();
  });
});

describe("the team", () => {
  it("is not shown without the permission to assign", async () => {
    const { requests } = showScreen("/team", person("case.decide"), { "GET /app/team": TEAM });
    await screen.findByRole("heading", { name: "There is no such page" });
    expect(screen.queryByRole("link", { name: "Team" })).toBeNull();
    expect(requests.map((each) => each.path)).not.toContain("/app/team");
  });

  it("says too few decisions as such and ranks nobody", async () => {
    showScreen("/team", EVERYBODY, { "GET /app/team": TEAM });
    const people = await section("How people decide");
    const rows = within(people).getAllByRole("row").slice(1, 4);
    expect(rows.map((row) => row.querySelector("th")?.textContent)).toEqual(["ida", "new", "tom"]);
    expect(rows[1]?.textContent).toBe("new7too few decisions (7)");
    expect(rows[2]?.textContent).toContain("98% 92% to 99%");
    expect(rows[2]?.textContent).toContain("8 s");
  });

  it("compares what was decided with the capacity, which a week without claims has not", async () => {
    const capacity = async (claims: number, capacity: number) => {
      const weeks = TEAM.weeks.map((week) => ({ ...week, claims, capacity, opened: 1, decided: 1 }));
      const { unmount } = showScreen("/team", EVERYBODY, { "GET /app/team": { ...TEAM, weeks } });
      await section("How people decide");
      const caption = [...document.querySelectorAll("figcaption")].find((each) =>
        each.textContent?.startsWith("Capacity"),
      );
      const words = caption?.querySelector("span")?.textContent;
      unmount();
      return words?.replace(/ No more cases.*/, "");
    };
    expect(await capacity(1000, 50)).toBe("Decided in the last complete week: 1; capacity: 50 (2.0%).");
    expect(await capacity(7, 0)).toBe(
      "Claims that arrived in the last complete week: 7, of which the capacity allows no review.",
    );
    expect(await capacity(0, 0)).toBe(
      "No claim arrived in the last complete week. The capacity is a share of the claims of a week.",
    );
  });

  it("gives a case to somebody else with a reason, and names the version that the lead saw", async () => {
    const { requests } = showScreen("/team?line=motor", EVERYBODY, {
      "GET /app/team": TEAM,
      "GET /app/people": { people: ["tom", "zoe"] },
      "POST /app/cases/6f1d3f0a-0c1e-4f6e-9a53-2b8f6f0f7c11/assignment": {
        case_id: "6f1d3f0a-0c1e-4f6e-9a53-2b8f6f0f7c11",
        state: "open",
        version: 4,
        lease: null,
      },
    });
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Reassign claim MTR-00A1B2C3D4E5" }));
    const dialog = screen.getByRole("dialog", { name: "Reassign claim MTR-00A1B2C3D4E5" });
    await user.click(within(dialog).getByRole("button", { name: "Reassign" }));
    expect(within(dialog).getByRole("alert").textContent).toBe("Name the person.");
    await within(dialog).findByRole("option", { name: "zoe" });
    await user.selectOptions(within(dialog).getByRole("combobox", { name: "To" }), "zoe");
    await user.click(within(dialog).getByRole("button", { name: "Reassign" }));
    expect(within(dialog).getByRole("alert").textContent).toBe("Give a reason.");
    await user.type(within(dialog).getByRole("textbox", { name: "Reason" }), "knows the workshop");
    await user.click(within(dialog).getByRole("button", { name: "Reassign" }));
    await waitFor(() => expect(dialog.hasAttribute("open")).toBe(false));
    const sent = requests.find((each) => each.method === "POST");
    expect(sent?.body).toEqual({ to: "zoe", reason: "knows the workshop" });
    expect(sent?.headers.get("if-match")).toBe('"v3"');
    // The list is asked for again, because the server's state counts.
    await waitFor(() => expect(requests.filter((each) => each.path === "/app/team").length).toBe(2));
  });

  it("says that a case has changed meanwhile, and keeps the reason", async () => {
    showScreen("/team?line=motor", EVERYBODY, {
      "GET /app/team": TEAM,
      "GET /app/people": { people: ["zoe"] },
      "POST /app/cases/6f1d3f0a-0c1e-4f6e-9a53-2b8f6f0f7c11/assignment": problem(412, "changed"),
    });
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Reassign claim MTR-00A1B2C3D4E5" }));
    const dialog = screen.getByRole("dialog", { name: /^Reassign/ });
    await within(dialog).findByRole("option", { name: "zoe" });
    await user.selectOptions(within(dialog).getByRole("combobox", { name: "To" }), "zoe");
    await user.type(within(dialog).getByRole("textbox", { name: "Reason" }), "why");
    await user.click(within(dialog).getByRole("button", { name: "Reassign" }));
    await within(dialog).findByText(/The case has changed since this page was loaded/);
    expect((within(dialog).getByRole("textbox", { name: "Reason" }) as HTMLTextAreaElement).value).toBe(
      "why",
    );
  });

  it("shows the cases of one person, from the address", async () => {
    showScreen("/team?person=tom", EVERYBODY, { "GET /app/team": TEAM });
    const held = await section(/Who holds what/);
    expect(within(held).getAllByRole("row").length).toBe(2);
    expect(held.textContent).toContain("second look");
  });

  it("goes on by itself when the database wakes up", async () => {
    let asked = 0;
    showScreen("/team", EVERYBODY, {
      "GET /app/team": () => {
        asked += 1;
        return asked === 1 ? problem(503, "waking", "", { "retry-after": "0" }) : TEAM;
      },
    });
    expect((await screen.findAllByText(/The database is waking up/)).length).toBeGreaterThan(0);
    await section("How people decide");
    expect(asked).toBe(2);
  });

  it("shows a refusal with what it means", async () => {
    showScreen("/team", EVERYBODY, { "GET /app/team": problem(403, "forbidden") });
    expect(
      (await screen.findByText("Your permissions do not include this.")).closest("[role=alert]"),
    ).toBeTruthy();
  });

  it("has no case at first, and the screen says so", async () => {
    showScreen("/team", EVERYBODY, {
      "GET /app/team": { ...TEAM, open: 0, overdue: 0, weeks: [], cases: [], people: [] },
    });
    expect(await screen.findByText(/This line has no case yet/)).toBeTruthy();
  });
});

describe("the navigation", () => {
  it("brings the entry of the screen into view, which a narrow screen may have scrolled away", async () => {
    const shown: (string | null)[] = [];
    vi.spyOn(HTMLElement.prototype, "scrollIntoView").mockImplementation(function (this: HTMLElement) {
      shown.push(this.textContent);
    });
    showScreen("/team", EVERYBODY, { "GET /app/team": TEAM });
    await section("How people decide");
    expect(shown).toEqual(["Team"]);
    await userEvent.setup().click(screen.getByRole("link", { name: "Search" }));
    await screen.findByRole("searchbox");
    expect(shown).toEqual(["Team", "Search"]);
  });
});

describe("a duration", () => {
  it("is written as a person says it", () => {
    expect([8.2, 89.4, 90, 142.4, 3600, 3900, 7_260].map(duration)).toEqual([
      "8 s",
      "89 s",
      "2 min",
      "2 min",
      "1 h",
      "1 h 5 min",
      "2 h 1 min",
    ]);
  });
});
