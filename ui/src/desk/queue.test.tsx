import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import { FakeApi, heading, problem, showDesk } from "../../tests/fake_api";
import type { Item } from "./shapes";

const QUEUE = "GET /app/queue";

let api: FakeApi;

beforeEach(() => {
  api = new FakeApi();
});

function item(claim_id: string, changes: Partial<Item> = {}): Item {
  return {
    case_id: `00000000-0000-4000-8000-${claim_id.padStart(12, "0")}`,
    line: "motor",
    claim_id,
    state: "open",
    due_at: "2026-03-15T09:20:11Z",
    opened_at: "2026-03-01T09:20:11Z",
    amount: 2860.88,
    holder: null,
    assigned_to: null,
    snoozed_until: null,
    ...changes,
  };
}

/** Answers with these claims on pages of two. */
function answerPages(...claims: string[]) {
  api.always(QUEUE, ({ query }) => {
    const from = Number(query.get("cursor") ?? 0);
    return {
      cases: claims.slice(from, from + 2).map((claim) => item(claim)),
      cursor: from + 2 < claims.length ? String(from + 2) : null,
      waiting: claims.length,
    };
  });
}

const asked = () => api.to(QUEUE).map(({ query }) => Object.fromEntries(query));

const claims = () => [...document.querySelectorAll("tbody th")].map((cell) => cell.textContent);

async function show(path = "/queue") {
  showDesk(path);
  await heading("Queue");
  await waitFor(() => expect(document.querySelector("h1 + .row")?.textContent).toMatch(/wait/));
}

describe("the queue", () => {
  it("shows for each case what is needed to choose one, and leads to it", async () => {
    api.always(QUEUE, () => ({
      cases: [
        item("1", { holder: "me" }),
        item("2", { holder: "other", state: "second_look", amount: null, assigned_to: "chiara" }),
      ],
      cursor: null,
      waiting: 2,
    }));
    await show();
    const [first, second] = within(screen.getByRole("table")).getAllByRole("row").slice(1);
    expect(first?.textContent).toContain("2,861");
    expect(first?.textContent).toContain("by you");
    expect(second?.textContent).toMatch(/Second look.*–.*by somebody else.*chiara/);
    expect(screen.getByText<HTMLAnchorElement>("1").hash).toBe(`#/case/${item("1").case_id}`);
  });

  it("asks with the filters of the address, and shows them", async () => {
    answerPages("1");
    await show("/queue?line=motor&state=second_look&holder=me&q=MTR&due=2026-03-01");
    expect(asked()).toEqual([
      {
        line: "motor",
        state: "second_look",
        holder: "me",
        q: "MTR",
        due_before: new Date(2026, 2, 2).toISOString(),
      },
    ]);
    expect(screen.getByLabelText<HTMLInputElement>("Claim begins with").value).toBe("MTR");
    expect(screen.getByLabelText<HTMLSelectElement>("State").value).toBe("second_look");
    expect(screen.getByLabelText<HTMLInputElement>("Due until").value).toBe("2026-03-01");
    expect(screen.getByLabelText<HTMLInputElement>("Only those that I hold").checked).toBe(true);
  });

  it("asks without what an address cannot mean", async () => {
    answerPages("1");
    await show("/queue?state=lost&holder=bruno&due=soon");
    expect(asked()).toEqual([{}]);
  });

  it("asks once for what is typed, since each request is on record", async () => {
    answerPages("1");
    await show();
    await userEvent.type(screen.getByLabelText("Claim begins with"), "MTR-00A1");
    await waitFor(() => expect(asked()).toEqual([{}, { q: "MTR-00A1" }]));
    expect(location.hash).toBe("#/queue?q=MTR-00A1");
    await userEvent.type(screen.getByLabelText("Claim begins with"), "B2{Enter}");
    expect(location.hash).toBe("#/queue?q=MTR-00A1B2");
    await waitFor(() => expect(asked()).toHaveLength(3));
  });

  it("loses no filter that is chosen while another is typed", async () => {
    answerPages("1");
    await show();
    await userEvent.type(screen.getByLabelText("Claim begins with"), "MTR");
    await userEvent.selectOptions(screen.getByLabelText("State"), "open");
    await waitFor(() => expect(asked().at(-1)).toEqual({ q: "MTR", state: "open" }));
    await userEvent.click(screen.getByRole("button", { name: "Clear the filters" }));
    await waitFor(() => expect(asked().at(-1)).toEqual({}));
    expect(location.hash).toBe("#/queue");
  });

  it("shows more, page by page, until there are none", async () => {
    answerPages("1", "2", "3", "4", "5");
    await show();
    expect(claims()).toEqual(["1", "2"]);
    await userEvent.click(screen.getByRole("button", { name: "Show more" }));
    await waitFor(() => expect(claims()).toEqual(["1", "2", "3", "4"]));
    await userEvent.click(screen.getByRole("button", { name: "Show more" }));
    await waitFor(() => expect(claims()).toEqual(["1", "2", "3", "4", "5"]));
    expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
    expect(asked()).toEqual([{}, { cursor: "2" }, { cursor: "4" }]);
  });

  it("keeps the cases that it shows when the next page is refused", async () => {
    answerPages("1", "2", "3");
    await show();
    api.once(QUEUE, () => problem(403, "forbidden"));
    await userEvent.click(screen.getByRole("button", { name: "Show more" }));
    await screen.findByText("Your permissions do not include this.");
    expect(claims()).toEqual(["1", "2"]);
  });

  it("is asked for again when the connection is back, if that had failed", async () => {
    answerPages("1");
    api.once(QUEUE, () => problem(500, "unexpected"));
    showDesk("/queue");
    await screen.findByText("detail of unexpected");
    const reconnect = () => {
      dispatchEvent(new Event("offline"));
      dispatchEvent(new Event("online"));
    };
    act(reconnect);
    await waitFor(() => expect(claims()).toEqual(["1"]));
    act(reconnect);
    await userEvent.click(screen.getByLabelText("Only those that I hold"));
    await waitFor(() => expect(asked()).toEqual([{}, {}, { holder: "me" }]));
  });

  it("tells an empty queue from filters that nothing matches", async () => {
    api.always(QUEUE, () => ({ cases: [], cursor: null, waiting: 0 }));
    await show();
    expect(screen.getByText("There are no cases.")).toBeTruthy();
    await userEvent.click(screen.getByLabelText("Only those that I hold"));
    expect(await screen.findByText("No case matches these filters.")).toBeTruthy();
  });
});
