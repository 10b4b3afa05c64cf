import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { EVERYBODY, FOUND } from "../../tests/fixtures/overviews";
import { problem, showScreen } from "../../tests/screen";

describe("the search", () => {
  it("finds by claim id from the address, and opens only claims that have a case", async () => {
    const { requests } = showScreen("/search?q=MTR&line=motor", EVERYBODY, { "POST /app/search": FOUND });
    await screen.findByRole("heading", { name: "2 claims found" });
    const asked = requests.find((each) => each.path === "/app/search");
    expect(asked?.body).toEqual({ q: "MTR", line: "motor" });
    const rows = screen.getAllByRole("row").slice(1);
    expect(
      within(rows[0] as HTMLElement)
        .getByRole("link")
        .getAttribute("href"),
    ).toBe("#/case/6f1d3f0a-0c1e-4f6e-9a53-2b8f6f0f7c11");
    expect(within(rows[1] as HTMLElement).queryByRole("link")).toBeNull();
    expect(rows[1]?.textContent).toContain("Fraud");
  });

  it("asks only when it is sent, not while somebody types", async () => {
    const { requests } = showScreen("/search", EVERYBODY, { "POST /app/search": FOUND });
    const user = userEvent.setup();
    await user.type(await screen.findByRole("searchbox"), "MTR-00");
    expect(requests.some((each) => each.path === "/app/search")).toBe(false);
    await user.keyboard("{Enter}");
    await screen.findByRole("heading", { name: "2 claims found" });
    expect(requests.filter((each) => each.path === "/app/search").length).toBe(1);
    expect(location.hash).toBe("#/search?q=MTR-00");
  });

  it("keeps a value of a claim out of the address, which the browser remembers", async () => {
    const { requests } = showScreen("/search", EVERYBODY, { "POST /app/search": FOUND });
    const user = userEvent.setup();
    await user.click(await screen.findByRole("radio", { name: "A shared value" }));
    await user.click(screen.getByRole("button", { name: "Search" }));
    expect(screen.getByText("Type the value, and name its column.").getAttribute("role")).toBe("alert");
    await user.type(screen.getByRole("textbox", { name: "Column" }), "phone");
    await user.type(screen.getByRole("textbox", { name: "Value" }), "+49 30 1234567");
    await user.click(screen.getByRole("button", { name: "Search" }));
    await screen.findByRole("heading", { name: "2 claims found" });
    const asked = requests.find((each) => each.path === "/app/search");
    expect(asked?.body).toEqual({ column: "phone", value: "+49 30 1234567" });
    expect([...(asked?.query ?? [])]).toEqual([]);
    expect(location.href).not.toContain("1234567");
    expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain("1234567");
  });

  it("says that nothing was found, or why it was refused", async () => {
    const { unmount } = showScreen("/search?q=X", EVERYBODY, {
      "POST /app/search": { claims: [], unsearchable: ["home"] },
    });
    expect((await screen.findByText(/^In home, this column is stored as a hash/)).className).toBe("notice");
    expect((await screen.findAllByText("No claim found that you may read.")).length).toBeGreaterThan(0);
    unmount();
    showScreen("/search?q=X", EVERYBODY, { "POST /app/search": problem(400, "purpose") });
    expect(await screen.findByText(/This line does not allow the purpose/)).toBeTruthy();
  });
});
