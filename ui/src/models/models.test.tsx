import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";
import { EVERYBODY, MODELS, person, WEEKS_ANSWER } from "../../tests/fixtures/overviews";
import { problem, showScreen } from "../../tests/screen";
import type { Models } from "./queries";
import { forget, outcomeOf } from "./requests";
import { heatRows } from "./WeeksScreen";

afterEach(() => {
  vi.useRealTimers();
  forget("motor");
});

const ASKED: Models["requests"][number] = {
  request_id: "r-8",
  at: "2026-09-28T11:00:00Z",
  by: "ida",
  action: "promote",
  version: "8",
  role: "champion",
  why: "better on new claims",
  trust: ["days_since_inception"],
  state: "asked",
  ended_at: null,
  because: null,
};

async function requestPromotion(replies: Parameters<typeof showScreen>[2]) {
  const shown = showScreen("/models/motor", EVERYBODY, { "GET /app/models/motor": MODELS, ...replies });
  const user = userEvent.setup(vi.isFakeTimers() ? { advanceTimers: vi.advanceTimersByTime } : {});
  await user.click(await screen.findByRole("button", { name: "Promote model 8" }));
  const dialog = screen.getByRole("dialog", { name: "Promote model 8" });
  return { ...shown, user, dialog };
}

describe("models", () => {
  it("are listed with roles, warnings and what refused them", async () => {
    showScreen("/models/motor", EVERYBODY, { "GET /app/models/motor": MODELS });
    const row = async (name: string) =>
      (await screen.findByRole("rowheader", { name })).closest("tr")?.textContent;
    const list = (await screen.findByRole("heading", { name: "All models" })).closest(
      "section",
    ) as HTMLElement;
    const rows = within(list)
      .getAllByRole("row")
      .slice(1)
      .map((each) => each.textContent ?? "");
    expect(rows[0]).toContain("the gate for ranking: ROC-AUC is below that of the champion");
    expect(rows[1]).toContain("2 warnings");
    expect(rows[2]).toContain("Champion since");
    expect(rows[3]).toContain("back-test: knows nothing after 2026-05-01");
    expect(await row(`ROC-AUC${texts("roc_auc")}`)).toContain("candidate better by 0.022");
    expect(await row(`Fraud rate${texts("base_rate")}`)).toContain("differs by 0.22 points");
  });

  it("can be promoted or rolled back only with the permission for it", async () => {
    showScreen("/models/motor", person("model.read"), { "GET /app/models/motor": MODELS });
    await screen.findByText(/you need the permission model.promote/);
    expect(screen.queryByRole("button", { name: /Promote/ })).toBeNull();
    expect(screen.queryByRole("button", { name: "Roll back" })).toBeNull();
    expect(screen.getByRole("button", { name: "Show the card of model 8" })).toBeTruthy();
  });

  it("are not promoted without a reason and a judgement of each warning", async () => {
    const { user, dialog, requests } = await requestPromotion({});
    const send = within(dialog).getByRole("button", { name: "Request the promotion" });
    await user.click(send);
    expect(within(dialog).getByRole("alert").textContent).toBe("Give a reason.");
    await user.type(within(dialog).getByRole("textbox", { name: "Reason" }), "better on new claims");
    await user.click(send);
    expect(within(dialog).getByRole("alert").textContent).toContain("Judge each warning");
    expect(requests.some((each) => each.method === "POST")).toBe(false);
  });

  it("are shown as requested until the list shows the promotion, and never before as done", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    let promoted = false;
    const after: Models = { ...MODELS, requests: [{ ...ASKED, state: "carried_out" }] };
    const { user, dialog, requests } = await requestPromotion({
      "GET /app/models/motor": () => (promoted ? after : MODELS),
      "POST /app/models/motor/promotions": () =>
        new Response(JSON.stringify({ request_id: "r-8" }), { status: 202 }),
    });
    await user.click(within(dialog).getByRole("radio", { name: /Champion/ }));
    for (const box of within(dialog).getAllByRole("checkbox")) await user.click(box);
    await user.type(within(dialog).getByRole("textbox", { name: "Reason" }), "better on\nnew claims");
    await user.click(within(dialog).getByRole("button", { name: "Request the promotion" }));
    await screen.findAllByText(/^Requested: model 8 as Champion/);
    const sent = requests.find((each) => each.method === "POST");
    expect(sent?.body).toEqual({
      action: "promote",
      version: "8",
      role: "champion",
      why: "better on new claims",
      trust: ["days_since_inception"],
    });
    expect(screen.getByRole("button", { name: "Promote model 7" }).hasAttribute("disabled")).toBe(true);
    promoted = true;
    await act(() => vi.advanceTimersByTimeAsync(3000));
    await screen.findAllByText("Done: model 8 as Champion.");
  });

  it("show what became of a request: refused with its reason, expired, or so already", () => {
    const request = { line: "motor", request_id: "r-8", what: "model 8 as champion" };
    const became = (changes: Partial<Models["requests"][number]>) =>
      outcomeOf(request, { ...MODELS, requests: [{ ...ASKED, ...changes }] });
    expect(outcomeOf(request, MODELS)).toEqual({ state: "pending" });
    expect(became({})).toEqual({ state: "pending" });
    expect(became({ state: "refused", because: "no trust" })).toEqual({
      state: "refused",
      because: "no trust",
    });
    expect(became({ state: "expired" })).toEqual({ state: "expired" });
    expect(became({ state: "unchanged" })).toEqual({ state: "unchanged" });
    expect(became({ request_id: "r-1", state: "refused" })).toEqual({ state: "pending" });
  });

  it("show a request that somebody else waits for, and let nobody send a second one", async () => {
    showScreen("/models/motor", EVERYBODY, { "GET /app/models/motor": { ...MODELS, requests: [ASKED] } });
    await screen.findAllByText(/^Requested: model 8 as Champion/);
    expect(screen.getByRole("button", { name: "Promote model 7" }).hasAttribute("disabled")).toBe(true);
    expect(screen.getByRole("button", { name: "Roll back" }).hasAttribute("disabled")).toBe(true);
  });

  it("keep what was typed when the request is refused at once", async () => {
    const { user, dialog } = await requestPromotion({
      "POST /app/models/motor/promotions": problem(409, "", "another request for this line is under way"),
    });
    for (const box of within(dialog).getAllByRole("checkbox")) await user.click(box);
    await user.type(within(dialog).getByRole("textbox", { name: "Reason" }), "better");
    await user.click(within(dialog).getByRole("button", { name: "Request the promotion" }));
    await waitFor(() => expect(within(dialog).getByRole("alert").textContent).toContain("another request"));
    expect((within(dialog).getByRole("textbox", { name: "Reason" }) as HTMLTextAreaElement).value).toBe(
      "better",
    );
  });

  it("have a card in a frame without scripts", async () => {
    showScreen("/models/motor?card=8", EVERYBODY, {
      "GET /app/models/motor": MODELS,
      "GET /app/models/motor/8/card": new Response("<h1>Card</h1><script>steal()</script>"),
    });
    const frame = await screen.findByTitle("Card of model 8 (a page of its own, without scripts)");
    expect(frame.getAttribute("sandbox")).toBe("allow-same-origin");
    expect(frame.getAttribute("srcdoc")).toContain("<h1>Card</h1>");
    expect(frame.getAttribute("srcdoc")).not.toContain("steal");
  });

  it("are offered for each line that the person may see models of, whether or not its claims", async () => {
    const me = person("model.read");
    const lines = ["home", "motor", "travel"].map((line) => ({ line, purposes: ["claim_handling"] }));
    const permissions = [
      { permission: "model.read" as const, lines: ["home", "motor"] },
      { permission: "claim.read" as const, lines: ["travel"] },
    ];
    const { unmount } = showScreen(
      "/models/motor",
      { ...me, permissions, lines },
      { "GET /app/models/motor": MODELS },
    );
    const choice = await screen.findByRole("combobox", { name: "Line" });
    expect([...choice.children].map((each) => each.textContent)).toEqual(["home", "motor"]);
    unmount();
    showScreen("/models", { ...me, lines: [] }, {});
    expect(await screen.findByText(/No line .* has a contract yet/)).toBeTruthy();
  });

  it("are missing at first, and the screen says so", async () => {
    showScreen("/models/motor", EVERYBODY, {
      "GET /app/models/motor": { ...MODELS, models: [], trainings: [], promotions: [] },
    });
    expect(await screen.findByText("This line has no model yet. A training makes one.")).toBeTruthy();
  });
});

describe("weeks", () => {
  it("show verdicts in words, alarms with intervals, what is missing and what was advised", async () => {
    showScreen("/weeks/motor", EVERYBODY, { "GET /app/weeks/motor": WEEKS_ANSWER });
    const panel = (await screen.findByRole("heading", { name: "Week 2026-W39" })).closest(
      "section",
    ) as HTMLElement;
    expect(panel.textContent).toContain(
      "Features and outcomes: the outcomes of this week are not loaded yet",
    );
    expect(panel.textContent).toContain("Retraining was advised.");
    const alarm = within(panel).getByRole("rowheader", { name: "Referral rate vs. others" }).closest("tr");
    expect(alarm?.textContent).toBe("Referral rate vs. othersage: 60–691.84 ×1.41 × to 2.4 ×1.25 ×611");
    const grid = screen.getByRole("heading", { name: "Verdicts" }).closest("section") as HTMLElement;
    const row = within(grid)
      .getByRole("rowheader", { name: "Features and outcomes" })
      .closest("tr") as HTMLElement;
    expect(within(row).getAllByRole("cell")[0]?.textContent).toBe("?not checked");
  });

  it("show another week when it is chosen, and keep it in the address", async () => {
    showScreen("/weeks/motor", EVERYBODY, { "GET /app/weeks/motor": WEEKS_ANSWER });
    await userEvent.setup().click(await screen.findByRole("button", { name: "Show week 2026-W37" }));
    expect(screen.getByRole("heading", { name: "Week 2026-W37" })).toBeTruthy();
    expect(location.hash).toContain("week=2026-W37");
    expect(screen.getByText("Nothing alarmed in this week.")).toBeTruthy();
  });

  it("list the features that alarm first, by their newest value", () => {
    const columns = WEEKS_ANSWER.windows.map((each) => each.window);
    const rows = heatRows(WEEKS_ANSWER, "psi", columns);
    const ranks = rows.map((row) =>
      ["alarm", "watch", "ok", "not enough data"].indexOf(row.cells[0]?.verdict ?? "not enough data"),
    );
    expect(ranks).toEqual([...ranks].sort());
    expect(rows.length).toBe(22);
    for (const row of rows) {
      for (const [place, cell] of row.cells.entries()) {
        const source = WEEKS_ANSWER.features.find(
          (each) => each.feature === row.name && each.window === columns[place],
        );
        expect(cell?.value ?? null).toBe(source?.value ?? null);
      }
    }
  });

  it("are missing at first, and the screen says so", async () => {
    showScreen("/weeks/motor", EVERYBODY, { "GET /app/weeks/motor": { ...WEEKS_ANSWER, windows: [] } });
    expect(await screen.findByText(/No week of this line has been checked yet/)).toBeTruthy();
  });
});

function texts(name: string): string {
  const meanings: Record<string, string> = {
    roc_auc: "how often a fraud scores higher than an honest claim; 0.5 is chance",
    base_rate: "share of frauds in the test split; not a merit of the model",
  };
  return meanings[name] ?? "";
}
