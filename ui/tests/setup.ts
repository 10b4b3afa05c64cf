/** What jsdom lacks of a browser. */
import { cleanup, configure } from "@testing-library/react";
import { afterEach, beforeEach, vi } from "vitest";

// On a machine that is busy with other tests, a screen may take longer than the default of one second.
configure({ asyncUtilTimeout: 15_000 });

// jsdom has no modal dialogs: these are open or closed, and Escape is not handled.
HTMLDialogElement.prototype.showModal = function showModal() {
  this.setAttribute("open", "");
};
HTMLDialogElement.prototype.show = HTMLDialogElement.prototype.showModal;
HTMLDialogElement.prototype.close = function close() {
  if (!this.hasAttribute("open")) return;
  this.removeAttribute("open");
  this.dispatchEvent(new Event("close"));
};
HTMLElement.prototype.scrollIntoView = () => undefined;
window.scrollTo = (() => undefined) as typeof window.scrollTo;

beforeEach(() => {
  vi.spyOn(navigator, "languages", "get").mockReturnValue(["en-GB"]);
  history.replaceState(null, "", "/#/");
});

afterEach(() => {
  cleanup();
  localStorage.clear();
  sessionStorage.clear();
});
