import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EVENTS, EVERYBODY, MORE_EVENTS, person, SEALS, VERIFIED } from "../../tests/fixtures/overviews";
import { problem, showScreen } from "../../tests/screen";
import { texts } from "../texts";
import { toLocal, toMoment } from "./EventFilterForm";
import { readAll } from "./Export";
import { COLUMNS, cell, toCsv, toNdjson } from "./eventFiles";
import { type EventFilters, FILTERS } from "./queries";

const pages = (request: Request) => (new URL(request.url).searchParams.get("cursor") ? MORE_EVENTS : EVENTS);
const REPLIES = {
  "GET /app/audit": pages,
  "GET /app/audit/seals": SEALS,
  "POST /app/audit/verification": VERIFIED,
};
const NO_FILTERS = Object.fromEntries(FILTERS.map((name) => [name, ""])) as EventFilters;

/** Returns the text of a blob, with the mark at its beginning. */
function textOf(blob: Blob): Promise<string> {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () =>
      resolve(new TextDecoder("utf-8", { ignoreBOM: true }).decode(reader.result as ArrayBuffer));
    reader.readAsArrayBuffer(blob);
  });
}

describe("a cell of a CSV file", () => {
  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠x", "'=1"])(
    "defuses %j",
    (text) => {
      const written = cell(text).replace(/^"|"$/g, "");
      expect(written.startsWith("'")).toBe(true);
      expect(written.slice(1)).toBe(text);
    },
  );

  it("quotes what separates cells, and keeps everything else as it is", () => {
    expect(cell('say "no", twice')).toBe('"say ""no"", twice"');
    expect(cell("two\nlines")).toBe('"two\nlines"');
    expect(cell(" room ")).toBe('" room "');
    expect(cell("plain text = fine")).toBe("plain text = fine");
    expect(cell(null)).toBe("");
    expect(cell(-5)).toBe("-5");
  });
});

describe("files of events", () => {
  it("have every member of every event, in CSV and in NDJSON", () => {
    expect([...COLUMNS].sort()).toEqual(Object.keys(EVENTS.events[0] ?? {}).sort());
    const csv = toCsv(EVENTS.events);
    expect(csv.startsWith("\ufeffseq,at,actor,")).toBe(true);
    expect(csv.trimEnd().split("\r\n").length).toBe(5);
    expect(csv).toContain(`"'=HYPERLINK(""http://example.invalid"";""calls the workshop"")"`);
    const lines = toNdjson(EVENTS.events).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual(EVENTS.events);
  });
});

describe("the audit", () => {
  const saved: { name: string; text: Promise<string> }[] = [];
  beforeEach(() => {
    saved.length = 0;
    let blob = new Blob();
    URL.createObjectURL = (given: Blob | MediaSource) => {
      blob = given as Blob;
      return "blob:https://desk.example/1";
    };
    URL.revokeObjectURL = () => undefined;
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function click(
      this: HTMLAnchorElement,
    ) {
      saved.push({ name: this.download, text: textOf(blob) });
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("is not shown without the permission for it", async () => {
    const { requests } = showScreen("/audit", person("case.decide", "claim.read"), REPLIES);
    await screen.findByRole("heading", { name: "There is no such page" });
    expect(requests.map((each) => each.path)).not.toContain("/app/audit");
  });

  it("says that reading it is on record, and reads each page once", async () => {
    const { requests } = showScreen("/audit?actor=ida", EVERYBODY, REPLIES);
    await screen.findByText(/each page that is loaded or exported is one access event/);
    await userEvent.setup().click(await screen.findByRole("button", { name: "Show older events" }));
    await screen.findAllByText(/6 events shown/);
    screen.getByText(/These are all events that match/);
    const asked = requests.filter((each) => each.path === "/app/audit");
    expect(asked.map((each) => [...each.query])).toEqual([
      [["actor", "ida"]],
      [
        ["actor", "ida"],
        ["cursor", "117"],
      ],
    ]);
  });

  it("asks with other filters only when told to, and keeps them in the address", async () => {
    const { requests } = showScreen("/audit", EVERYBODY, REPLIES);
    const user = userEvent.setup();
    await user.type(await screen.findByRole("textbox", { name: "Claim" }), "MTR-1");
    expect(requests.filter((each) => each.path === "/app/audit").length).toBe(1);
    await user.click(screen.getByRole("button", { name: "Show" }));
    await waitFor(() => expect(requests.filter((each) => each.path === "/app/audit").length).toBe(2));
    expect(location.hash).toBe("#/audit?claim=MTR-1");
    expect(document.activeElement?.textContent).toBe("Show");
    await user.click(screen.getByRole("button", { name: "Clear" }));
    expect(location.hash).toBe("#/audit");
  });

  it("says nothing about a list that was read without a filter", () => {
    expect(texts.audit.events.line("", "{}")).toBe("");
    expect(texts.audit.events.line("motor", "{}")).toBe("motor");
  });

  it("shows texts of events as text", async () => {
    const { container } = showScreen("/audit", EVERYBODY, {
      ...REPLIES,
      "GET /app/audit": {
        events: [{ ...EVENTS.events[0], reason: "<img src=x onerror=alert(1)>" }],
        cursor: null,
      },
    });
    await screen.findByText("<img src=x onerror=alert(1)>");
    expect(container.querySelector("td img")).toBeNull();
  });

  it("exports all pages that match, with formulas defused in CSV", async () => {
    const { requests } = showScreen("/audit?line=motor", EVERYBODY, REPLIES);
    await userEvent.setup().click(await screen.findByRole("button", { name: "As CSV" }));
    await screen.findAllByText(/6 events are in access-events-.*\.csv/);
    const text = await saved[0]?.text;
    expect(saved[0]?.name).toMatch(/^access-events-\d{4}-\d{2}-\d{2}T\d{6}Z\.csv$/);
    expect(text?.trimEnd().split("\r\n").length).toBe(7);
    expect(text).not.toMatch(/(^|,)"?=/m);
    expect(requests.every((each) => each.path !== "/app/audit" || each.query.get("line") === "motor")).toBe(
      true,
    );
  });

  it("says that an export was cut, and stops on demand", async () => {
    showScreen("/audit", EVERYBODY, { ...REPLIES, "GET /app/audit": EVENTS });
    await screen.findByRole("button", { name: "As CSV" });
    const { events, cut } = await readAll(NO_FILTERS, new AbortController().signal, () => undefined, 10);
    expect([events.length, cut]).toEqual([10, true]);
    const controller = new AbortController();
    const stopped = readAll(NO_FILTERS, controller.signal, () => controller.abort(), 10);
    await expect(stopped).rejects.toThrow();
  });

  it("verifies on demand and says which event was altered", async () => {
    showScreen("/audit", EVERYBODY, {
      ...REPLIES,
      "POST /app/audit/verification": {
        ...VERIFIED,
        intact: false,
        differences: 2,
        first_wrong: { kind: "altered", sentence: "event 42 is not what was sealed", seq: 42, seal: 3 },
        findings: ["event 42 is not what was sealed", "seal 5 is missing"],
      },
    });
    await screen.findByText("The events have not been verified here yet.");
    await userEvent.setup().click(screen.getByRole("button", { name: "Verify now" }));
    const finding = await screen.findByText("seal 5 is missing");
    const notice = finding.closest(".notice") as HTMLElement;
    expect(within(notice).getByText("Altered")).toBeTruthy();
    expect(notice.textContent).toContain(
      "2 differences were found.The first: event 42 is not what was sealed",
    );
  });

  it("shows why events could not be read", async () => {
    showScreen("/audit", EVERYBODY, {
      ...REPLIES,
      "GET /app/audit": problem(400, "malformed", "since is no moment"),
    });
    expect(await screen.findByText("since is no moment")).toBeTruthy();
  });
});

describe("times of filters", () => {
  it("are stored in UTC and shown in the zone of the viewer", () => {
    const moment = "2026-09-28T10:05:00.000Z";
    expect(toMoment(toLocal(moment))).toBe(moment);
    expect(toLocal("nonsense")).toBe("");
    expect(toMoment("")).toBe("");
  });
});
