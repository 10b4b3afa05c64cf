import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createRoot } from "react-dom/client";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { KeysDialog } from "./KeysDialog";
import { chooseKeys, useKeyboard, useKeys } from "./keys";

const run = vi.fn();

const inner = vi.fn();

function Inner() {
  useKeys([{ key: "n", label: "Inner", group: "Inner", run: inner }]);
  return null;
}

function Board() {
  useKeyboard();
  useKeys([
    { key: "n", label: "Next", group: "Cases", run },
    { key: "1", label: "Grounds", group: "Cases", run, shownAs: "1–9" },
    { key: "2", label: "Grounds", group: "Cases", run, shownAs: "1–9" },
  ]);
  return (
    <>
      <KeysDialog />
      <input aria-label="text" />
      <input aria-label="search" type="search" />
      <textarea aria-label="note" />
      <select aria-label="select">
        <option>none</option>
      </select>
      {/* biome-ignore lint/a11y/useSemanticElements: an editable element that is no form control is what is tested */}
      <div aria-label="rich" contentEditable suppressContentEditableWarning role="textbox" tabIndex={0} />
      <input aria-label="check" type="checkbox" />
      <input aria-label="radio" type="radio" />
    </>
  );
}

beforeEach(() => {
  run.mockClear();
  inner.mockClear();
  chooseKeys(true);
});

describe("single-letter keys", () => {
  it("work as soon as the screen shows what they are for", async () => {
    // Without `act`, as in a browser: effects that run after painting are still to come when the screen has changed.
    vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", false);
    const place = document.body.appendChild(document.createElement("div"));
    const root = createRoot(place);
    const pressed = new Promise((done) => {
      new MutationObserver((_, observer) => {
        observer.disconnect();
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "n", bubbles: true }));
        done(run.mock.calls.length);
      }).observe(place, { childList: true });
    });
    root.render(<Board />);
    expect(await pressed).toBe(1);
    root.unmount();
    place.remove();
    vi.unstubAllGlobals();
  });

  it.each(["text", "search", "note", "select", "rich"])("do nothing while typing in %s", async (name) => {
    render(<Board />);
    screen.getByLabelText(name).focus();
    await userEvent.keyboard("n1?");
    expect(run).not.toHaveBeenCalled();
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it.each(["check", "radio"])("work while a %s has the focus, which is no typing", async (name) => {
    render(<Board />);
    screen.getByLabelText(name).focus();
    await userEvent.keyboard("n");
    expect(run).toHaveBeenCalledOnce();
  });

  it("do nothing together with Ctrl, Alt or Meta, which belong to the browser", async () => {
    render(<Board />);
    await userEvent.keyboard("{Control>}n{/Control}{Alt>}n{/Alt}{Meta>}n{/Meta}");
    expect(run).not.toHaveBeenCalled();
  });

  it("do nothing while text is composed", () => {
    render(<Board />);
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "n", isComposing: true, bubbles: true }));
    expect(run).not.toHaveBeenCalled();
  });

  it("do not repeat while a key is held down", () => {
    render(<Board />);
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "n", repeat: true, bubbles: true }));
    expect(run).not.toHaveBeenCalled();
  });

  it("do nothing while a dialog is open", async () => {
    render(<Board />);
    await userEvent.keyboard("?");
    await userEvent.keyboard("n");
    expect(run).not.toHaveBeenCalled();
  });

  it("are listed by ?, each once, from what is registered", async () => {
    render(<Board />);
    await userEvent.keyboard("?");
    const dialog = screen.getByRole("dialog", { name: "Keys" });
    expect([...dialog.querySelectorAll("dt")].map((term) => term.textContent)).toEqual(["?", "n", "1–9"]);
  });

  it("can be switched off, except the list in which they are switched on again", async () => {
    render(<Board />);
    await userEvent.keyboard("?");
    await userEvent.click(screen.getByRole("checkbox", { name: /Single letters/ }));
    await userEvent.click(screen.getByRole("button", { name: "Close" }));
    await userEvent.keyboard("n");
    expect(run).not.toHaveBeenCalled();
    await userEvent.keyboard("?");
    expect(screen.getByRole("dialog", { name: "Keys" })).toBeTruthy();
  });

  it("belong to the component that registered last, and to none after it has gone", async () => {
    const { rerender } = render(
      <>
        <Board />
        <Inner />
      </>,
    );
    await userEvent.keyboard("n");
    expect([inner.mock.calls.length, run.mock.calls.length]).toEqual([1, 0]);
    rerender(<Board />);
    await userEvent.keyboard("n");
    expect([inner.mock.calls.length, run.mock.calls.length]).toEqual([1, 1]);
  });
});
