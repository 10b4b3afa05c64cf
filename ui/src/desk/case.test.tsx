import { act, cleanup, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Case,
  decided,
  FakeApi,
  heading,
  links,
  makeCase,
  photos,
  problem,
  showDesk,
} from "../../tests/fake_api";
import { EVERYBODY, TEAM } from "../../tests/fixtures/overviews";
import { forgetEverything } from "../app/forget";
import { undoTime } from "./CaseScreen";
import { moved } from "./PhotoViewer";

const FIRST = "00000000-0000-4000-8000-000000000001";
const SECOND = "00000000-0000-4000-8000-000000000002";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const decision = (id: string) => `POST /app/cases/${id}/decision`;

let api: FakeApi;

beforeEach(() => {
  api = new FakeApi();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Shows a case that `next` hands out, and another one after it. */
async function work(changes: Partial<Case> = {}) {
  const first = makeCase({ case_id: FIRST, claim_id: "FIRST", ...changes });
  const second = makeCase({ case_id: SECOND, claim_id: "SECOND" });
  api.once("POST /app/queue/next", () => ({ case: first, waiting: 12 }));
  api.always("POST /app/queue/next", () => ({ case: second, waiting: 11 }));
  api.always(decision(FIRST), (sent) => decided(sent));
  showDesk();
  await heading("Your desk");
  await userEvent.keyboard("n");
  await heading("FIRST");
}

const note = () => screen.getByLabelText<HTMLTextAreaElement>("Note");

const checked = (name: RegExp) => screen.getByLabelText<HTMLInputElement>(name).checked;

describe("a decision", () => {
  it("takes three keys, and the next case comes by itself with the focus on its title", async () => {
    await work();
    await userEvent.keyboard("f1{Enter}");
    await heading("SECOND");
    expect(document.activeElement).toBe(await heading("SECOND"));
    expect(screen.getByText("FIRST: Fraud.")).toBeTruthy();
    const [sent] = api.to(decision(FIRST));
    expect(sent?.body).toEqual({
      generation: 4,
      verdict: "fraud",
      grounds: ["staged_event"],
      note: "",
      second_look: false,
      seconds: expect.any(Number),
    });
    expect(sent?.headers.get("if-match")).toBe('"v3"');
    expect(sent?.headers.get("idempotency-key")).toMatch(UUID);
    expect(sent?.headers.get("x-purpose")).toBe("fraud_investigation");
  });

  it("asks for each case once, since each view is on record", async () => {
    await work();
    await userEvent.keyboard("h7{Enter}");
    await heading("SECOND");
    const views = api.sent.filter(({ path }) => path === "/app/queue/next" || path.startsWith("/app/cases/"));
    expect(views.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "POST /app/queue/next",
      decision(FIRST),
      "POST /app/queue/next",
    ]);
  });

  it("asks again for a case to which somebody comes back, which is another view", async () => {
    api.always(`GET /app/cases/${FIRST}`, () => makeCase({ case_id: FIRST, claim_id: "FIRST" }));
    await work();
    await userEvent.click(screen.getByText("Queue"));
    await heading("Queue");
    act(() => history.back());
    await heading("FIRST");
    expect(api.to(`GET /app/cases/${FIRST}`)).toHaveLength(1);
  });

  it("is reported only after the server agreed", async () => {
    await work();
    let agree: (answer: Response) => void = () => undefined;
    api.once(decision(FIRST), () => new Promise<Response>((resolve) => (agree = resolve)));
    await userEvent.keyboard("f1{Enter}");
    await screen.findByText("Sending …");
    expect(screen.queryByText("FIRST: Fraud.")).toBeNull();
    expect(screen.queryByText("Decided")).toBeNull();
    const [sent] = api.to(decision(FIRST));
    if (sent) agree(Response.json(decided(sent)));
    await heading("SECOND");
  });

  it("is sent once, however often Enter is pressed", async () => {
    await work();
    let agree: (answer: Response) => void = () => undefined;
    api.once(decision(FIRST), () => new Promise<Response>((resolve) => (agree = resolve)));
    await userEvent.keyboard("f1{Enter}{Enter}{Enter}");
    const [sent] = api.to(decision(FIRST));
    if (sent) agree(Response.json(decided(sent)));
    await heading("SECOND");
    expect(api.to(decision(FIRST))).toHaveLength(1);
  });

  it("is not sent without a verdict and grounds, and says what is missing", async () => {
    await work();
    await userEvent.keyboard("f{Enter}");
    expect(screen.getAllByText(/at least one of the grounds/).length).toBeGreaterThan(0);
    expect(api.to(decision(FIRST))).toEqual([]);
  });

  it("is untouched by letters that are typed into the note; Enter there sends it", async () => {
    await work();
    await userEvent.keyboard("i9t");
    expect(document.activeElement).toBe(note());
    await userEvent.keyboard("fhs n1{Shift>}{Enter}{/Shift}2?{Enter}");
    await heading("SECOND");
    expect(api.to(decision(FIRST))[0]?.body).toMatchObject({
      verdict: "inconclusive",
      grounds: ["other"],
      note: "fhs n1\n2?",
    });
    expect(api.sent.some(({ path }) => path.endsWith("/actions"))).toBe(false);
  });

  it("asks for a second look when told to, and says that somebody else decides", async () => {
    await work();
    api.once(decision(FIRST), (sent) => decided(sent, { state: "second_look" }));
    await userEvent.click(screen.getByLabelText("Ask for a second look"));
    await userEvent.keyboard("f1{Enter}");
    await heading("SECOND");
    expect(api.to(decision(FIRST))[0]?.body).toMatchObject({ second_look: true });
    expect(screen.getByText("FIRST: second look by somebody else.")).toBeTruthy();
  });
});

describe("a decision that is not accepted at once", () => {
  it("goes on by itself while the database wakes up, and says so", async () => {
    await work();
    api.once(decision(FIRST), () => problem(503, "waking", { "retry-after": "1" }));
    await userEvent.keyboard("f1{Enter}");
    expect((await screen.findAllByText(/database is waking up/)).length).toBeGreaterThan(0);
    await heading("SECOND");
    const keys = api.to(decision(FIRST)).map((sent) => sent.headers.get("idempotency-key"));
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
    expect(document.querySelector(".connection")).toBeNull();
  });

  it("keeps what was typed over a lost connection, and is then sent as the very same decision", async () => {
    await work();
    api.once(decision(FIRST), () => new TypeError("Failed to fetch"));
    await userEvent.keyboard("f2tThe bill is a copy.{Enter}");
    expect((await screen.findAllByText(/Not sent: there is no connection/)).length).toBeGreaterThan(0);
    expect(note().value).toBe("The bill is a copy.");
    expect(checked(/Fraud/)).toBe(true);
    act(() => void dispatchEvent(new Event("online")));
    await heading("SECOND");
    const [lost, repeated] = api.to(decision(FIRST));
    expect(repeated?.body).toEqual(lost?.body);
    expect(repeated?.headers.get("idempotency-key")).toBe(lost?.headers.get("idempotency-key"));
  });

  it("gets a new key when its content has changed", async () => {
    await work();
    api.once(decision(FIRST), () => new TypeError("Failed to fetch"));
    await userEvent.keyboard("f2{Enter}");
    await screen.findAllByText(/Not sent/);
    await userEvent.keyboard("h7{Enter}");
    await heading("SECOND");
    const [lost, other] = api.to(decision(FIRST));
    expect(other?.body).toMatchObject({ verdict: "not_fraud" });
    expect(other?.headers.get("idempotency-key")).not.toBe(lost?.headers.get("idempotency-key"));
  });

  it("shows the case as it is now when it has changed (412), and keeps what was typed", async () => {
    await work();
    api.once(decision(FIRST), () => problem(412, "changed"));
    api.always(`GET /app/cases/${FIRST}`, () =>
      makeCase({ case_id: FIRST, claim_id: "FIRST", version: 8, assigned_to: "chiara" }),
    );
    await userEvent.keyboard("f1tkept{Enter}");
    await screen.findByText("Assigned to chiara");
    expect(screen.getAllByText(/The case has changed since you opened it/).length).toBeGreaterThan(0);
    expect(note().value).toBe("kept");
    await userEvent.keyboard("{Enter}");
    await heading("SECOND");
    expect(api.to(decision(FIRST)).map((sent) => sent.headers.get("if-match"))).toEqual(['"v3"', '"v8"']);
  });

  it("says that the case is no longer held (409), keeps what was typed, and takes it again", async () => {
    await work();
    api.once(decision(FIRST), () => problem(409, "stale"));
    const until = new Date(Date.now() + 900_000).toISOString();
    api.always(`POST /app/cases/${FIRST}/actions`, () => ({
      case_id: FIRST,
      state: "open",
      version: 9,
      lease: { holder: "ida", mine: true, until, generation: 6 },
    }));
    await userEvent.keyboard("f1tkept{Enter}");
    await screen.findByText("You no longer hold this case. What you typed is kept.");
    expect(screen.getByRole<HTMLButtonElement>("button", { name: /Decide/ }).disabled).toBe(true);
    await userEvent.click(screen.getByRole("button", { name: /Take it again/ }));
    await screen.findByText(/You hold this case$/);
    expect(note().value).toBe("kept");
    note().focus();
    await userEvent.keyboard("{Enter}");
    await heading("SECOND");
    const [stale, fresh] = api.to(decision(FIRST));
    expect([stale?.body.generation, fresh?.body.generation]).toEqual([4, 6]);
    expect(fresh?.headers.get("if-match")).toBe('"v9"');
  });

  it("says that a case which was just decided can be taken soon (409), and offers it again", async () => {
    await work();
    api.once(decision(FIRST), () => problem(409, "stale"));
    api.once(`POST /app/cases/${FIRST}/actions`, () => problem(409, "not_yet"));
    await userEvent.keyboard("f1{Enter}");
    await userEvent.click(await screen.findByRole("button", { name: /Take it again/ }));
    expect(await screen.findAllByText(/^This case was just decided. You can take it/)).not.toEqual([]);
    expect(screen.getByRole<HTMLButtonElement>("button", { name: /Take it again/ }).disabled).toBe(false);
  });

  it("does not offer a case that is assigned to somebody else", async () => {
    api.always(`GET /app/cases/${FIRST}`, () =>
      makeCase({ case_id: FIRST, claim_id: "FIRST", lease: null, assigned_to: "chiara" }),
    );
    showDesk(`/case/${FIRST}`);
    await screen.findByText(/Only the person to whom it is assigned can take it/);
    expect(screen.queryByRole("button", { name: /Take this case/ })).toBeNull();
    await userEvent.keyboard("c");
    expect(api.to(`POST /app/cases/${FIRST}/actions`)).toEqual([]);
  });

  it("shows the decision of somebody else (409), and offers the next case", async () => {
    await work();
    api.once(decision(FIRST), () => problem(409, "decided"));
    api.always(`GET /app/cases/${FIRST}`, () => {
      const by = {
        ...decided({ headers: new Headers(), body: { verdict: "not_fraud", grounds: [] } } as never).decision,
        by: "bruno",
      };
      return makeCase({ case_id: FIRST, claim_id: "FIRST", state: "decided", lease: null, decisions: [by] });
    });
    await userEvent.keyboard("f1{Enter}");
    await screen.findByText("decided by bruno");
    await userEvent.click(screen.getByRole("button", { name: /Next case/ }));
    await heading("SECOND");
  });
});

describe("undo", () => {
  it("takes the newest decision back and shows what was typed again", async () => {
    await work();
    api.always(`POST /app/cases/${FIRST}/undo`, () => ({
      case: makeCase({ case_id: FIRST, claim_id: "FIRST", version: 5 }),
    }));
    await userEvent.keyboard("f2tmistaken{Enter}");
    await heading("SECOND");
    await userEvent.keyboard("u");
    await heading("FIRST");
    const [sent] = api.to(decision(FIRST));
    expect(api.to(`POST /app/cases/${FIRST}/undo`)[0]?.body).toEqual({
      decision_id: sent?.headers.get("idempotency-key"),
    });
    expect(checked(/Fraud/)).toBe(true);
    expect(note().value).toBe("mistaken");
    expect(screen.queryByRole("button", { name: /Undo/ })).toBeNull();
  });

  it("says so when the server no longer accepts it", async () => {
    await work();
    api.always(`POST /app/cases/${FIRST}/undo`, () => problem(409, "too_late"));
    await userEvent.keyboard("f2{Enter}");
    await heading("SECOND");
    await userEvent.click(screen.getByRole("button", { name: /Undo/ }));
    expect((await screen.findAllByText(/too late to take this decision back/)).length).toBeGreaterThan(0);
    await heading("SECOND");
  });

  it("is offered for 10 seconds by the server's times, or shorter, whatever the clock here shows", () => {
    const times = (undo_until: string | null) =>
      undoTime({ decision: { at: "2026-03-02T10:00:00.250Z" }, undo_until } as Parameters<
        typeof undoTime
      >[0]);
    expect(times("2026-03-02T10:00:15.250Z")).toBe(10_000);
    expect(times("2026-03-02T10:00:04.250Z")).toBe(4000);
    expect(times("2026-03-02T09:59:59Z")).toBe(0);
    expect(times(null)).toBe(0);
  });

  it("is no longer offered afterwards", async () => {
    await work();
    api.once(decision(FIRST), (sent) =>
      decided(sent, { undo_until: new Date(Date.now() + 700).toISOString() }),
    );
    await userEvent.keyboard("f2{Enter}");
    await heading("SECOND");
    await waitFor(() => expect(document.querySelector(".toast")).toBeNull(), { timeout: 10_000 });
    await userEvent.keyboard("u");
    expect(api.to(`POST /app/cases/${FIRST}/undo`)).toEqual([]);
  });
});

describe("a lease", () => {
  const action = `POST /app/cases/${FIRST}/actions`;
  const renewals = () => api.to(action).filter((sent) => sent.body.action === "renew");

  /** Lets time pass, with somebody at the keys or without. */
  async function pass(minutes: number, used: boolean) {
    for (let second = 0; second < minutes * 60; second += 15) {
      if (used) document.dispatchEvent(new Event("pointermove"));
      await act(async () => void (await vi.advanceTimersByTimeAsync(15_000)));
    }
  }

  beforeEach(async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    await work();
    api.always(action, () => ({
      case_id: FIRST,
      state: "open",
      version: 3,
      lease: {
        holder: "ida",
        mine: true,
        until: new Date(Date.now() + 900_000).toISOString(),
        generation: 4,
      },
    }));
  }, 20_000);

  it("is renewed while somebody works with the page", async () => {
    await pass(20, true);
    expect(renewals().length).toBeGreaterThanOrEqual(2);
    expect(renewals().length).toBeLessThanOrEqual(4);
    expect(screen.getByText(/You hold this case$/)).toBeTruthy();
  }, 20_000);

  it("is not renewed while nobody does, ends, and keeps what was typed", async () => {
    await userEvent.setup({ advanceTimers: vi.advanceTimersByTime }).type(note(), "kept");
    await pass(16, false);
    expect(renewals()).toEqual([]);
    expect(screen.getByText("You no longer hold this case. What you typed is kept.")).toBeTruthy();
    expect(note().value).toBe("kept");
    expect(screen.getByRole<HTMLButtonElement>("button", { name: /Decide/ }).disabled).toBe(true);
  }, 20_000);

  it("asks for nothing while the page is hidden", async () => {
    vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
    const before = api.sent.length;
    await pass(14, true);
    expect(api.sent.length).toBe(before);
  }, 20_000);
});

describe("the claim", () => {
  it("shows text from a claim as text", async () => {
    await work();
    const attack = "<img src=x onerror=alert(1)> & <b>theft</b>";
    expect(screen.getByText(attack)).toBeTruthy();
    expect(document.querySelector("main img, main b, main script")).toBeNull();
  });

  it("masks personal values until somebody says why, and says that it is recorded", async () => {
    await work();
    api.always(`POST /app/cases/${FIRST}/unmask`, () => ({
      columns: [{ name: "policyholder_name", value: "Erika Musterfrau" }],
    }));
    expect(screen.queryByText("Erika Musterfrau")).toBeNull();
    expect(screen.getAllByText("hidden, because it is personal").length).toBe(5);
    await userEvent.click(screen.getByRole("button", { name: "Show personal values …" }));
    const dialog = screen.getByRole("dialog", { name: "Show personal values" });
    expect(within(dialog).getByText(/It is recorded that you saw/)).toBeTruthy();
    expect(within(dialog).getByText("Fraud investigation")).toBeTruthy();
    const show = within(dialog).getByRole<HTMLButtonElement>("button", { name: "Show them" });
    expect(show.disabled).toBe(true);
    await userEvent.type(within(dialog).getByRole("textbox"), "  call the policyholder ");
    await userEvent.click(show);
    expect(await screen.findByText("Erika Musterfrau")).toBeTruthy();
    expect(api.to(`POST /app/cases/${FIRST}/unmask`).map((sent) => sent.body)).toEqual([
      { reason: "call the policyholder" },
    ]);
    await userEvent.click(screen.getByRole("button", { name: "Hide personal values" }));
    expect(screen.queryByText("Erika Musterfrau")).toBeNull();
  });

  it("shows neither score nor reasons of a blinded case, and no what-if", async () => {
    await work({ blinded: true, score: null, similar: null });
    expect(screen.getByText(/are hidden until the decision/)).toBeTruthy();
    expect(screen.queryByText("Part of the score")).toBeNull();
    expect(screen.queryByRole("heading", { name: "What if" })).toBeNull();
  });

  it("shows values as a person writes them, and sends them as they are", async () => {
    await work();
    const shown = (name: string) => screen.getByTitle(name).nextElementSibling?.textContent;
    expect(
      ["claim_amount", "annual_premium", "annual_mileage", "vehicle_year", "incident_severity"].map(shown),
    ).toEqual(["14,200.5", "1,184.2", "12,000", "2012", "total loss"]);
    const choice = screen.getByRole<HTMLSelectElement>("combobox", { name: "Incident severity" });
    expect([...choice.options].map(({ value, text }) => `${value}: ${text}`)).toEqual([
      ": missing",
      "minor: minor",
      "major: major",
      "total_loss: total loss",
    ]);
  });

  it("compares each reason with what is typical, and with the fraud rate if the model knows any", async () => {
    const { score } = makeCase();
    const rows = () =>
      [...document.querySelectorAll(".reasons tr")].map((row) =>
        [...row.querySelectorAll(".number")].map((cell) => cell.textContent),
      );
    await work();
    expect(rows()).toEqual([
      ["Typical", "Fraud rate"],
      ["1,522.26", "3.4 ×"],
      ["140", "4.1 ×"],
      ["1", "1.6 ×"],
      ["yes", "1.3 ×"],
      ["price comparison", "–"],
    ]);
    const reasons = score?.reasons?.map((reason) => ({ ...reason, fraud_ratio: null })) ?? [];
    cleanup();
    await work({ score: { ...(score as NonNullable<typeof score>), reasons } });
    expect(rows()).toEqual([["Typical"], ["1,522.26"], ["140"], ["1"], ["yes"], ["price comparison"]]);
  });

  it("says in words how often claims with the same main reasons were fraud", async () => {
    const { similar } = makeCase();
    await work();
    screen.getByText(
      "61 of 182 decided claims with the same main reasons (Claim amount, Incident date) were fraud: 34% (95% interval 27% to 41%).",
    );
    cleanup();
    await work({
      similar: { ...(similar as NonNullable<typeof similar>), decided: 1, fraud: 1, low: 0.207, high: 1 },
    });
    screen.getByText(
      "1 of 1 decided claim with the same main reasons (Claim amount, Incident date) was fraud: 100% (95% interval 21% to 100%).",
    );
  });

  it("hides the first verdict in a second look, even if an answer contains it", async () => {
    const first = {
      ...decided({
        headers: new Headers(),
        body: { verdict: "fraud", grounds: ["other"], note: "staged" },
      } as never).decision,
      by: "bruno",
      final: false,
    };
    await work({ state: "second_look", decisions: [first] });
    const history = screen.getByRole("region", { name: "History" });
    expect(within(history).getByText("verdict hidden until you have decided")).toBeTruthy();
    expect(within(history).queryByText("Fraud")).toBeNull();
    expect(within(history).queryByText("staged")).toBeNull();
  });
});

describe("what if", () => {
  it("sends only what was changed, as the contract types it", async () => {
    await work();
    api.always(`POST /app/cases/${FIRST}/what-if`, () => ({
      probability: 0.21,
      percentile: 90,
      refer: false,
      reasons: [],
      before: { probability: 0.68, percentile: 99 },
    }));
    const panel = within(screen.getByRole("region", { name: "What if" }));
    await userEvent.clear(panel.getByRole("spinbutton", { name: "Witnesses" }));
    await userEvent.type(panel.getByRole("spinbutton", { name: "Witnesses" }), "2");
    await userEvent.selectOptions(panel.getByRole("combobox", { name: "Police report" }), "yes");
    await userEvent.click(panel.getByRole("button", { name: "Ask the model" }));
    expect(await panel.findByText("Probability of fraud: 68% as it is, 21% as changed.")).toBeTruthy();
    expect(api.to(`POST /app/cases/${FIRST}/what-if`)[0]?.body).toEqual({
      changes: { witnesses: 2, police_report: true },
    });
  });
});

describe("a case can be put aside", () => {
  const action = `POST /app/cases/${FIRST}/actions`;
  const free = () => ({ case_id: FIRST, state: "open", version: 4, lease: null });

  it("by skipping it, after which the next one comes", async () => {
    await work();
    api.always(action, free);
    await userEvent.keyboard("s");
    await heading("SECOND");
    expect(api.to(action)[0]?.body).toEqual({ action: "skip", generation: 4 });
  });

  it("by handing it over, with a reason", async () => {
    await work();
    api.always(action, free);
    await userEvent.keyboard("g");
    const dialog = within(screen.getByRole("dialog", { name: "Hand over this case" }));
    await userEvent.type(dialog.getByLabelText("To"), "chiara");
    await userEvent.type(dialog.getByLabelText("Reason"), "knows the workshop{Enter}");
    await heading("SECOND");
    expect(api.to(action)[0]?.body).toEqual({
      action: "hand_over",
      generation: 4,
      to: "chiara",
      reason: "knows the workshop",
    });
  });

  it("by handing it over, after which a lead chooses from the same people", async () => {
    api.always("GET /app/me", () => ({
      ...EVERYBODY,
      permissions: [
        { permission: "case.decide", lines: ["*"] },
        { permission: "case.assign", lines: ["*"] },
        { permission: "claim.read", lines: ["*"] },
      ],
    }));
    api.always("GET /app/team", () => TEAM);
    await work();
    await userEvent.keyboard("g");
    await waitFor(() => expect(api.to("GET /app/people")).toHaveLength(1));
    await userEvent.click(screen.getByText("Team"));
    await userEvent.click((await screen.findAllByText("Reassign"))[0] as HTMLElement);
    const dialog = within(screen.getByRole("dialog", { name: /^Reassign/ }));
    expect(await dialog.findByRole("option", { name: "chiara" })).toBeTruthy();
    expect(api.to("GET /app/people")).toHaveLength(1);
  });

  it("by snoozing it until a moment", async () => {
    await work();
    api.always(action, free);
    await userEvent.keyboard("z");
    const dialog = within(screen.getByRole("dialog", { name: "Snooze this case" }));
    await userEvent.click(dialog.getByRole("radio", { name: "In three days" }));
    await userEvent.type(dialog.getByLabelText("Reason"), "waits for the bill{Enter}");
    await heading("SECOND");
    const sent = api.to(action)[0]?.body;
    expect(sent).toMatchObject({ action: "snooze", reason: "waits for the bill" });
    expect(Date.parse(String(sent?.until))).toBeGreaterThan(Date.now() + 2 * 86_400_000);
  });
});

describe("a sign-out", () => {
  it("leaves nothing of what was typed about a case", async () => {
    await work();
    await userEvent.keyboard("f2tnobody's business");
    forgetEverything();
    api.always(`GET /app/cases/${FIRST}`, () => makeCase({ case_id: FIRST, claim_id: "FIRST" }));
    await userEvent.click(screen.getByText("Queue"));
    await heading("Queue");
    act(() => history.back());
    await heading("FIRST");
    expect(note().value).toBe("");
  });
});

describe("connected claims", () => {
  it("are in a table with what they share, hubs are named, and each leads to its case", async () => {
    const answer = JSON.parse(JSON.stringify(links).replaceAll("MTR-00A1B2C3D4E5", "FIRST"));
    answer.nodes[1].case_id = SECOND;
    api.always(`GET /app/cases/${FIRST}/links`, () => answer);
    api.always(`GET /app/cases/${SECOND}`, () => makeCase({ case_id: SECOND, claim_id: "SECOND" }));
    await work({ linked: 7 });
    const table = within(await screen.findByRole("table", { name: "Connected claims" }));
    expect(table.getAllByRole("row")).toHaveLength(8);
    expect(screen.getByText(/workshop: shared by at least 1,000 claims/)).toBeTruthy();
    await userEvent.click(table.getByText(answer.nodes[1].claim_id));
    await heading("SECOND");
  });
});

describe("the photos", () => {
  it("say once that one is used elsewhere, and what else is odd about each", async () => {
    api.always(`GET /app/cases/${FIRST}/photos`, () => photos);
    await work({ photos: 3 });
    await screen.findByText("also used in 1 claim");
    const marks = [...document.querySelectorAll(".photo-grid > li")].map((photo) =>
      [...photo.querySelectorAll(".tag")].map((mark) => mark.textContent),
    );
    expect(marks).toEqual([
      ["also used in 1 claim", "taken long before the event"],
      [],
      ["no time recorded"],
    ]);
  });
});

describe("the view of a photo", () => {
  it("stays within the picture", () => {
    let view = { zoom: 1, turns: 0, x: 0, y: 0 };
    expect(moved(view, { kind: "pan", x: 30, y: 30 })).toEqual(view);
    view = moved(view, { kind: "zoom", by: 100 });
    expect(view.zoom).toBe(8);
    for (let i = 0; i < 200; i += 1) view = moved(view, { kind: "pan", x: 9, y: -9 });
    expect(Math.abs(view.x)).toBeLessThanOrEqual(370);
    expect(moved(view, { kind: "zoom", by: 0.001 })).toMatchObject({ zoom: 1, x: 0, y: 0 });
  });
});
